import type { List } from "../client/client.ts";
import type { Invocation, Option } from "./command.ts";
import { aligned, columnWidths } from "./io.ts";

/** Rows that a list shows when nobody says how many. */
const LIMIT_DEFAULT = 20;
/** Columns are as wide as the first rows need: later ones are printed as they come. */
const MEASURED_ROWS = 100;

export const ROW_OPTIONS: Readonly<Record<string, Option>> = {
  limit: { value: "N", help: `how many to show; ${LIMIT_DEFAULT} unless you say` },
  all: { help: "show all" },
};

/** Prints a list as a table or as lines of JSON, and says on stderr when there are more. */
export async function printRows<Row>(
  call: Invocation,
  list: List<Row>,
  head: readonly string[],
  cells: (row: Row) => readonly string[],
): Promise<void> {
  const { io } = call;
  const limit = call.flag("all") ? Infinity : (call.count("limit") ?? LIMIT_DEFAULT);
  let measured: (readonly string[])[] | null = [];
  let widths: number[] = [];
  const flush = async () => {
    if (measured === null) return;
    widths = columnWidths([head, ...measured]);
    if (measured.length > 0) await io.line(aligned(head, widths), "dim");
    for (const row of measured) await io.line(aligned(row, widths));
    measured = null;
  };
  let shown = 0;
  for await (const row of list) {
    if (shown === limit) {
      await flush();
      io.note(`${shown} shown, there are more: --limit N or --all`, "dim");
      return;
    }
    shown += 1;
    if (io.isJson) await io.value(row);
    else if (measured === null) await io.line(aligned(cells(row), widths));
    else if (measured.push(cells(row)) === MEASURED_ROWS) await flush();
  }
  await flush();
  if (shown === 0) io.note("None.", "dim");
}
