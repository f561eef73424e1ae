/** Who a page's user is: a token that the brand's or partner's site signs, and that soon ends. */

import { CodedropError } from "./errors.ts";
import { credential } from "./options.ts";
import { unlessAborted } from "./time.ts";

/** The signed token, or what gets one. */
export type UserToken = string | (() => string | Promise<string>);

/** Of a call that is done for a user. */
export interface UserOptions {
  /** In place of the client's. */
  userToken?: UserToken;
}

/**
 * Does what is to be done with the user's token. When that is refused and a function gives another,
 * it is done once more with that one.
 */
export async function asUser<Value>(
  userToken: UserToken,
  signal: AbortSignal | undefined,
  work: (headers: Record<string, string>) => Promise<Value>,
): Promise<Value> {
  const token = await tokenOf(userToken, signal);
  try {
    return await work(headersOf(token));
  } catch (error) {
    const isRefused = error instanceof CodedropError && error.slug === "user-token-invalid";
    if (!isRefused || typeof userToken === "string") throw error;
    const another = await tokenOf(userToken, signal);
    if (another === token) throw error;
    return work(headersOf(another));
  }
}

async function tokenOf(userToken: UserToken, signal: AbortSignal | undefined): Promise<string> {
  signal?.throwIfAborted();
  const token =
    typeof userToken === "string" ? userToken : await unlessAborted(userToken(), signal);
  return credential("userToken", token);
}

function headersOf(token: string): Record<string, string> {
  return { "Codedrop-User-Token": token };
}
