/** Rows of newline-delimited JSON: `{"code": "…"}` on each line. Other members are ignored. */

import { faultyRow, judgedRow, ROW_LENGTH_MAX, type ImportRow, type RowReader } from "./row.ts";

/**
 * Lines end with LF; the CR of CRLF is white space to JSON. Lines of white space alone are no rows.
 * A line that is too long is refused once that much of it is here, and the rest passed over.
 */
export class NdjsonReader implements RowReader {
  #held = "";
  #line = 1;
  /** In a line that was refused already. */
  #isSkipping = false;

  read(piece: string, isLast: boolean, rows: ImportRow[]): void {
    const text = this.#held + piece;
    let at = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", at)) {
      this.#take(text.slice(at, end), rows);
      this.#isSkipping = false;
      this.#line += 1;
      at = end + 1;
    }
    this.#held = text.slice(at);
    if (!isLast && this.#held.length <= ROW_LENGTH_MAX) return;
    this.#take(this.#held, rows);
    this.#held = "";
    this.#isSkipping = true;
  }

  #take(text: string, rows: ImportRow[]): void {
    if (this.#isSkipping) return;
    if (text.length > ROW_LENGTH_MAX) rows.push(faultyRow(this.#line, "", "row-too-long"));
    else if (text.trim() !== "") rows.push(rowOf(this.#line, text));
  }
}

function rowOf(line: number, text: string): ImportRow {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return faultyRow(line, "", "not-json");
  }
  const code = typeof value === "object" && value !== null && "code" in value ? value.code : null;
  if (typeof code === "string") return judgedRow(line, code);
  // A number is the likeliest of the rest, and worth showing.
  return faultyRow(line, typeof code === "number" ? String(code) : "", "no-code");
}
