/**
 * Typed codes: what people write for a code that they read, and which code they mean by it.
 *
 * A code's match key is what stays of it when case, blanks, dashes and look-alike letters are taken
 * away. Several codes may share one (a brand's own may differ by case alone), so it only finds
 * candidates; which of them is meant, `meantCode` decides, or nobody does.
 */

/** Each letter that people mistake for a digit, and the digit. */
const LOOK_ALIKES: Record<string, string> = { O: "0", I: "1", L: "1", Z: "2", S: "5", B: "8" };

const LOOK_ALIKE = /[OILZSB]/g;
/** Blanks, dashes of every kind, and what is not seen at all. */
const UNTYPED = /[\s\p{Dash}\p{Default_Ignorable_Code_Point}]/gu;
/** Nothing but visible ASCII: most codes, and none of them needs Unicode's rules. */
const PLAIN = /^[!-~]*$/;

/** A code as it was meant to be read: without what does not count when it is typed. */
function legible(code: string): string {
  return PLAIN.test(code)
    ? code.replaceAll("-", "").toUpperCase()
    : code.normalize("NFKC").replace(UNTYPED, "").toUpperCase();
}

/** Codes of the same match key may be typed alike. A fold: of a match key, it is that key. */
export function matchKey(code: string): string {
  return legible(code).replace(LOOK_ALIKE, (letter) => LOOK_ALIKES[letter] ?? letter);
}

/**
 * Which of the `candidates`, all of the match key of what was typed, is meant: the one so written;
 * or else the only one that differs in case, blanks and dashes; or else the only one at all. Null
 * when that leaves more than one: two codes are never taken for one another.
 */
export function meantCode<Candidate extends { code: string }>(
  typed: string,
  candidates: readonly Candidate[],
): Candidate | null {
  const exact = candidates.find(({ code }) => code === typed);
  if (exact !== undefined) return exact;
  const read = legible(typed);
  const near = candidates.filter(({ code }) => legible(code) === read);
  const left = near.length > 0 ? near : candidates;
  return left.length === 1 ? (left[0] ?? null) : null;
}
