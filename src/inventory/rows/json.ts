/**
 * Rows of one JSON document, `{"codes": ["…", "…"]}`, whose text is never held as a whole. An
 * element that is a string is a code, any other a faulty row: a number, say, has lost the zeros
 * before it. A document that is not JSON, or any other object than that, is unreadable.
 */

import { IMPORTED_CODE_LENGTH_MAX } from "../../domain/imported-code.ts";
import { closingQuote, pastEscapes, pastSpace, valueEnd } from "./json-text.ts";
import {
  faultyRow,
  judgedRow,
  MalformedJsonError,
  ROW_LENGTH_MAX,
  UnreadableImportError,
  type ImportRow,
  type RowReader,
} from "./row.ts";

/**
 * UTF-16 units of a string as it is written, above which it is no code: one code point more than a
 * code may have, each written as two escapes. The rest of a longer one is checked and let go.
 */
const STRING_LENGTH_MAX = (IMPORTED_CODE_LENGTH_MAX + 1) * String.raw`\ud83c\udf81`.length;

const NAME_SHOWN_MAX = 40;

const SHAPE = 'Send an object with an array of strings: {"codes": ["…", "…"]}.';

/** What any JSON value begins with. */
const VALUE = /^(?:[[{"\d-]|true|false|null)/;
const LITERAL_MAX = "false".length;

/** Which part of the document comes next. */
type State =
  | "object"
  | "name"
  | "colon"
  | "array"
  | "first"
  | "element"
  | "comma"
  | "brace"
  | "end";

/** What takes one step on, in the states where one character does. */
const STEPS: Partial<Record<State, Record<string, State>>> = {
  object: { "{": "name" },
  colon: { ":": "array" },
  array: { "[": "first" },
  first: { "]": "brace" },
  comma: { ",": "element", "]": "brace" },
  brace: { ",": "name", "}": "end" },
};

export class JsonReader implements RowReader {
  /** What is held of the document, and what of it is to be read next. */
  #text = "";
  #at = 0;
  /** UTF-16 units that were let go before #text. */
  #gone = 0;
  #state: State = "object";
  #hasCodes = false;
  /** Elements of `codes` read so far. */
  #place = 0;
  /** Within a string that was refused for its length already. */
  #isSkipping = false;

  read(piece: string, isLast: boolean, rows: ImportRow[]): void {
    this.#text = this.#text.slice(this.#at) + piece;
    this.#gone += this.#at;
    this.#at = 0;
    for (let goesOn = true; goesOn;) {
      if (!this.#isSkipping) this.#at = pastSpace(this.#text, this.#at);
      goesOn = this.#at < this.#text.length && this.#step(rows);
    }
    if (isLast && this.#state !== "end") throw this.#unreadable("The JSON ends too early");
  }

  /** Reads one token or element. False when it takes more text to. */
  #step(rows: ImportRow[]): boolean {
    if (this.#isSkipping) return this.#skipString();
    const char = this.#text.charAt(this.#at);
    const next = STEPS[this.#state]?.[char];
    if (next !== undefined) {
      this.#state = next;
      this.#at += 1;
      return true;
    }
    switch (this.#state) {
      case "name":
        return this.#readName(char);
      case "first":
      case "element":
        return char === '"' ? this.#readString(rows) : this.#readOther(rows);
      case "object":
      case "array":
        if (VALUE.test(this.#text.slice(this.#at, this.#at + LITERAL_MAX))) {
          throw new UnreadableImportError(SHAPE, null);
        }
        throw this.#malformed();
      case "colon":
      case "comma":
      case "brace":
      case "end":
        throw this.#malformed();
    }
  }

  #readName(char: string): boolean {
    if (char === "}" && !this.#hasCodes) throw new UnreadableImportError(SHAPE, null);
    if (char !== '"') throw this.#malformed();
    const close = closingQuote(this.#text, this.#at + 1);
    const isLong = (close < 0 ? this.#text.length : close) - this.#at > STRING_LENGTH_MAX;
    if (close < 0 && !isLong) return false;
    const name = isLong ? "…" : this.#parse(this.#text.slice(this.#at, close + 1));
    if (name !== "codes") {
      const shown = JSON.stringify(String(name).slice(0, NAME_SHOWN_MAX));
      throw new UnreadableImportError(`There may be no member ${shown} beside \`codes\`.`, null);
    }
    if (this.#hasCodes) throw new UnreadableImportError("There may be one `codes` only.", null);
    this.#hasCodes = true;
    this.#state = "colon";
    this.#at = close + 1;
    return true;
  }

  #readString(rows: ImportRow[]): boolean {
    const start = this.#at + 1;
    const close = closingQuote(this.#text, start);
    const length = (close < 0 ? this.#text.length : close) - start;
    if (length > STRING_LENGTH_MAX) {
      const end = pastEscapes(this.#text.slice(0, start + STRING_LENGTH_MAX), start);
      const code = String(this.#parse(`"${this.#text.slice(start, end)}"`));
      rows.push(faultyRow(this.#place + 1, code, "too-long"));
      this.#isSkipping = true;
      this.#at = start;
      return true;
    }
    if (close < 0) return false;
    const raw = this.#text.slice(start, close);
    const isPlain = !raw.includes("\\");
    const row = judgedRow(this.#place + 1, isPlain ? raw : String(this.#parse(`"${raw}"`)));
    // JSON allows no bare control characters, and none is in a code without a fault.
    if (isPlain && row.fault !== null) this.#parse(`"${raw}"`);
    rows.push(row);
    this.#endElement(close + 1);
    return true;
  }

  /** Goes on in a string that is too long, checking what it lets go. */
  #skipString(): boolean {
    const close = closingQuote(this.#text, this.#at);
    const end = close < 0 ? pastEscapes(this.#text, this.#at) : close;
    this.#parse(`"${this.#text.slice(this.#at, end)}"`);
    this.#at = end;
    if (close < 0) return false;
    this.#isSkipping = false;
    this.#endElement(close + 1);
    return true;
  }

  #readOther(rows: ImportRow[]): boolean {
    const end = valueEnd(this.#text, this.#at);
    if ((end < 0 ? this.#text.length : end) - this.#at > ROW_LENGTH_MAX)
      throw this.#unreadable("A value is longer than any code");
    if (end < 0) return false;
    const raw = this.#text.slice(this.#at, end);
    this.#parse(raw);
    rows.push(faultyRow(this.#place + 1, raw, "no-code"));
    this.#endElement(end);
    return true;
  }

  #endElement(end: number): void {
    this.#place += 1;
    this.#at = end;
    this.#state = "comma";
  }

  #parse(raw: string): unknown {
    try {
      return JSON.parse(raw);
    } catch {
      throw this.#malformed();
    }
  }

  #malformed(): MalformedJsonError {
    return this.#unreadable("The JSON is malformed");
  }

  #unreadable(what: string): MalformedJsonError {
    const past = this.#place === 0 ? "" : `, past element ${this.#place} of \`codes\``;
    return new MalformedJsonError(
      `${what} at character ${this.#gone + this.#at + 1}${past}.`,
      null,
    );
  }
}
