/**
 * What others answer on the network: never more of their time and bytes than the caller allows, and
 * never from anywhere else than asked. May import db/ (its clock) and domain/.
 */

import { answered } from "../db/database.ts";

export interface Bounds {
  timeoutMs: number;
  bytesMax: number;
}

async function textOf(response: Response, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let bytes = 0;
  let text = "";
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > bytesMax) throw new Error(`The answer has more than ${bytesMax} bytes.`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The text of a 200, whole and in time; rejects in every other case, in words for the log. */
export async function fetchText(
  url: string,
  init: Omit<RequestInit, "redirect" | "signal">,
  { timeoutMs, bytesMax }: Bounds,
): Promise<string> {
  const abort = new AbortController();
  const ask = async () => {
    const response = await fetch(url, {
      ...init,
      // Where it leads was judged; where it redirects was not.
      redirect: "manual",
      // A copy on the way would hide what is new.
      cache: "no-store",
      signal: abort.signal,
    });
    if (response.status !== 200) throw new Error(`The status is ${response.status}.`);
    return textOf(response, bytesMax);
  };
  try {
    return await answered(ask(), timeoutMs);
  } finally {
    abort.abort();
  }
}
