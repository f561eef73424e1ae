import { describe, expect, it } from "vitest";
import { readRows } from "../../src/inventory/rows/read-rows.ts";
import { bodyOf, bytesOf, joinBytes, readAll } from "../support/rows.ts";

describe("the rows of an import, in the runtime of Workers", () => {
  it("are those that Node reads, wherever characters are cut", async () => {
    const file = joinBytes([
      "\ufeff",
      'code;n\r\n"é🎁";',
      0xff,
      "\r\nA",
      0xc3,
      ";\r漢字;\n",
      'B;"x\r\n',
    ]);
    for (let pieceBytes = 4; pieceBytes < file.length; pieceBytes++) {
      const { rows } = await readAll(file, "csv", { pieceBytes });
      expect([pieceBytes, rows.map(({ line, code, fault }) => [line, code, fault])]).toEqual([
        pieceBytes,
        [
          [2, "é🎁", null],
          [3, "A\ufffd", "broken-text"],
          [4, "漢字", null],
          [5, "B", "unclosed-quote"],
        ],
      ]);
    }
  });

  it("come from the body of a request, which is cancelled when they are no longer asked for", async () => {
    const { body, seen } = bodyOf([
      bytesOf('{"codes":["A","é🎁",'.padEnd(70_000)),
      bytesOf('"B"]}'),
    ]);
    const request = new Request("http://localhost/", { method: "POST", body });
    if (request.body === null) throw new Error("The request has no body");
    for await (const group of readRows(request.body, "json", 2)) {
      expect(group).toEqual([
        { line: 1, code: "A", fault: null },
        { line: 2, code: "é🎁", fault: null },
      ]);
      break;
    }
    expect(seen).toEqual({ pulls: 1, cancelled: true });
  });
});
