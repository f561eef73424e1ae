import { describe, expect, it } from "vitest";
import { ROW_LENGTH_MAX } from "../../src/inventory/rows/row.ts";
import { Random } from "../support/random.ts";
import { joinBytes, readAll, refusalOf, rowsOf } from "../support/rows.ts";

const json = (file: string | Uint8Array) => rowsOf(file, "json");
const refusal = (file: string | Uint8Array) => refusalOf(file, "json");

describe("a JSON document of codes", () => {
  it("gives its strings, counted from 1", async () => {
    expect(await json('{"codes":["A","B"]}')).toEqual(["1: A", "2: B"]);
    expect(await json('\ufeff \r\n{\t"\\u0063odes" :\n[ "A" ,"B" ] } \n')).toEqual([
      "1: A",
      "2: B",
    ]);
    expect(await json('{"codes":[]}')).toEqual([]);
  });

  it("reads escapes like any JSON", async () => {
    expect(
      await json(String.raw`{"codes":["\"\\\/","\u00e9\ud83c\udf81","\\","]}","\\\""]}`),
    ).toEqual([String.raw`1: "\/`, "2: é🎁", "3: \\", "4: ]}", '5: \\"']);
  });

  it("judges codes as written", async () => {
    expect(await json(String.raw`{"codes":[""," A","\n","A\u0000","\udf81A","B"]}`)).toEqual([
      "1:  !empty",
      "2:  A !outer-blank",
      "3: ␊ !empty",
      "4: A␀ !control-character",
      "5: \ufffdA !broken-text",
      "6: B",
    ]);
    expect(await json(joinBytes(['{"codes":["A', 0xff, '","B"]}']))).toEqual([
      "1: A\ufffd !broken-text",
      "2: B",
    ]);
  });

  it("gives faults to elements that are no strings", async () => {
    expect(
      await json('{"codes":[12,"A",null,true,{"code":"B, ]}\\""},[["C"],{}],-1.5e3,"D"]}'),
    ).toEqual([
      "1: 12 !no-code",
      "2: A",
      "3: null !no-code",
      "4: true !no-code",
      '5: {"code":"B, ]}\\""} !no-code',
      '6: [["C"],{}] !no-code',
      "7: -1.5e3 !no-code",
      "8: D",
    ]);
  });

  it("lets go of strings that are too long, and checks them all the same", async () => {
    const shown = "🎁".repeat(128);
    for (const length of [129, 1_000, 200_000]) {
      for (const written of ["🎁", String.raw`\ud83c\udf81`]) {
        const text = written.repeat(length);
        expect([length, await json(`{"codes":["${text}","${written}"]}`)]).toEqual([
          length,
          [`1: ${shown} !too-long`, "2: 🎁"],
        ]);
        expect(await refusal(`{"codes":["${text}\\x"]}`)).toMatch(/is malformed/);
        expect(await refusal(`{"codes":["${text}\n"]}`)).toMatch(/is malformed/);
        expect(await refusal(`{"codes":["${text}`)).toMatch(/ends too early/);
      }
    }
    expect(await json(`{"codes":["x${String.raw`\ud83c\udf81`.repeat(200)}"]}`)).toEqual([
      `1: x${"🎁".repeat(127)} !too-long`,
    ]);
    const slashes = String.raw`\\`.repeat(100_000);
    expect(await json(`{"codes":["${slashes}","A","${slashes}\\""]}`)).toEqual([
      `1: ${"\\".repeat(128)} !too-long`,
      "2: A",
      `3: ${"\\".repeat(128)} !too-long`,
    ]);
    expect(await json(`{"codes":["${"\\u0041".repeat(128)}"]}`)).toEqual([`1: ${"A".repeat(128)}`]);
  });
});

describe("a JSON document that is unreadable", () => {
  it("is one of another shape", async () => {
    for (const file of [
      '["A"]',
      '"A"',
      "1",
      '{"codes":"A"}',
      '{"codes":{"0":"A"}}',
      '{"codes":null}',
      "{}",
    ])
      expect([file, await refusal(file)]).toEqual([
        file,
        'UnreadableImportError: Send an object with an array of strings: {"codes": ["…", "…"]}.',
      ]);
  });

  it("is one with other members, which are named", async () => {
    const unknown = (name: string) =>
      `UnreadableImportError: There may be no member "${name}" beside \`codes\`.`;
    expect(await refusal('{"codes":["A"],"dry_run":true}')).toBe(unknown("dry_run"));
    expect(await refusal('{"Codes":["A"]}')).toBe(unknown("Codes"));
    expect(await refusal('{"":1}')).toBe(unknown(""));
    expect(await refusal(`{"${"x".repeat(99)}":1}`)).toBe(unknown("x".repeat(40)));
    expect(await refusal(`{"${"x".repeat(200_000)}":1}`)).toBe(unknown("…"));
    expect(await refusal('{"codes":[],"codes":[]}')).toMatch(/one `codes` only/);
  });

  it("is one that is not JSON, and told where", async () => {
    for (const file of [
      '{"codes":["A",]}',
      '{"codes":[,"A"]}',
      '{"codes":["A""B"]}',
      '{"codes":["A";"B"]}',
      '{"codes":["A"]]}',
      '{"codes":["A"],}',
      '{"codes":["A"]}}',
      '{"codes":["A"]} {}',
      "{codes:[]}",
      '{"codes"["A"]}',
      '{"codes":["\\x"]}',
      '{"codes":["\\ud83"]}',
      '{"codes":["A\nB"]}',
      '{"codes":["\n"]}',
      '{"codes":[01]}',
      '{"codes":[nul]}',
      '{"codes":[1 2]}',
      '{"codes":[{"a":}]}',
      '{"codes":[[}]]}',
      "{'codes':[]}",
      '\u00a0{"codes":[]}',
    ])
      expect([file, await refusal(file)]).toEqual([
        file,
        expect.stringMatching(/: (The JSON is malformed at character \d+|Send an object)/),
      ]);
    expect(await refusal('{"codes":["A", "B" "C"]}')).toBe(
      "UnreadableImportError: The JSON is malformed at character 20, past element 2 of `codes`.",
    );
  });

  it("is one that ends too early", async () => {
    const file = '{"codes": ["A\\u00e9", 12, {"a": "b"}] }';
    expect(await refusal(file)).toBe(null);
    for (let length = 0; length < file.length; length++)
      expect([length, await refusal(file.slice(0, length))]).toEqual([
        length,
        expect.stringMatching(/The JSON ends too early/),
      ]);
  });

  it("is one with an element longer than any code that is no string", async () => {
    for (const long of ["[".repeat(ROW_LENGTH_MAX + 1), "1".repeat(ROW_LENGTH_MAX + 1)])
      expect(await refusal(`{"codes":["A",${long}`)).toMatch(
        /longer than any code at character 15/,
      );
    const deep = "[".repeat(60_000) + "]".repeat(60_000);
    expect((await readAll(`{"codes":[${deep},"A"]}`, "json")).rows.length).toBe(2);
  });
});

describe("any JSON document", () => {
  it("is read, or refused, as JSON.parse does", async () => {
    const random = new Random(7);
    const valid = [
      '{"codes":["A\\n","\\ud83c\\udf81é🎁",-1.5e+3,{"a":[true,null,"]"]},[],"\\"\\\\"]} ',
    ];
    for (let i = 0; i < 2_000; i++) {
      const file = [...random.pick(valid)];
      const at = random.int(0, file.length - 1);
      file.splice(
        at,
        random.int(0, 2),
        random.pick(['"', "\\", "{", "}", "[", "]", ",", ":", "u", "1", "\n", ""]),
      );
      const text = file.join("");
      const outcome = await readAll(text, "json", { pieceBytes: random.int(4, 40) });
      expect([text, outcome.rows.map(({ code }) => code).length]).toEqual([text, codesOf(text)]);
    }
  });
});

/** How many elements a conforming reader would find; 0 where it would refuse the document. */
function codesOf(text: string): number {
  try {
    const value = JSON.parse(text) as { codes?: unknown };
    return Array.isArray(value.codes) && Object.keys(value).length === 1 ? value.codes.length : 0;
  } catch {
    return 0;
  }
}
