/** Strings that services stumble over, and strings that a pattern allows. */

import type { Random } from "../support/random.ts";

/** Longer than any field, shorter than a body may be. */
const HUGE = 100_000;

export const HOSTILE: readonly string[] = [
  "",
  " ",
  "\t",
  "\n",
  "\u0000",
  "a\u0000b",
  "\u001b[31mred",
  "\u007f",
  "\u0085\u2028\u2029",
  "\ufeff",
  "\ud800",
  "\udfff\ud800",
  "a\udc00",
  "\u202egnirts\u202c",
  "مرحبا",
  "z̷̡̛͙a̸l̶g̶o̷",
  "👩‍👩‍👧‍👦",
  "İıſK",
  "ﷺ",
  "'",
  '"',
  "`",
  "\\",
  "'; DROP TABLE codes; --",
  "' OR '1'='1",
  "%' --",
  "x', (SELECT key_hash FROM api_keys)) --",
  "=1+1",
  "+1",
  "-1",
  "@SUM(A1)",
  '=HYPERLINK("http://evil.example","x")',
  "=cmd|' /C calc'!A0",
  'a,b"c\r\nd',
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "null",
  "undefined",
  "NaN",
  "true",
  "0",
  "1e400",
  "9007199254740993",
  "-0",
  "../../etc/passwd",
  "..%2f..%2f",
  "%00",
  "%F0%9F%92%A5",
  "<script>alert(1)</script>",
  "${7*7}",
  "{{7*7}}",
  "javascript:alert(1)",
  "http://169.254.169.254/latest/meta-data",
  "http://user:password@[::1]:22/",
  "\r\nX-Injected: yes",
  "a\r\n\r\nHTTP/1.1 200 OK",
  "user@example.com",
  "ann@exämple.com",
  "2026-02-30T00:00:00Z",
  "2026-12-31T23:59:60Z",
  "0000-00-00T00:00:00Z",
  "+275760-09-13T00:00:00.001Z",
  "2026-11-24",
  "x".repeat(255),
  "x".repeat(256),
  "x".repeat(4_097),
];

export function hostileText(random: Random): string {
  if (random.chance(0.01)) return random.pick(["x", "é", "\u0000", "\ud800", '"']).repeat(HUGE);
  if (random.chance(0.15)) {
    return Array.from({ length: random.int(1, 12) }, () =>
      String.fromCharCode(random.chance(0.5) ? random.int(0, 0xff) : random.int(0, 0xffff)),
    ).join("");
  }
  return random.pick(HOSTILE);
}

const WORDS = ["a", "Spring", "u-1", "Zoë", "名前", "🎁", "two words", "O'Neil", "=1+1", "שלום"];

/** Text of a length between two, in code points. */
export function plainText(random: Random, min: number, max: number): string {
  if (random.chance(0.1) && max <= 5_000) return random.pick(["x", "é"]).repeat(max);
  if (random.chance(0.05)) return "x".repeat(min);
  const word = random.pick(WORDS) + (random.chance(0.5) ? `-${random.int(0, 99_999)}` : "");
  return [...word.padEnd(min, "x")].slice(0, Math.min(max, 5_000)).join("");
}

const DIGITS = "0123456789";
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const CLASSES: Record<string, string> = {
  d: DIGITS,
  w: `${LETTERS}${LETTERS.toUpperCase()}${DIGITS}_`,
  s: " ",
};
/** Repetitions that a pattern leaves open. */
const REPEATED_MAX = 12;

/** Reads a regular expression of the plain kind from left to right and makes a text of it. */
class PatternWriter {
  readonly #pattern: string;
  readonly #random: Random;
  #at = 0;

  constructor(pattern: string, random: Random) {
    this.#pattern = pattern;
    this.#random = random;
  }

  write(): string {
    return this.#alternatives();
  }

  #alternatives(): string {
    const made = [this.#sequence()];
    while (this.#pattern[this.#at] === "|") {
      this.#at += 1;
      made.push(this.#sequence());
    }
    return this.#random.pick(made);
  }

  #sequence(): string {
    let text = "";
    while (this.#at < this.#pattern.length && !"|)".includes(this.#pattern[this.#at] ?? "")) {
      const start = this.#at;
      let made = this.#atom();
      const end = this.#at;
      const times = this.#quantity();
      const next = this.#at;
      if (times === 0) made = "";
      for (let time = 1; time < times; time += 1) {
        this.#at = start;
        made += this.#atom();
        if (this.#at !== end) throw new Error("An atom ends elsewhere the second time.");
      }
      this.#at = next;
      text += made;
    }
    return text;
  }

  #atom(): string {
    const char = this.#pattern[this.#at++] ?? "";
    if (char === "^" || char === "$") return "";
    if (char === ".") return "x";
    if (char === "\\") {
      const escaped = this.#pattern[this.#at++] ?? "";
      const from = CLASSES[escaped];
      return from === undefined ? escaped : this.#random.pick([...from]);
    }
    if (char === "[") return this.#random.pick(this.#set());
    if (char !== "(") return char;
    if (this.#pattern.startsWith("?:", this.#at)) this.#at += 2;
    const made = this.#alternatives();
    this.#at += 1;
    return made;
  }

  #set(): string[] {
    const found: string[] = [];
    while (this.#pattern[this.#at] !== "]" && this.#at < this.#pattern.length) {
      let char = this.#pattern[this.#at++] ?? "";
      if (char === "\\") {
        char = this.#pattern[this.#at++] ?? "";
        found.push(...(CLASSES[char] ?? char));
        continue;
      }
      const last = this.#pattern[this.#at + 1];
      if (this.#pattern[this.#at] === "-" && last !== "]" && last !== undefined) {
        for (let code = char.charCodeAt(0); code <= last.charCodeAt(0); code += 1)
          found.push(String.fromCharCode(code));
        this.#at += 2;
      } else found.push(char);
    }
    this.#at += 1;
    return found;
  }

  #quantity(): number {
    const rest = this.#pattern.slice(this.#at);
    const [whole = "", least = "", comma, most = ""] = /^\{(\d+)(,?)(\d*)\}/.exec(rest) ?? [];
    if (whole !== "") {
      this.#at += whole.length;
      const min = Number(least);
      if (comma === "") return min;
      return this.#random.int(min, most === "" ? min + REPEATED_MAX : Number(most));
    }
    const [min, max] = { "?": [0, 1], "*": [0, REPEATED_MAX], "+": [1, REPEATED_MAX] }[
      rest[0] ?? ""
    ] ?? [1, 1];
    if (/^[?*+]/.test(rest)) this.#at += 1;
    return this.#random.int(min ?? 1, max ?? 1);
  }
}

/** A text of the pattern, or null where the pattern is of a kind that this does not write. */
export function patternText(pattern: string, random: Random): string | null {
  try {
    const made = new PatternWriter(pattern, random).write();
    return new RegExp(pattern, "u").test(made) ? made : null;
  } catch {
    return null;
  }
}
