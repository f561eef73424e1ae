/** What a client is made with. */

import type { CodedropConnectionError, CodedropError } from "./errors.ts";
import type { UserToken } from "./user-token.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface ClientOptions {
  /** Where the service is, such as `https://codes.example`. */
  baseUrl: string;
  /** A brand's secret key; in a page a publishable one; for `brands`, the operator token. */
  key: string;
  /**
   * In a page: says who its user is, in what is done for a user. A function is asked anew for each
   * call, and once more when the service refuses its answer, which may be too old by then.
   */
  userToken?: UserToken;
  /** Instead of the global one. */
  fetch?: Fetch;
  /** How often a call is made again at most; 3 unless you say. */
  retries?: number;
  /** For each attempt, 30 s unless you say; for exports, until the next bytes. */
  timeoutMs?: number;
  /** The first wait before another attempt, 500 ms unless you say. */
  backoffMs?: number;
  /** Told before each wait. */
  onRetry?: (retry: Retry) => void;
}

export interface Retry {
  error: CodedropError | CodedropConnectionError;
  waitMs: number;
  /** Of those that may follow, this one included. */
  retriesLeft: number;
}

/** A key or token as a header can carry it. */
const CREDENTIAL = /^[\u0021-\u007e]+$/;

/** The credential, which no message repeats. */
export function credential(name: string, text: string): string {
  // Also what the types rule out: a pattern takes undefined for a word.
  if (typeof text === "string" && CREDENTIAL.test(text)) return text;
  throw new TypeError(`${name} must be visible ASCII characters, as it was given to you.`);
}

/** The address without a slash at its end. */
export function base(baseUrl: string): string {
  try {
    const { protocol, username, password, origin, pathname, search, hash } = new URL(baseUrl);
    if (/^https?:$/.test(protocol) && username + password + search + hash === "") {
      return origin + pathname.replace(/\/+$/, "");
    }
  } catch {
    // No address: told below.
  }
  throw new TypeError("baseUrl must be an address such as https://codes.example.");
}
