/** Exports: rows as they are read, as CSV or NDJSON. */

import type { Context } from "hono";
import * as z from "zod";
import { csvLine } from "../domain/csv.ts";
import type { HttpEnv } from "./http-env.ts";

export const ExportFormat = z.enum(["csv", "ndjson"]).optional().meta({
  description:
    "csv when left out. In CSV, a text that a spreadsheet would compute has an apostrophe before it.",
});

/** For the reference. */
export const EXPORT_CONTENT = {
  "text/csv": { schema: { type: "string" } },
  "application/x-ndjson": { schema: { type: "string" } },
} as const;

/** One row, by column, in the order of the columns. */
export type ExportRow = Record<string, string | number | null>;

/**
 * Streams the rows. The body is made as it is taken, so memory stays flat; when reading fails the
 * connection is cut, so that half an export is not taken for a whole one.
 */
export function download(
  c: Context<HttpEnv>,
  options: {
    name: string;
    format: z.infer<typeof ExportFormat>;
    columns: readonly string[];
    rows: AsyncGenerator<ExportRow[]>;
  },
): Response {
  const { name, columns, rows } = options;
  const isCsv = options.format !== "ndjson";
  const encoder = new TextEncoder();
  const line = (row: ExportRow) =>
    isCsv ? csvLine(columns.map((column) => row[column] ?? null)) : `${JSON.stringify(row)}\n`;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (isCsv) controller.enqueue(encoder.encode(csvLine(columns)));
    },
    async pull(controller) {
      for (;;) {
        const { done, value } = await rows.next();
        if (done === true) {
          controller.close();
          return;
        }
        if (value.length === 0) continue;
        controller.enqueue(encoder.encode(value.map(line).join("")));
        return;
      }
    },
    async cancel() {
      await rows.return(undefined);
    },
  });
  c.header(
    "Content-Type",
    isCsv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson",
  );
  c.header("Content-Disposition", `attachment; filename="${name}.${isCsv ? "csv" : "ndjson"}"`);
  return c.body(body, 200);
}
