/** Uploads: files that are right, files that are odd, and bytes that are no file at all. */

import type { Random } from "../support/random.ts";
import { hostileText, plainText } from "./text.ts";

const encoder = new TextEncoder();
const ROWS_MAX = 60;

function codeText(random: Random): string {
  if (random.chance(0.1)) return hostileText(random);
  if (random.chance(0.1)) return plainText(random, 1, 140);
  return `OWN-${random.int(0, 9_999_999).toString(36).toUpperCase()}`;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvFile(random: Random, codes: string[]): string {
  const end = random.pick(["\n", "\r\n", "\r"]);
  const header = random.pick([
    "code",
    "code",
    "Code",
    "CODE,note",
    "name,code",
    "nothing,here",
    "",
  ]);
  const row = (code: string) => (header.startsWith("name,") ? `Ann,${quoted(code)}` : quoted(code));
  const lines = [...(header === "" ? [] : [header]), ...codes.map(row)];
  const text = lines.join(end) + random.pick(["", end, end + end]);
  return random.pick([
    () => text,
    () => text,
    () => text,
    () => `\ufeff${text}`,
    () => `${text}"never closed`,
    () => `${text}a,b,c,d,e,f${end}`,
    () => `${text}"x"y${end}`,
    () => text.replaceAll(",", ";"),
    () => `code${end}${"x".repeat(140_000)}${end}`,
    () => "",
  ])();
}

function ndjsonFile(random: Random, codes: string[]): string {
  const lines = codes.map((code) => JSON.stringify({ code }));
  const odd = ["{", "[]", "null", '"x"', "5", '{"code": 5}', '{"code": "a", "more": 1}', "{}", ""];
  if (random.chance(0.4)) lines.splice(random.int(0, lines.length), 0, random.pick(odd));
  if (random.chance(0.05)) lines.push(`{"code": ${"[".repeat(5_000)}${"]".repeat(5_000)}}`);
  return lines.join(random.pick(["\n", "\r\n"])) + random.pick(["", "\n"]);
}

function jsonFile(random: Random, codes: string[]): string {
  const text = JSON.stringify({ codes });
  return random.pick([
    () => text,
    () => text,
    () => JSON.stringify({ codes, more: 1 }),
    () => JSON.stringify(codes),
    () => JSON.stringify({ codes: [...codes, 5, null, {}] }),
    () => text.slice(0, random.int(0, text.length)),
    () => `${text} {}`,
    () => `{"codes": ["a"], "codes": ["b"]}`,
    () => `{"codes": ${"[".repeat(5_000)}`,
    () => "{}",
  ])();
}

/** A file of a media type, more often right than not. */
export function makeFile(type: string, random: Random): Uint8Array {
  const codes = Array.from({ length: random.int(0, ROWS_MAX) }, () => codeText(random));
  if (codes.length > 1 && random.chance(0.2)) codes.push(codes[0] ?? "");
  const make = type.includes("csv")
    ? csvFile
    : type.includes("ndjson")
      ? ndjsonFile
      : type.includes("json")
        ? jsonFile
        : () => hostileText(random);
  return encoder.encode(make(random, codes));
}

/** Bytes with something wrong that no schema speaks of. */
export function brokenBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.int(0, bytes.length);
  const around = (...inserted: number[]) =>
    Uint8Array.from([...bytes.subarray(0, at), ...inserted, ...bytes.subarray(at)]);
  return random.pick([
    () => new Uint8Array(),
    () => bytes.subarray(0, at),
    () => Uint8Array.from([0xef, 0xbb, 0xbf, ...bytes]),
    () => Uint8Array.from([0xff, 0xfe, ...bytes]),
    () => around(0xff),
    () => around(0xc3),
    () => around(0xed, 0xa0, 0x80),
    () => around(0),
    () => around(0x22),
    () => Uint8Array.from([...bytes, ...bytes]),
    () => encoder.encode(`${"[".repeat(10_000)}${"]".repeat(10_000)}`),
    () => encoder.encode('{"a":'.repeat(5_000)),
    () => encoder.encode(`"${"x".repeat(300_000)}"`),
    () => encoder.encode("[]"),
    () => encoder.encode("null"),
    () => encoder.encode("1e400"),
    () => Uint8Array.from({ length: 64 }, () => random.int(0, 255)),
  ])();
}

/** JSON text of an object in which a field comes twice. */
export function withFieldTwice(text: string, random: Random): string {
  const [, name] = /^\{("(?:[^"\\]|\\.)*"):/.exec(text) ?? [];
  return name === undefined
    ? text
    : `{${name}:${random.pick(["null", "5", '"x"', "{}"])},${text.slice(1)}`;
}
