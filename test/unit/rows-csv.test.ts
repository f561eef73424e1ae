import { describe, expect, it } from "vitest";
import { ROW_LENGTH_MAX } from "../../src/inventory/rows/row.ts";
import { joinBytes, readAll, refusalOf, rowsOf } from "../support/rows.ts";

const csv = (file: string | Uint8Array) => rowsOf(file, "csv");
const refusal = (file: string | Uint8Array) => refusalOf(file, "csv");

describe("a CSV file of one column", () => {
  it("is read with a header and without", async () => {
    expect(await csv("A-1\nB-2\n")).toEqual(["1: A-1", "2: B-2"]);
    for (const header of [
      "code",
      "CODE",
      " Code ",
      '"code"',
      '" code "',
      "\ufeffcode",
      '\ufeff"Code"',
      "code,",
      "code;",
    ])
      expect([header, await csv(`${header}\nA-1\nB-2`)]).toEqual([header, ["2: A-1", "3: B-2"]]);
  });

  it("takes only the very word code for a header", async () => {
    expect(await csv("codes\nA")).toEqual(["1: codes", "2: A"]);
    expect(await csv("A\ncode\n")).toEqual(["1: A", "2: code"]);
  });

  it("may be empty", async () => {
    for (const file of ["", "\ufeff", "\n\r\n", " \n,,\n;;\n", "code", "code\r\n\r\n"])
      expect([file, await csv(file)]).toEqual([file, []]);
  });

  it("may end lines with CRLF, LF or CR, and counts each as one", async () => {
    expect(await csv("A\r\nB\nC\rD\n\rE\r\r\nF")).toEqual([
      "1: A",
      "2: B",
      "3: C",
      "4: D",
      "6: E",
      "8: F",
    ]);
  });

  it("skips lines of nothing but blanks and delimiters, and still counts them", async () => {
    expect(await csv("\n \ncode\n\nA\n , ,\n\t\nB\n")).toEqual(["5: A", "8: B"]);
  });

  it("loses blanks around a code, as spreadsheets leave them, but none within quotes", async () => {
    expect(await csv('code\n A B \n "C" \n\u00a0D\n" E"\n"F "')).toEqual([
      "2: A B",
      "3: C",
      "4: D",
      "5:  E !outer-blank",
      "6: F  !outer-blank",
    ]);
  });

  it("keeps semicolons in codes, but not tabs", async () => {
    expect(await csv("code\nSAVE;10\nSAVE\t20")).toEqual([
      "2: SAVE;10",
      "3: SAVE␉20 !control-character",
    ]);
    expect(await csv("SAVE\nSAVE;10")).toEqual(["1: SAVE", "2: SAVE;10"]);
  });

  it("takes a comma for part of a code only within quotes", async () => {
    expect(await csv('code\nSAVE,10\n"SAVE,20"')).toEqual(["2: SAVE !extra-fields", "3: SAVE,20"]);
    expect(await csv('"SAVE,10"\n"SAVE;20"')).toEqual(["1: SAVE,10", "2: SAVE;20"]);
  });

  it("may end its lines with delimiters", async () => {
    expect(await csv("A;;\nB;;\nC;3;")).toEqual(["1: A", "2: B", "3: C !extra-fields"]);
    expect(await csv("code,,\nA,,\nB,")).toEqual(["2: A", "3: B"]);
    expect(await csv("code\nA,\nB, \n")).toEqual(["2: A", "3: B"]);
    expect(await csv("A\t\nB\t")).toEqual(["1: A", "2: B"]);
  });

  it("is refused without a header where its first line looks like several columns", async () => {
    for (const first of ["SAVE;10", "SAVE,10", "SAVE\t10", ",SAVE"])
      expect(await refusal(`${first}\nB`)).toMatch(
        /^UnreadableImportError: The first line has 2 columns, ".*", ".*", and none is called `code`\. Name .*\(line 1\)$/,
      );
  });
});

describe("a CSV file of several columns", () => {
  it("has its code column anywhere and in any case", async () => {
    expect(await csv("name,CODE,value\nx,A,1\n")).toEqual(["2: A"]);
    expect(await csv('code,name\nA,"x, ""y""\nz"\nB,\n')).toEqual(["2: A", "4: B"]);
    expect(await csv('"value", "Code" \n1,A')).toEqual(["2: A"]);
  });

  it("may be delimited with semicolons or tabs, which the header shows", async () => {
    expect(await csv("name;code;price\nx, y;A;1,50\n")).toEqual(["2: A"]);
    expect(await csv("name\tcode\nx, y; z\tA\n")).toEqual(["2: A"]);
    expect(await csv("name,code\nx;y,A;B\n")).toEqual(["2: A;B"]);
  });

  it("may name its delimiter the way that Excel does", async () => {
    expect(await csv("sep=;\r\nname;code\r\nx;A\r\n")).toEqual(["3: A"]);
    expect(await csv("\ufeffSEP=|\nname|code\nx,y|A;B\n")).toEqual(["3: A;B"]);
    expect(await csv("sep=,\nA\n")).toEqual(["2: A"]);
  });

  it("is refused without one code column, and told what was found", async () => {
    expect(await refusal("\n\nvoucher;amount\nA;1\n")).toMatch(
      /The first line has 2 columns, "voucher", "amount", and none .*\(line 3\)$/,
    );
    expect(await refusal("a,b,c,d,e,f\n")).toMatch(
      /has 6 columns, "a", "b", "c", "d", "e", …, and/,
    );
    expect(await refusal(`${"x".repeat(99)},${"\ud83c"}\n`)).toContain(
      `"${"x".repeat(40)}", "\ufffd"`,
    );
    expect(await refusal("code,value,Code\n")).toMatch(/Two columns are called `code`/);
  });

  it("gives faults to rows without a code", async () => {
    expect(await csv("name,code\nx\nx,\n,A\n,\nx, \n")).toEqual([
      "2:  !no-code",
      "3:  !empty",
      "4: A",
      "6:  !empty",
    ]);
  });

  it("reads rows that are too wide only where no code can have moved", async () => {
    expect(await csv("code,name\nA,x,y\nB,z,,\n")).toEqual(["2: A", "3: B"]);
    expect(await csv("name,code\nSmith, John,A\nx,B,,\n")).toEqual([
      "2: John !extra-fields",
      "3: B",
    ]);
  });
});

describe("quotes in CSV", () => {
  it("may hold delimiters, line breaks and doubled quotes", async () => {
    expect(await csv('code,note\n"A,""1""","a\r\nb\rc\n\n""d"""\nB,\n')).toEqual([
      '2: A,"1"',
      "7: B",
    ]);
    expect(await csv('"A\nB"\nC')).toEqual(["1: A␊B !control-character", "3: C"]);
    expect(await csv('code\n""\n"  "\nA')).toEqual(["2:  !empty", "3:    !empty", "4: A"]);
  });

  it("that do not add up refuse their row and no other", async () => {
    expect(await csv('code,note\n"A"x,1\n5"OFF,2\nB,5" pipe\nC,"5" pipe"\nD,""\n')).toEqual([
      "2: Ax !stray-quote",
      '3: 5"OFF !stray-quote',
      "4: B",
      "5: C !stray-quote",
      "6: D",
    ]);
  });

  it("that are never closed cost one row, not those after it", async () => {
    expect(await csv('code\nA\n"B\nC\n\nD\n')).toEqual([
      "2: A",
      "3: B !unclosed-quote",
      "4: C",
      "6: D",
    ]);
    expect(await csv('code\n"A\n"B"\n"C"\n')).toEqual(["2: A !unclosed-quote", "3: B", "4: C"]);
    expect(await csv('code\n"A"\n"B\n"C\n"D"')).toEqual([
      "2: A",
      "3: B !unclosed-quote",
      "4: C !unclosed-quote",
      "5: D",
    ]);
    expect(await csv('code\nA\n"')).toEqual(["2: A", "3:  !unclosed-quote"]);
    expect(await csv('code,note\nA,"x\ny","z\nB,1\n"C",""\n')).toEqual([
      "2: A !unclosed-quote",
      "4: B",
      "5: C",
    ]);
  });

  it("that are never closed do not make codes of a text's lines", async () => {
    const rows = await csv(
      'code,note,price\nA,"Dear\nfriend\n\nhello, you\nbye",1\nB,x,2\n"C",y,3\nD\n',
    );
    expect(rows).toEqual(["2: A", "7: B", "8: C", "9: D"]);
    expect(
      await csv('code,note,price\nA,"Dear\nfriend\n\nhello, you\nB,x,2\n"C",y,3\nD\n'),
    ).toEqual([
      "2: A !unclosed-quote",
      "3: friend !unclosed-quote",
      "5: hello !unclosed-quote",
      "6: B",
      "7: C",
      "8: D",
    ]);
  });

  it("in the first line must add up", async () => {
    expect(await refusal('"code\nA\n')).toMatch(
      /quote in the first line is never closed\. \(line 1\)$/,
    );
  });
});

describe("a long CSV file", () => {
  const long = "x".repeat(ROW_LENGTH_MAX);

  it("loses no more than the row whose quote is never closed", async () => {
    const many = Array.from({ length: 50_000 }, (_, i) => `CODE-${i}`);
    const { rows } = await readAll(`code,note\nA,"x\n${many.join(",\n")},\n`, "csv");
    expect(rows.slice(0, 3)).toEqual([
      { line: 2, code: "A", fault: "unclosed-quote" },
      { line: 3, code: "CODE-0", fault: null },
      { line: 4, code: "CODE-1", fault: null },
    ]);
    expect(rows.length).toBe(50_001);
    expect(rows.at(-1)).toEqual({ line: 50_002, code: "CODE-49999", fault: null });
  });

  it("gives faults to rows longer than any spreadsheet's, wherever their quotes are", async () => {
    const tooLong = "x".repeat(128);
    expect(await csv(`code\n${long}\nA\n${long}x\nB\n`)).toEqual([
      `2: ${tooLong} !too-long`,
      "3: A",
      "4:  !row-too-long",
      "5: B",
    ]);
    expect(await csv(`code,n\nA,"${long}"\nB,"y\nz",${long}\r\nC,${long}"\n\nD,\n`)).toEqual([
      "2: A !unclosed-quote",
      "3: B !row-too-long",
      "5: C !row-too-long",
      "7: D",
    ]);
    const note = long.slice('A,""'.length);
    expect(await csv(`code,n\nA,"${note}"\n"B",${note}\nC,"${note}x"\n"D",${note}x\nE,\n`)).toEqual(
      ["2: A", "3: B", "4: C !unclosed-quote", "5: D !row-too-long", "6: E"],
    );
    expect(await csv(`code\nA\n${long}${long}${long}`)).toEqual(["2: A", "3:  !row-too-long"]);
  });

  it("is refused where the first line is that long", async () => {
    expect(await refusal(`${long}x\nA`)).toMatch(/first line is longer than any/);
    expect(await refusal(`"${long}x"\nA`)).toMatch(/quote in the first line is never closed/);
  });

  it("takes time in proportion to its length, whatever its quotes are", async () => {
    // Were each of these lines to cost a longest row, this would be 10^10 steps.
    const { rows } = await readAll(`code,b\n${'a","b\n'.repeat(100_000)}`, "csv");
    expect(rows.every(({ fault }) => fault !== null)).toBe(true);
    expect((await readAll(`code\n${'"""a\n'.repeat(100_000)}`, "csv")).rows.length).toBe(100_000);
  });
});

describe("bytes that are no text", () => {
  it("make a fault of their row only", async () => {
    expect(
      await csv(
        joinBytes(["code,n\nA", 0, ",\nB", 0xff, ",\nC", 0xc3, ",\nD,", 0xe9, 0, "\nE,\n"]),
      ),
    ).toEqual([
      "2: A␀ !control-character",
      "3: B\ufffd !broken-text",
      "4: C\ufffd !broken-text",
      "5: D",
      "6: E",
    ]);
    expect(await csv(joinBytes(["A\nB", 0xf0, 0x9f]))).toEqual(["1: A", "2: B\ufffd !broken-text"]);
  });

  it("make the file unreadable when it is another kind of file", async () => {
    expect(await refusal(joinBytes([0xff, 0xfe, "A", 0]))).toMatch(
      /is UTF-16 text\. Save it as UTF-8/,
    );
    expect(await refusal(joinBytes([0xfe, 0xff, 0, "A"]))).toMatch(/is UTF-16 text/);
    expect(await refusal(joinBytes(["PK", 3, 4, "x"]))).toMatch(/is a workbook or a ZIP archive/);
    expect(await refusal(joinBytes([0x1f, 0x8b, 8]))).toMatch(/is compressed/);
    expect(await csv("PK-1\nA")).toEqual(["1: PK-1", "2: A"]);
  });
});
