/** Asks an issuer for its keys. */

import { fetchText } from "../outbound/fetch-text.ts";
import { publicKeysIn, type PublicKey } from "./public-keys.ts";

/** A user waits for it. */
export const FETCH_TIMEOUT_MS = 5_000;
/** A hundred RSA keys with their certificates. */
const BYTES_MAX = 64 * 1024;

/** The issuer's keys. Rejects when it gives none in time, in words for the log. */
export async function fetchKeys(url: string): Promise<PublicKey[]> {
  const headers = { Accept: "application/jwk-set+json, application/json" };
  const bounds = { timeoutMs: FETCH_TIMEOUT_MS, bytesMax: BYTES_MAX };
  const keys = publicKeysIn(JSON.parse(await fetchText(url, { headers }, bounds)));
  if (keys === null) throw new Error("The answer is no key set of a reasonable size.");
  return keys;
}
