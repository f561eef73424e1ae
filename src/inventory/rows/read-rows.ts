/** The rows of an import, read as its body arrives. */

import { CsvReader } from "./csv.ts";
import { JsonReader } from "./json.ts";
import { NdjsonReader } from "./ndjson.ts";
import type { ImportFormat, ImportRow, RowReader } from "./row.ts";
import { PIECE_BYTES, readText } from "./text.ts";

const READERS: Record<ImportFormat, () => RowReader> = {
  csv: () => new CsvReader(),
  ndjson: () => new NdjsonReader(),
  json: () => new JsonReader(),
};

/**
 * Rows in the file's order, in groups of `groupSize`; only the last may have fewer, and none is
 * empty. Holds one piece of the file, its rows and one group, however long the file is. Throws
 * UnreadableImportError when the file cannot be read on; the last rows before that place are not
 * given then. The body is read as groups are asked for, and cancelled when the consumer
 * stops early or the file is unreadable.
 */
export async function* readRows(
  body: ReadableStream<Uint8Array>,
  format: ImportFormat,
  groupSize: number,
  pieceBytes = PIECE_BYTES,
): AsyncGenerator<ImportRow[], void> {
  const reader = READERS[format]();
  let rows: ImportRow[] = [];
  for await (const { piece, isLast } of readText(body, pieceBytes)) {
    reader.read(piece, isLast, rows);
    let at = 0;
    for (; rows.length - at >= groupSize; at += groupSize) yield rows.slice(at, at + groupSize);
    rows = rows.slice(at);
  }
  if (rows.length > 0) yield rows;
}
