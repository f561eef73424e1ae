/** What a code format comes to, in words: whether it is one, how many codes it has room for. */

import type { CodeFormat } from "../../../../client/client.ts";
import {
  checkPlaces,
  distinctLetters,
  drawCodes,
  lengthOf,
  placesOf,
  shapeOf,
} from "../../../../domain/code-format.ts";
import {
  codeSpaceOf,
  GUESSES_PER_HIT_GUESSABLE_MIN,
  GUESSES_PER_HIT_MIN,
} from "../../../../domain/code-space.ts";

const PLACES_MAX = 64;
const LENGTH_MAX = 128;
const FIXED = /^[A-Za-z0-9!#$%()*+./:=?@_~-]*$/;

/** Above it a number says nothing to a person any more. */
const COUNTABLE_MAX = 1e15;

const counts = new Intl.NumberFormat("en");
const count = (number: number) => counts.format(number);

const compact = new Intl.NumberFormat("en", {
  notation: "compact",
  compactDisplay: "long",
  maximumSignificantDigits: 3,
});

/** "1,000", "24.4 million", and no more digits than anybody reads. */
export function roughly(number: number): string {
  if (number < 100_000) return count(Math.floor(number));
  return number > COUNTABLE_MAX ? "more than a quadrillion" : compact.format(number);
}

/** Why the service would refuse such a format; null when it would not. */
export function formatRefusal(format: CodeFormat | null): string | null {
  if (format === null) return null;
  const { alphabet, length } = format;
  for (const part of [format.pattern, format.prefix, format.suffix]) {
    if (part !== undefined && !FIXED.test(part)) {
      return "Fixed text may hold letters, digits and any of ! # $ % ( ) * + . / : = ? @ _ ~ -";
    }
  }
  if (alphabet !== undefined) {
    if (!/^[A-Za-z0-9]*$/.test(alphabet)) return "Characters to draw from are letters and digits.";
    if (new Set(alphabet).size < alphabet.length) return "A character to draw from is there twice.";
    if (distinctLetters(alphabet).length < 2) {
      return "There must be two characters to draw from that do not look alike.";
    }
  }
  if (length !== undefined && !(Number.isInteger(length) && length >= 1)) {
    return "Say how many characters are drawn.";
  }
  if (length !== undefined && length > PLACES_MAX) return TOO_MANY_PLACES;
  const shape = shapeOf(format);
  if (placesOf(shape) === 0) return "The pattern needs at least one # or X: that is what is drawn.";
  if (placesOf(shape) > PLACES_MAX) return TOO_MANY_PLACES;
  if (lengthOf(shape) > LENGTH_MAX) return `A code may have at most ${LENGTH_MAX} characters.`;
  return null;
}

const TOO_MANY_PLACES = `At most ${PLACES_MAX} characters may be drawn.`;

export interface FormatWords {
  room: string;
  /** How a guess fares, once so many codes are live. */
  odds: string | null;
  check: string;
  /** Why so many codes cannot be made. */
  refusal: string | null;
}

/** Of a format that is one. `wanted` is a number of codes that somebody thinks of. */
export function formatWords(
  format: CodeFormat | null,
  acceptGuessable: boolean,
  wanted: number,
): FormatWords {
  const shape = shapeOf(format);
  const { texts, codesMax } = codeSpaceOf(shape, acceptGuessable);
  const guesses = acceptGuessable ? GUESSES_PER_HIT_GUESSABLE_MIN : GUESSES_PER_HIT_MIN;
  const checks = checkPlaces(shape);
  const isNumber = Number.isSafeInteger(wanted) && wanted > 0;
  const most = `${roughly(codesMax)} ${codesMax === 1 ? "code" : "codes"}`;
  return {
    room: `Room for ${most} at most, out of ${roughly(texts)} texts of this form.`,
    odds: isNumber
      ? `With ${count(wanted)} ${wanted === 1 ? "code" : "codes"}, ${oddsWords(texts / wanted)}`
      : null,
    check:
      checks === 0
        ? "Too short for check characters: every guess has to be looked up."
        : `The last ${checks === 1 ? "drawn character is a check" : "two drawn characters are checks"}, by which guesses are told from codes.`,
    refusal:
      isNumber && wanted > codesMax
        ? `This format has no room for ${count(wanted)} codes: more than 1 guess in ${count(guesses)} could hit one. Make the codes longer or draw from more characters${acceptGuessable ? "." : ", or accept that codes can be guessed."}`
        : null,
  };
}

function oddsWords(guesses: number): string {
  if (guesses < 1.5) return "nearly every guess hits one.";
  return `a guess hits one in ${roughly(guesses)} times.`;
}

/** Codes as they would look. Their check characters are of a key that is made up. */
export function sampleCodes(format: CodeFormat | null, many: number): string[] {
  const random = (size: number) => crypto.getRandomValues(new Uint8Array(size));
  const drawn = drawCodes({ shape: shapeOf(format), key: random(16) }, many, random);
  return drawn.map(({ code }) => code);
}
