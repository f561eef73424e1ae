/** How generated codes look, and how their letters are drawn. */

// No vowels, so that no word appears by accident, and of each pair that people mistake for one
// another (0 O, 1 I L, 2 Z, 5 S, 8 B) at most the digit.
export const CODE_ALPHABET = "CDFGHJKMNPQRTVWXY23456789";

const GROUPS = 3;
const GROUP_LENGTH = 4;

/**
 * Characters drawn for one code: 25^12 is 55 bits, so a guess at 5,000,000 live codes hits once in
 * 10^10.
 */
export const CODE_LENGTH = GROUPS * GROUP_LENGTH;

/**
 * `length` characters of `alphabet` (2–256 distinct characters), each equally likely. Bytes that
 * would favour the first characters are thrown away, so there is no modulo bias.
 */
export function drawText(
  length: number,
  alphabet: string,
  randomBytes: (count: number) => Uint8Array,
): string {
  const fair = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length)) {
      if (byte < fair) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}

/**
 * `count` codes of the form XXXX-XXXX-XXXX. They may repeat one another, however unlikely: the
 * inventory's UNIQUE index decides, and the caller draws again for the places left empty.
 */
export function drawCodes(count: number, randomBytes: (count: number) => Uint8Array): string[] {
  const letters = drawText(count * CODE_LENGTH, CODE_ALPHABET, randomBytes);
  return Array.from({ length: count }, (_, i) => {
    const code = letters.slice(i * CODE_LENGTH, (i + 1) * CODE_LENGTH);
    return `${code.slice(0, 4)}-${code.slice(4, 8)}-${code.slice(8)}`;
  });
}
