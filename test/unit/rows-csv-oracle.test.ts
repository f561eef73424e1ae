/** Our CSV against an independent parser, on files as spreadsheets and people write them. */

import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { scanRecord } from "../../src/inventory/rows/csv-record.ts";
import { Random } from "../support/random.ts";
import { readAll } from "../support/rows.ts";

const FILES = 400;
const PIECES = [
  "a",
  "B",
  "7",
  "-",
  "é",
  "漢",
  "🎁",
  " ",
  ",",
  ";",
  "\t",
  '"',
  "\r\n",
  "\n",
  "\r",
  "'",
  "=",
];
const LINE_BREAKS = ["\r\n", "\n", "\r"];

function fieldOf(random: Random): string {
  return Array.from({ length: random.int(0, 6) }, () => random.pick(PIECES)).join("");
}

function writeField(field: string, delimiter: string, random: Random): string {
  const pad = () => (random.chance(0.1) ? " ".repeat(random.int(1, 2)) : "");
  const needsQuotes = /["\r\n]/.test(field) || field.includes(delimiter) || field.trim() !== field;
  const written = needsQuotes || random.chance(0.2) ? `"${field.replaceAll('"', '""')}"` : field;
  return pad() + written + pad();
}

/** Records and the file that says them. None of them is an empty line. */
function makeFile(random: Random, delimiter: string): { records: string[][]; file: string } {
  const width = random.int(1, 5);
  const records = Array.from({ length: random.int(1, 12) }, () =>
    Array.from({ length: width }, () => fieldOf(random)),
  ).filter((fields) => fields.some((field) => field !== ""));
  let file = random.chance(0.3) ? "\ufeff" : "";
  records.forEach((fields, i) => {
    file += fields.map((field) => writeField(field, delimiter, random)).join(delimiter);
    if (i < records.length - 1 || random.chance(0.7)) file += random.pick(LINE_BREAKS);
    while (random.chance(0.1)) file += random.pick(LINE_BREAKS);
  });
  return { records, file };
}

function theirs(file: string, delimiter: string): string[][] {
  return parse(file, {
    bom: true,
    delimiter,
    record_delimiter: LINE_BREAKS,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
}

function ours(file: string, delimiter: string): string[][] {
  const text = file.replace(/^\ufeff/, "");
  const records: string[][] = [];
  for (let at = 0; at < text.length;) {
    const scan = scanRecord(text, at, delimiter, true);
    if (scan.kind !== "record") throw new Error(`${scan.kind} at ${at}`);
    const fields = scan.fields.map((field) => field.text);
    const isEmptyLine = fields.join("") === "" && !scan.fields.some(({ isQuoted }) => isQuoted);
    if (fields.length > 1 || !isEmptyLine) records.push(fields);
    at = scan.end;
  }
  return records;
}

describe("a well-formed CSV file", () => {
  for (const delimiter of [",", ";", "\t"]) {
    it(`with ${JSON.stringify(delimiter)} has the fields that csv-parse finds`, () => {
      for (let seed = 1; seed <= FILES; seed++) {
        const { records, file } = makeFile(new Random(seed), delimiter);
        expect([seed, ours(file, delimiter)]).toEqual([seed, theirs(file, delimiter)]);
        expect([seed, ours(file, delimiter)]).toEqual([seed, records]);
      }
    });

    it(`with ${JSON.stringify(delimiter)} gives the codes that were written`, async () => {
      for (let seed = 1; seed <= FILES; seed++) {
        const random = new Random(seed);
        const codeColumn = random.int(0, 3);
        const codes = Array.from(
          { length: random.int(1, 8) },
          (_, i) => `${i}-${"x,;'".slice(0, i)}`,
        );
        const header = ["id", "note", "price"].toSpliced(
          codeColumn,
          0,
          random.pick(["code", "CODE"]),
        );
        const rows = codes.map((code) =>
          [fieldOf(random), fieldOf(random), fieldOf(random)].toSpliced(codeColumn, 0, code),
        );
        const file = [header, ...rows]
          .map((fields) =>
            fields.map((field) => writeField(field, delimiter, random)).join(delimiter),
          )
          .join(random.pick(LINE_BREAKS));
        const outcome = await readAll(file, "csv", { pieceBytes: random.int(4, 60) });
        expect([seed, outcome.rows.map(({ code }) => code)]).toEqual([seed, codes]);
        expect(outcome.rows.every(({ fault }) => fault === null)).toBe(true);
      }
    });
  }
});
