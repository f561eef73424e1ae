/**
 * Rows of CSV, each judged by itself: whatever is wrong with one, the next is read.
 *
 * A row gives its code only if nothing can have moved another value into its place. Quotes that do
 * not add up refuse the row. So do more fields than the header has, unless the code comes first of
 * several: an unquoted delimiter can only have moved what stands after it, and in a file of one
 * column it can only be part of a code.
 *
 * An unclosed quote makes one field of what follows. It is noticed where that field ends wrongly or
 * is too long, and reading goes on at the line after the quote's. The lines between are then read a
 * second time but no third: as all their quotes are doubled, none opens a field that outlasts its
 * line. So the time taken is in proportion to the file's length.
 */

import { isBlank, readBeginning, type Layout } from "./csv-layout.ts";
import { countLineBreaks, pastLineBreak, scanRecord, type Scan } from "./csv-record.ts";
import { faultyRow, judgedRow, ROW_LENGTH_MAX, type ImportRow, type RowReader } from "./row.ts";

/** A first line that tells Excel the delimiter of the file. */
const SEP_LINE = /^sep=([,;|\t])$/i;

export class CsvReader implements RowReader {
  /** What is held of the file; the record to be read next begins at `#at` and on line `#line`. */
  #text = "";
  #at = 0;
  #line = 1;
  #isLast = false;
  #breaks = new LineBreaks("");
  #layout: Layout | null = null;
  /** The delimiter that a `sep=` line has named. */
  #declared: string | null = null;
  /** Within a row that was refused for its length already. */
  #isSkipping = false;
  /**
   * Since an unclosed quote, until a row has all columns. The rows between may be lines of a text,
   * and their beginnings no codes.
   */
  #isAstray = false;

  read(piece: string, isLast: boolean, rows: ImportRow[]): void {
    this.#text = this.#text.slice(this.#at) + piece;
    this.#at = 0;
    this.#isLast = isLast;
    this.#breaks = new LineBreaks(this.#text);
    const quotes = new Places(this.#text, '"');
    while (this.#at < this.#text.length && this.#step(quotes, rows));
  }

  /** Reads one record or line. False when it takes more text to. */
  #step(quotes: Places, rows: ImportRow[]): boolean {
    if (this.#isSkipping) return this.#skipLine();
    if (this.#layout === null) return this.#begin();
    const end = this.#breaks.next(this.#at);
    const isPlain = quotes.next(this.#at) >= end && end - this.#at <= ROW_LENGTH_MAX;
    return isPlain ? this.#readLine(this.#layout, end, rows) : this.#readRecord(this.#layout, rows);
  }

  #skipLine(): boolean {
    // What is passed over need not be held.
    this.#at = this.#breaks.next(this.#at);
    this.#isSkipping = !this.#endLine(this.#at);
    return !this.#isSkipping;
  }

  /** Goes to the line after the break at `end`. False when more text is needed to. */
  #endLine(end: number): boolean {
    if (end === this.#text.length && !this.#isLast) return false;
    const past = pastLineBreak(this.#text, end, this.#isLast);
    if (past === null) return false;
    this.#at = past;
    this.#line += 1;
    return true;
  }

  #begin(): boolean {
    const text = this.#text;
    const at = this.#at;
    if (this.#line === 1) {
      const end = this.#breaks.next(at);
      this.#declared = SEP_LINE.exec(text.slice(at, end))?.[1] ?? null;
      if (this.#declared !== null) return this.#endLine(end);
    }
    const beginning = readBeginning(text, at, this.#isLast, {
      declared: this.#declared,
      line: this.#line,
    });
    if (beginning.kind === "more") return false;
    if (beginning.kind === "layout") this.#layout = beginning.layout;
    this.#advance(beginning.end);
    return true;
  }

  /** Goes to `end`, past whole lines. */
  #advance(end: number): void {
    this.#line += countLineBreaks(this.#text.slice(this.#at, end));
    this.#at = end;
  }

  /** A line without quotes is a record, and this the short way to read it. */
  #readLine(layout: Layout, end: number, rows: ImportRow[]): boolean {
    const at = this.#at;
    const line = this.#line;
    if (!this.#endLine(end)) return false;
    const text = this.#text.slice(at, end);
    const fields =
      layout.columns === 1 && !text.includes(layout.delimiter)
        ? [text]
        : text.split(layout.delimiter);
    const code = fields[layout.codeColumn]?.trim() ?? null;
    const hasCode = code !== null && code !== "";
    if (hasCode || fields.some((field) => field.trim() !== ""))
      rows.push(this.#judge(layout, fields, code, line));
    return true;
  }

  #readRecord(layout: Layout, rows: ImportRow[]): boolean {
    const scan = scanRecord(this.#text, this.#at, layout.delimiter, this.#isLast);
    if (scan.kind === "more") return false;
    const line = this.#line;
    const field = scan.fields[layout.codeColumn];
    const code = field?.text ?? null;
    switch (scan.kind) {
      case "unclosed":
        rows.push(faultyRow(line, code ?? this.#opened(layout, scan), "unclosed-quote"));
        this.#isAstray = true;
        this.#goOn(scan.quoteAt);
        return true;
      case "too-long":
        rows.push(faultyRow(line, code ?? "", "row-too-long"));
        this.#goOn(this.#at + ROW_LENGTH_MAX);
        return true;
      case "record":
        if (scan.fields.some(({ isQuoted, isStray }) => isQuoted && isStray) || field?.isStray)
          rows.push(faultyRow(line, code ?? "", "stray-quote"));
        else if (!isBlank(scan.fields)) {
          const fields = scan.fields.map(({ text }) => text);
          rows.push(this.#judge(layout, fields, code, line));
        }
        this.#advance(scan.end);
        return true;
    }
  }

  #judge(layout: Layout, fields: string[], code: string | null, line: number): ImportRow {
    if (fields.length >= layout.columns) this.#isAstray = false;
    else if (this.#isAstray) return faultyRow(line, code ?? "", "unclosed-quote");
    if (code === null) return faultyRow(line, "", "no-code");
    const isFirstOfSeveral = layout.codeColumn === 0 && layout.columns > 1;
    const hasMore = fields.slice(layout.columns).some((field) => field.trim() !== "");
    if (hasMore && !isFirstOfSeveral) return faultyRow(line, code, "extra-fields");
    return judgedRow(line, code);
  }

  /** Of a code whose quote is never closed, what stands on its line. */
  #opened(layout: Layout, { fields, quoteAt }: Extract<Scan, { kind: "unclosed" }>): string {
    if (fields.length !== layout.codeColumn) return "";
    const end = Math.min(this.#breaks.next(quoteAt), this.#at + ROW_LENGTH_MAX);
    return this.#text.slice(quoteAt + 1, end);
  }

  /** Goes to the line after the one that `from` is on. */
  #goOn(from: number): void {
    this.#advance(from);
    this.#isSkipping = true;
  }
}

/** Finds a character again and again, each time further on, and looks at no place twice. */
class Places {
  readonly #text: string;
  readonly #char: string;
  #found = -1;

  constructor(text: string, char: string) {
    this.#text = text;
    this.#char = char;
  }

  /** The first at or after `from`, which never goes back; the text's length when there is none. */
  next(from: number): number {
    if (this.#found < from) {
      const found = this.#text.indexOf(this.#char, from);
      this.#found = found < 0 ? this.#text.length : found;
    }
    return this.#found;
  }
}

/** Like Places, for whichever of CR and LF comes first. */
class LineBreaks {
  readonly #lf: Places;
  readonly #cr: Places;

  constructor(text: string) {
    this.#lf = new Places(text, "\n");
    this.#cr = new Places(text, "\r");
  }

  next(from: number): number {
    return Math.min(this.#lf.next(from), this.#cr.next(from));
  }
}
