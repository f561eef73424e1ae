/**
 * How generated codes look, and how they are drawn.
 *
 * A code has fixed text and places. In the last one or two places stand check characters: a keyed
 * hash of the letters before them. Who guesses cannot compute them, so a guess can be told from a
 * code by its looks. Of letters that look alike an alphabet uses one only, so that no two codes
 * of a shape share a match key (match-key.ts).
 */

import { matchKey } from "./match-key.ts";
import { sipHash } from "./siphash.ts";

/** What a campaign says of its codes, as on the wire. Everything left out is as in the default. */
export interface CodeFormat {
  /** `#` is a place; in a pattern without `#`, `X` is. Anything else stands as it is. */
  pattern?: string | undefined;
  /** Places without anything between them, instead of a pattern. */
  length?: number | undefined;
  alphabet?: string | undefined;
  prefix?: string | undefined;
  suffix?: string | undefined;
}

/** A format with nothing left open. */
export interface CodeShape {
  /** Fixed text, and numbers of places in a row. */
  template: readonly (string | number)[];
  /** No two characters of it look alike. */
  alphabet: string;
}

export const DEFAULT_PATTERN = "XXXX-XXXX-XXXX";

// No vowels, so that no word appears by accident, and of each pair that people mistake for one
// another (0 O, 1 I L, 2 Z, 5 S, 8 B) at most the digit.
export const DEFAULT_ALPHABET = "CDFGHJKMNPQRTVWXY23456789";

/** The characters of `alphabet` without those that look like one before them. */
export function distinctLetters(alphabet: string): string {
  const seen = new Set<string>();
  return Array.from(alphabet)
    .filter((letter) => {
      const key = matchKey(letter);
      return seen.has(key) ? false : seen.add(key);
    })
    .join("");
}

/** The shape of a format that has been validated. */
export function shapeOf(format: CodeFormat | null): CodeShape {
  const { pattern, length, alphabet, prefix = "", suffix = "" } = format ?? {};
  const body = length === undefined ? (pattern ?? DEFAULT_PATTERN) : "#".repeat(length);
  const place = body.includes("#") ? "#" : "X";
  const template: (string | number)[] = [];
  const add = (part: string | number) => {
    const last = template.at(-1);
    if (part === "") return;
    if (typeof last === "string" && typeof part === "string") template.splice(-1, 1, last + part);
    else template.push(part);
  };
  add(prefix);
  for (const [run] of body.matchAll(place === "#" ? /#+|[^#]+/g : /X+|[^X]+/g)) {
    add(run.startsWith(place) ? run.length : run);
  }
  add(suffix);
  return { template, alphabet: distinctLetters(alphabet ?? DEFAULT_ALPHABET) };
}

/** Places in a code of that shape. */
export function placesOf({ template }: CodeShape): number {
  return template.reduce<number>((sum, part) => sum + (typeof part === "number" ? part : 0), 0);
}

/** Characters of a whole code. */
export function lengthOf({ template }: CodeShape): number {
  return template.reduce<number>(
    (sum, part) => sum + (typeof part === "number" ? part : part.length),
    0,
  );
}

/** Codes so short that every place is needed to tell them apart have no check characters. */
const CHECKED_FROM_BITS = 30;
const CHECKED_TWICE_FROM_BITS = 40;

/** How many of the places hold check characters: each lets 1 guess in alphabet.length through. */
export function checkPlaces(shape: CodeShape): number {
  const bits = placesOf(shape) * Math.log2(shape.alphabet.length);
  return bits >= CHECKED_TWICE_FROM_BITS ? 2 : bits >= CHECKED_FROM_BITS ? 1 : 0;
}

/** The check characters behind `letters`, folded as in match keys. */
function checkLetters(shape: CodeShape, key: Uint8Array, letters: string): string {
  const [high, low] = sipHash(key, letters);
  const { alphabet } = shape;
  // Of 2^32 values each character gets as many as any other, to one in 10^7.
  const all = alphabet.charAt(high % alphabet.length) + alphabet.charAt(low % alphabet.length);
  return all.slice(0, checkPlaces(shape));
}

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
  const letters = new Uint16Array(length);
  for (let drawn = 0; drawn < length;) {
    for (const byte of randomBytes(length - drawn)) {
      if (byte < fair) letters[drawn++] = alphabet.charCodeAt(byte % alphabet.length);
    }
  }
  return new TextDecoder("utf-16le").decode(letters);
}

export interface DrawnCode {
  code: string;
  matchKey: string;
}

/**
 * `count` codes of the shape. They may repeat one another or a code that exists, however unlikely:
 * the inventory decides, and the caller draws again for the places left empty.
 */
export function drawCodes(
  { shape, key }: { shape: CodeShape; key: Uint8Array },
  count: number,
  randomBytes: (count: number) => Uint8Array,
): DrawnCode[] {
  const free = placesOf(shape) - checkPlaces(shape);
  const drawn = drawText(count * free, shape.alphabet, randomBytes);
  // A match key has one character for each letter, so both are cut alike.
  const folded = matchKey(drawn);
  const write = writerOf(shape);
  const writeKey = writerOf(foldedShape(shape));
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [i * free, (i + 1) * free];
    const letters = folded.slice(from, to);
    const check = checkLetters(shape, key, letters);
    return {
      code: write(drawn.slice(from, to) + check),
      matchKey: writeKey(letters + matchKey(check)),
    };
  });
}

/** Puts letters into the places of a shape. */
function writerOf({ template }: CodeShape): (letters: string) => string {
  const [only] = template;
  if (template.length === 1 && typeof only === "number") return (letters) => letters;
  return (letters) => {
    let code = "";
    let at = 0;
    for (const part of template) {
      if (typeof part === "string") code += part;
      else code += letters.slice(at, (at += part));
    }
    return code;
  };
}

/** What the match keys of a shape's codes look like. Computed once: a shape judges many codes. */
function foldedShape(shape: CodeShape): CodeShape & { length: number } {
  let folded = foldedShapes.get(shape);
  if (folded === undefined) {
    const template = shape.template.map((part) =>
      typeof part === "string" ? matchKey(part) : part,
    );
    const alphabet = matchKey(shape.alphabet);
    folded = { template, alphabet, length: lengthOf({ template, alphabet }) };
    foldedShapes.set(shape, folded);
  }
  return folded;
}

/** Characters of the match keys of a shape's codes. */
export function matchKeyLength(shape: CodeShape): number {
  return foldedShape(shape).length;
}

const foldedShapes = new WeakMap<CodeShape, CodeShape & { length: number }>();

/** The folded letters in the places of a code with that match key, or null when it has no such. */
function lettersIn(shape: CodeShape, key: string): string | null {
  const { template, alphabet, length } = foldedShape(shape);
  if (key.length !== length) return null;
  let letters = "";
  let at = 0;
  for (const part of template) {
    const size = typeof part === "number" ? part : part.length;
    const found = key.slice(at, at + size);
    at += size;
    if (typeof part === "number") letters += found;
    else if (found !== part) return null;
  }
  return Array.from(letters).every((letter) => alphabet.includes(letter)) ? letters : null;
}

/** A shape, the key of its check characters, and whether codes without them may look like it. */
export interface ShapeRule {
  shape: CodeShape;
  key: Uint8Array;
  unchecked: boolean;
}

/** Whether codes of that shape can be told from guesses. */
export function tellsForged({ shape, unchecked }: Pick<ShapeRule, "shape" | "unchecked">): boolean {
  return !unchecked && checkPlaces(shape) > 0;
}

/**
 * The rules by whose shape a code with that match key looks, when by all of them its check
 * characters are wrong. None when it may be a code: its looks are genuine, or nobody's.
 */
export function rulesForged<Rule extends ShapeRule>(
  rules: readonly Rule[],
  typedKey: string,
): Rule[] {
  const forged: Rule[] = [];
  for (const rule of rules) {
    const letters = lettersIn(rule.shape, typedKey);
    if (letters === null) continue;
    if (!tellsForged(rule)) return [];
    const checks = checkPlaces(rule.shape);
    const check = checkLetters(rule.shape, rule.key, letters.slice(0, -checks));
    if (letters.endsWith(matchKey(check))) return [];
    forged.push(rule);
  }
  return forged;
}

export function isSameShape(one: CodeShape, other: CodeShape): boolean {
  return (
    JSON.stringify([one.template, one.alphabet]) ===
    JSON.stringify([other.template, other.alphabet])
  );
}

/** Whether codes of both have the same match keys: who guesses one may hit the other. */
export function isAlike(one: CodeShape, other: CodeShape): boolean {
  return JSON.stringify(lettersAllowed(one)) === JSON.stringify(lettersAllowed(other));
}

/** Whether some code could be of both shapes, check characters apart. */
export function overlap(one: CodeShape, other: CodeShape): boolean {
  const [a, b] = [one, other].map(lettersAllowed) as [string[], string[]];
  return (
    a.length === b.length &&
    a.every((allowed, i) => Array.from(allowed).some((letter) => b[i]?.includes(letter)))
  );
}

/** For each character of a match key of that shape: what may stand there, in order. */
function lettersAllowed(shape: CodeShape): string[] {
  const { template, alphabet } = foldedShape(shape);
  const letters = Array.from(alphabet).toSorted().join("");
  return template.flatMap((part) =>
    typeof part === "string" ? Array.from(part) : Array.from({ length: part }, () => letters),
  );
}
