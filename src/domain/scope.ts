/**
 * What a secret key may do: `<resource>:read` or `<resource>:write`, and writing includes reading.
 * A key without scopes of its own may do all.
 */

export const SCOPES = [
  "audit:read",
  "brand:read",
  "brand:write",
  "campaigns:read",
  "campaigns:write",
  "claims:read",
  "claims:write",
  "codes:read",
  "codes:write",
  "events:read",
  "keys:read",
  "keys:write",
  "redemptions:read",
  "redemptions:write",
  "users:read",
  "users:write",
  "webhooks:read",
  "webhooks:write",
] as const;

export type Scope = (typeof SCOPES)[number];

/** Whether a key with `scopes` may do what needs `needed`; null means all scopes. */
export function allows(scopes: readonly string[] | null, needed: Scope): boolean {
  if (scopes === null) return true;
  return scopes.includes(needed) || scopes.includes(needed.replace(/:read$/, ":write"));
}

/** Whether `narrower` gives nothing that `wider` does not. */
export function isWithin(
  narrower: readonly Scope[] | null,
  wider: readonly string[] | null,
): boolean {
  if (wider === null) return true;
  return narrower !== null && narrower.every((scope) => allows(wider, scope));
}
