import { readRows } from "../../src/inventory/rows/read-rows.ts";
import {
  UnreadableImportError,
  type ImportFormat,
  type ImportRow,
} from "../../src/inventory/rows/row.ts";
import type { Random } from "./random.ts";

/** A body that is asked for `chunks` one by one, and keeps count. */
export function bodyOf(chunks: Iterable<Uint8Array>): {
  body: ReadableStream<Uint8Array>;
  seen: { pulls: number; cancelled: boolean };
} {
  const seen = { pulls: 0, cancelled: false };
  const iterator = chunks[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        seen.pulls += 1;
        const next = iterator.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, seen };
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes of texts and of single bytes, which need not be UTF-8. */
export function joinBytes(parts: (string | number)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => (typeof part === "number" ? [part] : [...bytesOf(part)])),
  );
}

/** `bytes` cut at random places; empty chunks among them. */
export function cutUp(bytes: Uint8Array, random: Random): Uint8Array[] {
  const cuts = Array.from({ length: random.int(0, 12) }, () => random.int(0, bytes.length));
  const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

export interface Outcome {
  rows: ImportRow[];
  /** Name, message and line of the UnreadableImportError that was thrown. */
  error: string | null;
}

/** All rows of a file. Where it is unreadable, those before are left out: how many varies. */
export async function readAll(
  file: string | Uint8Array | Uint8Array[],
  format: ImportFormat,
  { groupSize = 100, pieceBytes }: { groupSize?: number; pieceBytes?: number } = {},
): Promise<Outcome> {
  const bytes = typeof file === "string" ? bytesOf(file) : file;
  const { body } = bodyOf(Array.isArray(bytes) ? bytes : [bytes]);
  const rows: ImportRow[] = [];
  try {
    for await (const group of readRows(body, format, groupSize, pieceBytes)) rows.push(...group);
    return { rows, error: null };
  } catch (error) {
    if (!(error instanceof UnreadableImportError)) throw error;
    const line = error.line === null ? "" : ` (line ${error.line})`;
    return { rows: [], error: `${error.name}: ${error.message}${line}` };
  }
}

/** Rows as "line: code" or "line: code !fault", to be compared at a glance. */
export async function rowsOf(file: string | Uint8Array, format: ImportFormat): Promise<string[]> {
  const { rows, error } = await readAll(file, format);
  if (error !== null) throw new Error(error);
  return rows.map(({ line, code, fault }) =>
    fault === null ? `${line}: ${code}` : `${line}: ${code} !${fault}`,
  );
}

/** What makes a file unreadable, or null. */
export async function refusalOf(
  file: string | Uint8Array,
  format: ImportFormat,
): Promise<string | null> {
  return (await readAll(file, format)).error;
}
