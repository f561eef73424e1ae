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
