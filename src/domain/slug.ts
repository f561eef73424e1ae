/** What a slug may be: 1–63 characters, as a host name's label (RFC 1123 §2.1), lower case. */
export const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Of one made from a name, so that something can be put behind it. */
const SLUG_MAX = 50;

/**
 * A slug made from a name: "Döner & Co." gives "doner-co". Names without a Latin letter or digit
 * give "", and the caller then uses something else.
 */
export function slugFrom(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, SLUG_MAX)
    .replace(/^-+|-+$/g, "");
}
