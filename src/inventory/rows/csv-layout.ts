/**
 * What the first line of a CSV file says of the rest.
 *
 * A delimiter is believed only when the header proves it: it is the one that makes a field `code`
 * of the first line. A header that is `code` alone makes one column, and the codes below may have
 * semicolons as they like. Without a header there is one column too, and then nothing in the first
 * line may look like a second: a file whose first line is `SAVE;10` is a list of such codes or a
 * table of codes and values, and taking one for the other would hand out codes that no till knows.
 * So it is refused, and a header or quotes settle it. Empty fields after the first say nothing:
 * spreadsheets end rows with delimiters where a column was once used.
 */

import { scanRecord, type Field } from "./csv-record.ts";
import { UnreadableImportError } from "./row.ts";

export interface Layout {
  delimiter: string;
  /** Of these many columns, the one with the code, counted from 0. */
  columns: number;
  codeColumn: number;
}

const HEADER = "code";

// The first is the standard's and goes first where several would do; Excel writes the second where
// the comma is the decimal sign, and the third as "text".
const DELIMITERS = [",", ";", "\t"];

const COLUMNS_NAMED_MAX = 5;
const COLUMN_NAME_LENGTH_MAX = 40;

export type Beginning =
  /** `end` is where the first row begins: after the header, if there is one. */
  | { kind: "layout"; layout: Layout; end: number }
  /** Nothing but blanks and delimiters: no row, and no header. */
  | { kind: "blank"; end: number }
  | { kind: "more" };

/**
 * Reads the layout off the record at `start`, which is on line `line` of the file and may be the
 * first. `declared` is the delimiter that a `sep=` line before it has named. Throws
 * UnreadableImportError.
 */
export function readBeginning(
  text: string,
  start: number,
  isLast: boolean,
  { declared, line }: { declared: string | null; line: number },
): Beginning {
  const candidates: { delimiter: string; fields: Field[]; end: number }[] = [];
  let problem: string | null = null;
  for (const delimiter of declared === null ? DELIMITERS : [declared]) {
    const scan = scanRecord(text, start, delimiter, isLast);
    if (scan.kind === "more") return scan;
    if (scan.kind !== "record") problem ??= PROBLEMS[scan.kind];
    else if (isBlank(scan.fields)) return { kind: "blank", end: scan.end };
    else candidates.push({ delimiter, ...scan });
  }
  for (const { delimiter, fields, end } of candidates) {
    const names = fields.map(({ text: name }) => name.trim().toLowerCase());
    const codeColumn = names.indexOf(HEADER);
    if (codeColumn < 0) continue;
    if (names.lastIndexOf(HEADER) !== codeColumn)
      throw new UnreadableImportError("Two columns are called `code`. Rename one.", line);
    const layout = { delimiter, columns: names.length, codeColumn };
    return { kind: "layout", layout, end };
  }
  if (problem !== null) throw new UnreadableImportError(problem, line);
  const widest = candidates.reduce((a, b) => (b.fields.length > a.fields.length ? b : a));
  if (widest.fields.slice(1).some(({ text: value }) => value !== ""))
    throw new UnreadableImportError(noCodeColumn(widest.fields), line);
  const layout = { delimiter: widest.delimiter, columns: 1, codeColumn: 0 };
  return { kind: "layout", layout, end: start };
}

export function isBlank(fields: Field[]): boolean {
  return fields.every(({ text, isQuoted }) => text === "" && !isQuoted);
}

const PROBLEMS = {
  unclosed: "A quote in the first line is never closed.",
  "too-long": "The first line is longer than any that a spreadsheet writes.",
};

function noCodeColumn(fields: Field[]): string {
  const names = fields
    .slice(0, COLUMNS_NAMED_MAX)
    .map(({ text }) => JSON.stringify(text.slice(0, COLUMN_NAME_LENGTH_MAX)));
  const rest = fields.length > names.length ? ", …" : "";
  return (
    `The first line has ${fields.length} columns, ${names.join(", ")}${rest}, and none is called ` +
    "`code`. Name the column of the codes `code`; if this is one column of codes that contain the " +
    "delimiter, put the word `code` on a line before them, and each code in quotes."
  );
}
