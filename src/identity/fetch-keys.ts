/** Asks an issuer for its keys, and takes no more of its time and bytes than keys are worth. */

import { answered } from "../db/database.ts";
import { publicKeysIn, type PublicKey } from "./public-keys.ts";

/** A user waits for it. */
export const FETCH_TIMEOUT_MS = 5_000;
/** A hundred RSA keys with their certificates. */
const BYTES_MAX = 64 * 1024;

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let bytes = 0;
  let text = "";
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > BYTES_MAX) throw new Error(`The answer has more than ${BYTES_MAX} bytes.`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

async function ask(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, {
    headers: { Accept: "application/jwk-set+json, application/json" },
    // Where it leads was judged when the brand gave it; where it redirects was not.
    redirect: "manual",
    // A copy on the way would hide a new key.
    cache: "no-store",
    signal,
  });
  if (response.status !== 200) throw new Error(`The status is ${response.status}.`);
  return textOf(response);
}

/** The issuer's keys. Rejects when it gives none in time, in words for the log. */
export async function fetchKeys(url: string): Promise<PublicKey[]> {
  const abort = new AbortController();
  try {
    const text = await answered(ask(url, abort.signal), FETCH_TIMEOUT_MS);
    const keys = publicKeysIn(JSON.parse(text));
    if (keys === null) throw new Error("The answer is no key set of a reasonable size.");
    return keys;
  } finally {
    abort.abort();
  }
}
