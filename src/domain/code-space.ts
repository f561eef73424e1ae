/** Whether a format has room for so many codes, and how often a guess would hit one. */

import { checkPlaces, placesOf, type CodeShape } from "./code-format.ts";

/** At most one guess in so many may be a live code. */
export const GUESSES_PER_HIT_MIN = 100_000;
/** The same where the campaign accepts that its codes can be guessed. */
export const GUESSES_PER_HIT_GUESSABLE_MIN = 2;
/** Of the codes that can be told apart, so many may be made: beyond, most draws are in vain. */
const SHARE_MADE_MAX = 1 / 2;

export interface CodeSpace {
  /** Texts of that shape: what a guess is drawn from. */
  texts: number;
  /** How many of them may be live codes, made before or now. */
  codesMax: number;
}

export function codeSpaceOf(shape: CodeShape, acceptGuessable: boolean): CodeSpace {
  const texts = shape.alphabet.length ** placesOf(shape);
  // Check characters follow from the others, so they tell no two codes apart.
  const distinct = shape.alphabet.length ** (placesOf(shape) - checkPlaces(shape));
  const guesses = acceptGuessable ? GUESSES_PER_HIT_GUESSABLE_MIN : GUESSES_PER_HIT_MIN;
  return {
    texts,
    codesMax: Math.min(Math.floor(texts / guesses), Math.floor(distinct * SHARE_MADE_MAX)),
  };
}
