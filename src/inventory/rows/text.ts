/** From a body's bytes to text, piece by piece. */

import { UnreadableImportError } from "./row.ts";

/**
 * Bytes decoded at a time. Bodies come in chunks of any size, from single bytes to the whole file;
 * in pieces of one size neither costs more than it must, in time or in memory.
 */
export const PIECE_BYTES = 65_536;

/** Files that people take for text, by their first bytes. */
const FOREIGN = [
  { start: [0xff, 0xfe], is: "UTF-16 text" },
  { start: [0xfe, 0xff], is: "UTF-16 text" },
  { start: [0x50, 0x4b, 0x03, 0x04], is: "a workbook or a ZIP archive" },
  { start: [0x1f, 0x8b], is: "compressed" },
];

/**
 * The body's text in pieces; the last one, perhaps empty, is marked. A byte order mark is left out.
 * Bytes that are not UTF-8 become U+FFFD: it is for the row that has them to be refused. The body
 * is read no faster than pieces are asked for, and cancelled when no more of them are.
 */
export async function* readText(
  body: ReadableStream<Uint8Array>,
  pieceBytes: number,
): AsyncGenerator<{ piece: string; isLast: boolean }, void> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(pieceBytes);
  let filled = 0;
  let isFirst = true;
  const decode = (isLast: boolean) => {
    const bytes = buffer.subarray(0, filled);
    if (isFirst) refuseForeign(bytes);
    isFirst = false;
    filled = 0;
    return { piece: decoder.decode(bytes, { stream: !isLast }), isLast };
  };
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + pieceBytes - filled);
      buffer.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === pieceBytes) yield decode(false);
    }
  }
  yield decode(true);
}

function refuseForeign(bytes: Uint8Array): void {
  const found = FOREIGN.find(({ start }) => start.every((byte, i) => bytes[i] === byte));
  if (found !== undefined)
    throw new UnreadableImportError(`The file is ${found.is}. Save it as UTF-8 text.`, 1);
}
