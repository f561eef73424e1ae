/**
 * That a user has claimed in this browser, so that the button reads "Show my code". Neither the
 * code nor the token is kept: an entry has the campaign's id and a short hash of the user's.
 */

/** The user of a token that nobody has verified: good for a label, and to tell users apart. */
export function userOf(token: string | null): string | null {
  try {
    const payload = (token ?? "").split(".")[1] ?? "";
    // Read as Latin 1, a name is another name, but always the same.
    const json = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const { sub } = JSON.parse(json) as { sub?: unknown };
    return typeof sub === "string" ? sub : null;
  } catch {
    return null;
  }
}

/** 32 bits of hash: only a label hangs on it, and pages without TLS have no crypto.subtle. */
function entryOf(campaign: string, token: string | null): string | null {
  const user = userOf(token);
  if (user === null) return null;
  let hash = 0;
  for (const char of user) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) | 0;
  return `codedrop:${campaign}:${hash}`;
}

/** Storage may be forbidden to the page: then nothing is remembered. */
export function remember(campaign: string, token: string | null, hasClaimed: boolean): void {
  const entry = entryOf(campaign, token);
  if (entry === null) return;
  try {
    if (hasClaimed) localStorage.setItem(entry, "1");
    else localStorage.removeItem(entry);
  } catch {}
}

export function isRemembered(campaign: string, token: string | null): boolean {
  const entry = entryOf(campaign, token);
  try {
    return entry !== null && localStorage.getItem(entry) !== null;
  } catch {
    return false;
  }
}
