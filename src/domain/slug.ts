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
