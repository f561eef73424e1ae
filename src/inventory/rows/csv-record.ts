/**
 * One record of CSV: RFC 4180 as spreadsheets and people write it. Line breaks are CRLF, LF and
 * CR, mixed as they come. Blanks around an unquoted field, and around the quotes of a quoted one,
 * belong to the file; blanks inside quotes belong to the field.
 */

import { ROW_LENGTH_MAX } from "./row.ts";

export interface Field {
  text: string;
  isQuoted: boolean;
  /** It has a quote where RFC 4180 allows none: in an unquoted field, or before its end. */
  isStray: boolean;
}

export type Scan =
  | { kind: "record"; fields: Field[]; end: number }
  /** The text ends before the record does, and more text is to come. */
  | { kind: "more" }
  /**
   * The quote at `quoteAt` is never closed: the file or the longest row ends first, or what looks
   * like its end, on a later line, is followed by text. The last means almost always that a later
   * field's opening quote was met. `fields` are those before it.
   */
  | { kind: "unclosed"; fields: Field[]; quoteAt: number }
  /** Outside of quotes the record is longer than ROW_LENGTH_MAX. */
  | { kind: "too-long"; fields: Field[] };

const LF = 10;
const CR = 13;
const LINE_BREAK = /[\r\n]/;

/**
 * Reads the record that begins at `start`. The outcome depends on the file alone, never on how much
 * of it is in `text`: where that would decide, it is "more".
 */
export function scanRecord(text: string, start: number, delimiter: string, isLast: boolean): Scan {
  const limit = start + ROW_LENGTH_MAX;
  const fields: Field[] = [];
  let at = start;
  for (;;) {
    let inner: string | null = null;
    const quoteAt = pastBlanks(text, at, delimiter);
    if (text[quoteAt] === '"' && quoteAt < limit) {
      const close = closingQuote(text, quoteAt + 1, limit);
      if (close === null) {
        const isOver = isLast || text.length >= limit;
        return isOver ? { kind: "unclosed", fields, quoteAt } : { kind: "more" };
      }
      at = pastBlanks(text, close + 1, delimiter);
      if (at > limit) return { kind: "too-long", fields };
      inner = text.slice(quoteAt + 1, close);
      if (fieldEnd(text, at, delimiter, at) !== at && LINE_BREAK.test(inner))
        return { kind: "unclosed", fields, quoteAt };
    }
    const end = fieldEnd(text, at, delimiter, limit);
    if (end > limit) return { kind: "too-long", fields };
    if (end === text.length && !isLast) return { kind: "more" };
    const bare = text.slice(at, end).trim();
    fields.push(
      inner === null
        ? { text: bare, isQuoted: false, isStray: bare.includes('"') }
        : { text: inner.replaceAll('""', '"') + bare, isQuoted: true, isStray: bare !== "" },
    );
    if (text[end] !== delimiter) {
      const past = pastLineBreak(text, end, isLast);
      return past === null ? { kind: "more" } : { kind: "record", fields, end: past };
    }
    at = end + 1;
  }
}

/** The quote that ends a field whose text begins at `from`; null when there is none by `limit`. */
function closingQuote(text: string, from: number, limit: number): number | null {
  let at = text.indexOf('"', from);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at < 0 || at >= limit ? null : at;
}

/** Where a field ends: at a delimiter, a line break, the end of the text, or just past `limit`. */
function fieldEnd(text: string, from: number, delimiter: string, limit: number): number {
  let at = from;
  for (; at < text.length && at <= limit; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === LF || unit === CR || unit === delimiter.charCodeAt(0)) return at;
  }
  return at;
}

function pastBlanks(text: string, from: number, delimiter: string): number {
  let at = from;
  while ((text[at] === " " || text[at] === "\t") && text[at] !== delimiter) at += 1;
  return at;
}

/**
 * The place after the line break at `at`, or after the end of the file; null when a CR is the last
 * that is known, since an LF after it would be part of the break.
 */
export function pastLineBreak(text: string, at: number, isLast: boolean): number | null {
  if (at >= text.length) return text.length;
  if (text.charCodeAt(at) === LF) return at + 1;
  if (at + 1 === text.length) return isLast ? at + 1 : null;
  return text.charCodeAt(at + 1) === LF ? at + 2 : at + 1;
}

/** Line breaks in `text`, which begins and ends between lines or within one. */
export function countLineBreaks(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}
