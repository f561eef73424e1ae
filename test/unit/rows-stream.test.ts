import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { readRows } from "../../src/inventory/rows/read-rows.ts";
import { ROW_LENGTH_MAX, type ImportFormat } from "../../src/inventory/rows/row.ts";
import { Random } from "../support/random.ts";
import { bodyOf, bytesOf, cutUp, joinBytes, readAll } from "../support/rows.ts";

const FORMATS = ["csv", "ndjson", "json"] as const;

// What can go wrong at a cut: characters of several bytes, CRLF, doubled quotes, escapes, and all
// that is broken to begin with.
const NASTY: Record<ImportFormat, (string | number)[]> = {
  csv: [
    "A",
    "é",
    "🎁",
    "\r\n",
    "\n",
    "\r",
    '"',
    '""',
    '"x"',
    ",",
    ";",
    " ",
    "\t",
    "code",
    0,
    0xff,
    0xc3,
    0xf0,
  ],
  ndjson: [
    '{"code":"',
    '"}',
    '{"code":"A"}',
    "\n",
    "\r\n",
    "é",
    "🎁",
    "\\u00e9",
    "\\",
    " ",
    0,
    0xff,
    0xe2,
  ],
  json: [
    '"A"',
    ",",
    '"é🎁"',
    '"\\ud83c\\udf81"',
    '"\\n"',
    " ",
    "12",
    "null",
    '["]"]',
    '{"a":"\\""}',
    '"',
    "\\",
    0xff,
  ],
};
const BEGINNINGS: Record<ImportFormat, string[]> = {
  csv: ["", "\ufeff", "code\n", "\ufeffcode;n\r\n", "n,code\r", '"co', "sep=;\r\n", "sep=", "\n\n"],
  ndjson: ["", "\ufeff"],
  json: ['{"codes":[', '\ufeff{ "codes" : ["A",', ""],
};

function nastyFile(format: ImportFormat, random: Random): Uint8Array {
  const parts = Array.from({ length: random.int(0, format === "json" ? 8 : 30) }, () =>
    random.pick(NASTY[format]),
  );
  // Commas between most, or nearly every document would be unreadable.
  const joined =
    format === "json"
      ? parts.flatMap((part, i) => (i > 0 && random.chance(0.9) ? [",", part] : [part]))
      : parts;
  const end = format === "json" && random.chance(0.9) ? "]}" : "";
  return joinBytes([random.pick(BEGINNINGS[format]), ...joined, end]);
}

describe("where the pieces of a file begin and end", () => {
  it.each(FORMATS)("makes no difference to its rows: %s", async (format) => {
    let readable = 0;
    for (let seed = 1; seed <= 1_500; seed++) {
      const random = new Random(seed);
      const file = nastyFile(format, random);
      const whole = await readAll(file, format);
      if (whole.rows.length > 0) readable += 1;
      for (let i = 0; i < 3; i++) {
        const pieceBytes = random.int(4, 24);
        const cut = await readAll(cutUp(file, random), format, {
          groupSize: random.int(1, 5),
          pieceBytes,
        });
        expect([seed, pieceBytes, cut]).toEqual([seed, pieceBytes, whole]);
      }
    }
    expect(readable).toBeGreaterThan(100);
  });

  it("makes a file another kind of file only at its very beginning", async () => {
    const file = joinBytes(["A-1\n", 0xff, 0xfe, "2\nPK", 3, 4, "\nB-3\n"]);
    const { rows } = await readAll(file, "csv", { pieceBytes: 4 });
    expect(rows.map(({ fault }) => fault)).toEqual([
      null,
      "broken-text",
      "control-character",
      null,
    ]);
  });

  it("makes no difference within strings of JSON that are too long", async () => {
    const long = String.raw`\\é\"\u00e9\n`.repeat(200);
    const file = bytesOf(`{"codes":["${long}","A","${long}\\\\"]}`);
    const whole = await readAll(file, "json");
    expect(whole.rows.map(({ fault }) => fault)).toEqual(["too-long", null, "too-long"]);
    for (let pieceBytes = 4; pieceBytes < 40; pieceBytes++)
      expect([pieceBytes, await readAll(file, "json", { pieceBytes })]).toEqual([
        pieceBytes,
        whole,
      ]);
  });

  it.each([-4, -3, -2, -1, 0, 1, 2, 3])(
    "makes no difference around the longest row: %i units longer",
    async (excess) => {
      const max = ROW_LENGTH_MAX + excess;
      const x = (lengthOfOthers: number) => "x".repeat(max - lengthOfOthers);
      const files = [
        x(0),
        `"${x(2)}"`,
        `"${x(1)}`,
        `"${x(4)}\n"y`,
        `"${x(3)}"""`,
        `"${x(0)}`,
        `A,"x\n",${x(7)}`,
        `A,"${x(6)}"  `,
      ].map((row) => `code\n${row}\r\nB\n"C"\r\n`);
      files.push(`n,code\n${x(4)},"xyz\r\n,B\n,"C"\r\n`, `n,code\n"${x(4)}","xyz\r\n,B\n,"C"\r\n`);
      for (const file of files) {
        const whole = await readAll(file, "csv", { pieceBytes: 1_000_000 });
        expect(whole.rows.slice(-2)).toEqual([
          expect.objectContaining({ code: "B", fault: null }),
          expect.objectContaining({ code: "C", fault: null }),
        ]);
        // Pieces that end at the row's end, at the longest row's, and around both.
        const header = file.indexOf("\n") + 1;
        const ends = [max, ROW_LENGTH_MAX].flatMap((end) => [end - 1, end, end + 1, end + 2]);
        for (const pieceBytes of [...ends.map((end) => header + end), 50_000])
          expect([pieceBytes, await readAll(file, "csv", { pieceBytes })]).toEqual([
            pieceBytes,
            whole,
          ]);
      }
    },
  );
});

describe("readRows", () => {
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `A-${i}\n`).join("");

  it("gives full groups, and the rest at the end", async () => {
    const sizesOf = async (count: number, groupSize: number) => {
      const { body } = bodyOf([bytesOf(lines(count))]);
      const sizes: number[] = [];
      for await (const group of readRows(body, "csv", groupSize, 64)) sizes.push(group.length);
      return sizes;
    };
    expect(await sizesOf(0, 3)).toEqual([]);
    expect(await sizesOf(2, 3)).toEqual([2]);
    expect(await sizesOf(6, 3)).toEqual([3, 3]);
    expect(await sizesOf(100, 45)).toEqual([45, 45, 10]);
  });

  function* endless(): Generator<Uint8Array> {
    for (;;) yield bytesOf(lines(5_000));
  }

  it("asks for no more of a body than the next group takes", async () => {
    const { body, seen } = bodyOf(endless());
    const groups = readRows(body, "csv", 10);
    expect(seen.pulls).toBe(0);
    await groups.next();
    const first = seen.pulls;
    expect(first).toBeLessThan(5);
    // A piece has rows for hundreds of groups.
    for (let i = 0; i < 500; i++) await groups.next();
    expect(seen.pulls).toBe(first);
    await groups.return();
  });

  it("cancels the body of a consumer that stops", async () => {
    const stopped = bodyOf(endless());
    for await (const group of readRows(stopped.body, "csv", 10)) {
      expect(group).toHaveLength(10);
      break;
    }
    expect(stopped.seen.cancelled).toBe(true);

    const failed = bodyOf(endless());
    const failing = (async () => {
      for await (const group of readRows(failed.body, "csv", 10))
        throw new Error(`${group.length}`);
    })();
    await expect(failing).rejects.toThrow("10");
    expect(failed.seen.cancelled).toBe(true);
  });

  it("cancels a body that is unreadable, and passes on the error of one that breaks", async () => {
    const { body, seen } = bodyOf(endless());
    await expect(readRows(body, "json", 10).next()).rejects.toThrow(
      "The JSON is malformed at character 1",
    );
    expect(seen.cancelled).toBe(true);

    const broken = new ReadableStream<Uint8Array>({
      pull() {
        throw new Error("Network connection lost.");
      },
    });
    await expect(readRows(broken, "csv", 10).next()).rejects.toThrow("Network connection lost.");
  });
});

describe("the memory that a file takes", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const HEADS: Record<ImportFormat, string> = {
    csv: "code\r\n",
    ndjson: "",
    json: '{"codes":["A-0"',
  };
  const ROWS: Record<ImportFormat, (code: string) => string> = {
    csv: (code) => `${code}\r\n`,
    ndjson: (code) => `{"code":"${code}"}\n`,
    json: (code) => `,"${code}"`,
  };
  // Some are faulty, here and there.
  const codeOf = (i: number) => `SUMMER-SALE-FOR-YOU-${i}${i % 1_000 === 0 ? "\u0085!" : ""}`;

  function* fileOf(format: ImportFormat, count: number): Generator<Uint8Array> {
    yield bytesOf(HEADS[format]);
    for (let i = 0; i < count;) {
      let text = "";
      for (const end = Math.min(count, i + 5_000); i < end; i++) text += ROWS[format](codeOf(i));
      yield bytesOf(text);
    }
    if (format === "json") yield bytesOf("]}");
  }

  /** The most that was alive at any of ten moments while the file was read, in bytes. */
  async function peakOf(format: ImportFormat, count: number): Promise<number> {
    let read = 0;
    let peak = 0;
    // As a caller would keep them.
    const faults: string[] = [];
    for await (const group of readRows(bodyOf(fileOf(format, count)).body, format, 1_000)) {
      const before = read;
      read += group.length;
      for (const row of group)
        if (row.fault !== null && faults.length < 1_000) faults.push(row.code);
      if (Math.floor((before * 10) / count) === Math.floor((read * 10) / count)) continue;
      collect();
      peak = Math.max(peak, process.memoryUsage().heapUsed);
    }
    expect(read).toBeGreaterThanOrEqual(count);
    expect(faults).toHaveLength(count / 1_000);
    return peak;
  }

  it.each(FORMATS)("does not grow with its length: %s", async (format) => {
    const small = await peakOf(format, 100_000);
    const large = await peakOf(format, 1_000_000);
    // The larger file has 20 MB more of text, and its rows would be several times that.
    expect(large - small).toBeLessThan(4_000_000);
  });
});
