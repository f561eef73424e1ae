/** What the readers of imports have in common: the row, the error, the longest row. */

import { codeFault, legibleCode, type RowFault } from "../../domain/imported-code.ts";

export type ImportFormat = "csv" | "ndjson" | "json";

/**
 * `line` is the line of the file on which the row begins, counted from 1; in JSON the row's place
 * in `codes`, also from 1. With a fault, `code` is what could be read of it, made legible. Without
 * one it is as written, and may hold on to the piece of the file it came in: of a code that is kept
 * longer than its group, keep `legibleCode`, which is equal.
 */
export type ImportRow =
  | { line: number; code: string; fault: null }
  | { line: number; code: string; fault: RowFault };

/**
 * The file as a whole cannot be read on. The message is meant for whoever sent the file and may
 * quote its first line, so it does not belong in a log.
 */
export class UnreadableImportError extends Error {
  override readonly name = "UnreadableImportError";
  /** Where reading stopped, or null where lines say nothing, as in JSON. */
  readonly line: number | null;

  constructor(message: string, line: number | null) {
    super(message);
    this.line = line;
  }
}

/** The document is not JSON, whatever it was to say. */
export class MalformedJsonError extends UnreadableImportError {}

/**
 * UTF-16 units of one row of CSV or NDJSON, and of one element of JSON that is no string. A cell of
 * a spreadsheet has 32,767 at most; this is four of them. It bounds what is held of a file at once,
 * and how far an unclosed quote reaches.
 */
export const ROW_LENGTH_MAX = 131_072;

/** Turns the text of a file, which comes in pieces cut anywhere, into rows. */
export interface RowReader {
  /** Adds to `rows` those that end in this piece. `isLast`: the file ends with it. */
  read(piece: string, isLast: boolean, rows: ImportRow[]): void;
}

export function judgedRow(line: number, code: string): ImportRow {
  const fault = codeFault(code);
  return fault === null ? { line, code, fault } : faultyRow(line, code, fault);
}

export function faultyRow(line: number, code: string, fault: RowFault): ImportRow {
  return { line, code: legibleCode(code), fault };
}
