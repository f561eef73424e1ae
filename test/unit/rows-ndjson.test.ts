import { describe, expect, it } from "vitest";
import { ROW_LENGTH_MAX } from "../../src/inventory/rows/row.ts";
import { joinBytes, rowsOf } from "../support/rows.ts";

const ndjson = (file: string | Uint8Array) => rowsOf(file, "ndjson");

describe("a file of JSON lines", () => {
  it("has a code on each line, among other members or alone", async () => {
    expect(
      await ndjson(
        '\ufeff{"code":"A"}\r\n{"id":1,"code":"B\\u00e9\\ud83c\\udf81","x":{"code":"C"}}\n{"code":"D"}',
      ),
    ).toEqual(["1: A", "2: Bé🎁", "3: D"]);
    expect(await ndjson("")).toEqual([]);
  });

  it("skips blank lines, and still counts them", async () => {
    expect(await ndjson('\n{"code":"A"}\n\r\n \t\n{"code":"B"}\n\n')).toEqual(["2: A", "5: B"]);
  });

  it("gives faults to lines that are not JSON, or have no code, and to no others", async () => {
    expect(
      await ndjson(
        [
          '{"code":"A"',
          '{"code":"A"} {"code":"B"}',
          "A",
          '"A"',
          '["A"]',
          "null",
          '{"Code":"A"}',
          '{"code":null}',
          '{"code":42}',
          '{"code":["A"]}',
          '{"__proto__":{"code":"A"}}',
          '{"code":"A"}',
        ].join("\n"),
      ),
    ).toEqual([
      "1:  !not-json",
      "2:  !not-json",
      "3:  !not-json",
      "4:  !no-code",
      "5:  !no-code",
      "6:  !no-code",
      "7:  !no-code",
      "8:  !no-code",
      "9: 42 !no-code",
      "10:  !no-code",
      "11:  !no-code",
      "12: A",
    ]);
  });

  it("judges codes as written", async () => {
    expect(
      await ndjson('{"code":" A"}\n{"code":""}\n{"code":"A\\tB"}\n{"code":"\\ud83c"}\n'),
    ).toEqual([
      "1:  A !outer-blank",
      "2:  !empty",
      "3: A␉B !control-character",
      "4: \ufffd !broken-text",
    ]);
    expect(await ndjson(joinBytes(['{"code":"A', 0xff, '"}\n{"code":"B"}\n']))).toEqual([
      "1: A\ufffd !broken-text",
      "2: B",
    ]);
  });

  it("gives a fault to a line that is too long, and goes on after it", async () => {
    const line = (length: number) => `{"code":"A","x":"${"x".repeat(length - 19)}"}`;
    expect(line(100)).toHaveLength(100);
    for (const excess of [1, 100_000, 500_000])
      expect([
        excess,
        await ndjson(`${line(ROW_LENGTH_MAX)}\n${line(ROW_LENGTH_MAX + excess)}\n{"code":"B"}`),
      ]).toEqual([excess, ["1: A", "2:  !row-too-long", "3: B"]]);
    expect(await ndjson(line(ROW_LENGTH_MAX + 1))).toEqual(["1:  !row-too-long"]);
  });
});
