import { formatId, ID_RANDOM_BYTES, type IdKind } from "../domain/id.ts";

/** `count` bytes from the platform's cryptographic source. */
export function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  // getRandomValues fills at most 65,536 bytes a call.
  for (let at = 0; at < count; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

export function newId(kind: IdKind): string {
  return formatId(kind, Date.now(), randomBytes(ID_RANDOM_BYTES));
}

/** The id of what `text` says, which is the same whenever it is made. */
export async function derivedId(kind: IdKind, timeMs: number, text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return formatId(kind, timeMs, new Uint8Array(digest, 0, ID_RANDOM_BYTES));
}
