/**
 * What another page leads to, in memory only: neither a code nor a user's id belongs into an
 * address, which browsers keep and show.
 */

let code: string | null = null;
let user: string | null = null;

/** Before going to `#/codes`, which looks it up. */
export function setLookedUp(of: string): void {
  code = of;
}

export function takeLookedUp(): string | null {
  const taken = code;
  code = null;
  return taken;
}

/** Before going to `#/users`, which looks it up. */
export function setLookedUpUser(id: string): void {
  user = id;
}

export function takeLookedUpUser(): string | null {
  const taken = user;
  user = null;
  return taken;
}

/** For whoever signs in next. */
export function forgetLookedUp(): void {
  code = null;
  user = null;
}
