/**
 * A person's session in the console: a cookie that no script can read, and that stands for the key
 * it was got with. It counts only for what our own pages ask for, so no other site can use it
 * (OWASP's Cross-Site Request Forgery Prevention: SameSite, and Fetch Metadata).
 */

import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { isLoopback } from "../domain/target.ts";

/** A working day: whoever comes tomorrow signs in again. */
export const SESSION_SECONDS = 12 * 60 * 60;

const NAME = "codedrop_session";

/** Over plain http there is a session on this machine only, where it cannot have the prefix. */
function optionsFor(c: Context) {
  const isLocal =
    new URL(c.req.url).protocol === "http:" && isLoopback(new URL(c.req.url).hostname);
  const common = { path: "/", httpOnly: true, sameSite: "Strict" } as const;
  return isLocal ? common : ({ ...common, secure: true, prefix: "host" } as const);
}

/** The session's token, if the call brings one, no other credential, and comes from our page. */
export function sessionTokenOf(c: Context): string | null {
  if (c.req.header("Authorization") !== undefined) return null;
  if (c.req.header("Sec-Fetch-Site") !== "same-origin") return null;
  const { prefix } = optionsFor(c) as { prefix?: "host" };
  return getCookie(c, NAME, prefix) ?? null;
}

export function keepSession(c: Context, token: string): void {
  setCookie(c, NAME, token, { ...optionsFor(c), maxAge: SESSION_SECONDS });
}

export function dropSession(c: Context): void {
  deleteCookie(c, NAME, optionsFor(c));
}
