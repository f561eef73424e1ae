/** A brand's file with a million rows, some of which are wrong, and what should become of each. */

import type { RowReason } from "../../src/domain/import.ts";

export interface Expected {
  line: number;
  reason: RowReason;
}

export interface OwnFile {
  rows: number;
  /** The file in pieces, as it would be read from a disk. */
  pieces: () => Generator<Uint8Array>;
  /** Rows that are not to be accepted, by line. */
  expected: Expected[];
  /** Codes that are to be accepted. */
  accepted: number;
}

const PIECE_ROWS = 2_000;
/** One row in so many is bad, and one in so many repeats an earlier one. */
const BAD_EVERY = 100;
/** What is bad, in turn: the bytes of the row, and its verdict. */
const BAD: [Uint8Array, RowReason][] = [
  [Buffer.from("x".repeat(129)), "too-long"],
  [Buffer.from('"a\u0001b"'), "control-character"],
  [Buffer.from([0x41, 0xff, 0xfe, 0x42]), "broken-text"],
  [Buffer.from('""'), "empty"],
  [Buffer.from('" VOLUME"'), "outer-blank"],
];

/** About 30 bytes a row. `word` keeps the codes of two files apart. */
export function ownFile(rows: number, word: string): OwnFile {
  const code = (row: number) =>
    row === 7 ? `=1+1-${word}` : `${word}-${String(row * 7_919).padStart(12, "0")}-${row % 97}-OK`;
  const isBad = (row: number) => row % BAD_EVERY === 33;
  const isRepeat = (row: number) => row % BAD_EVERY === 66;
  const badOf = (row: number) => BAD[Math.floor(row / BAD_EVERY) % BAD.length] ?? BAD[0];
  const expected: Expected[] = [];
  for (let row = 0; row < rows; row++) {
    // Line 1 is the header.
    if (isBad(row)) expected.push({ line: row + 2, reason: badOf(row)?.[1] ?? "empty" });
    else if (isRepeat(row)) expected.push({ line: row + 2, reason: "duplicate-in-file" });
  }
  function* pieces(): Generator<Uint8Array> {
    yield Buffer.from("code\r\n");
    for (let from = 0; from < rows; from += PIECE_ROWS) {
      const parts: Uint8Array[] = [];
      for (let row = from; row < Math.min(rows, from + PIECE_ROWS); row++) {
        if (isBad(row)) parts.push(badOf(row)?.[0] ?? Buffer.from('""'));
        // An earlier row that is itself good.
        else parts.push(Buffer.from(code(isRepeat(row) ? Math.floor(row / 2 / 100) * 100 : row)));
        parts.push(Buffer.from("\r\n"));
      }
      yield Buffer.concat(parts);
    }
  }
  return { rows, pieces, expected, accepted: rows - expected.length };
}
