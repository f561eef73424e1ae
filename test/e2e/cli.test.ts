/** The README's commands, in its order, typed by a brand that has never seen them. */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { Api } from "../support/api.ts";

const root = path.resolve(import.meta.dirname, "../..");
const readme = readFileSync(path.join(root, "README.md"), "utf8");
const commands = [...readme.matchAll(/^npx codedrop ((?!help).+)$/gm)].map(([, line = ""]) => line);
/** Stands in the README for the code that u-1 got. */
const SHOWN_CODE = "6R7T-NGXY-WMDR";
const OWN_CODE = "OWN-7F3K-Q9XW";

const folder = mkdtempSync(path.join(tmpdir(), "codedrop-story-"));
let key = "";
let claimed = "";

beforeAll(async () => {
  const api = new Api({
    fetch: (route, init) => fetch(inject("baseUrl") + route, init),
    operatorToken: inject("operatorToken"),
  });
  key = (await api.newBrand()).secret;
  const rows = ["code", OWN_CODE, "OWN-2M4T-6H8J", "x".repeat(1_000)];
  writeFileSync(path.join(folder, "codes.csv"), `${rows.join("\r\n")}\r\n`);
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Result {
  code: number;
  out: string;
  err: string;
}

/** What a shell makes of a line of the README. */
async function type(line: string): Promise<Result> {
  const main = path.join(root, "src/cli/main.ts");
  const command = `"${process.execPath}" "${main}" ${line.replace(SHOWN_CODE, claimed)}`;
  const env = { ...process.env, CODEDROP_URL: inject("baseUrl"), CODEDROP_KEY: key };
  return new Promise((resolve) => {
    execFile("bash", ["-c", command], { cwd: folder, env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

/** The line of the README that begins so, typed. */
async function typed(beginning: string): Promise<Result> {
  const line = commands.find((command) => command.startsWith(beginning));
  return type(line ?? `the README has no ${beginning}`);
}

async function json<Value>(line: string): Promise<Value> {
  const { out } = await type(`${line} --json`);
  return JSON.parse(out) as Value;
}

describe("the command line", () => {
  it("creates a campaign", async () => {
    const { code, out, err } = await typed("campaigns create");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("codedrop codes make spring");
  });

  it("makes codes", async () => {
    const { code, out } = await typed("codes make");
    expect(code).toBe(0);
    expect(out).toContain("Made 10,000 codes");
    const batches = await json<{ status: string; created: number }>("batches list spring");
    expect(batches).toMatchObject({ status: "complete", created: 10_000 });
  });

  it("imports own codes, and says which row it could not take", async () => {
    const { code, out } = await typed("codes import");
    expect(code).toBe(1);
    expect(out).toContain("2 of 3 codes taken");
    const bad = readFileSync(path.join(folder, "bad.csv"), "utf8").split("\r\n");
    expect(bad.length).toBe(3);
    expect(bad[1]).toMatch(/^4,x/);
    // The same file again takes no code twice.
    const again = await json<object>("codes import spring codes.csv");
    expect(again).toMatchObject({ rows: 3, accepted: 0, duplicates: 2, rejected: 1 });
    const dry = await type("codes import spring codes.csv --dry-run");
    expect(dry.out).toContain("Nothing was changed");
  });

  it("lists codes in the pattern that was asked for", async () => {
    const { code, out, err } = await typed("codes list");
    expect(code).toBe(0);
    expect(out.trim().split("\n").length).toBe(6);
    expect(out).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4} +available$/m);
    expect(err).toContain("there are more");
  });

  it("gives a user a code, and the same one again", async () => {
    const { code, out } = await typed("claims create");
    expect(code).toBe(0);
    [claimed = ""] = out.split("\n");
    expect(await json("claims create spring u-1")).toMatchObject({ code: claimed });
    expect(await json("claims list spring")).toMatchObject({ code: claimed, user_id: "u-1" });
  });

  it("counts", async () => {
    const { code, out } = await typed("stats");
    expect(code).toBe(0);
    expect(out).toMatch(/^codes +10,002$/m);
    expect(out).toMatch(/^claimed +1 /m);
  });

  it("exports what is left, every code once", async () => {
    // The list of codes follows the claims within seconds.
    const claims = async () => (await type("codes list spring --status claimed --json")).out;
    await expect.poll(claims, { timeout: 20_000 }).toContain(claimed);
    const { code, out } = await typed("codes export");
    expect(code).toBe(0);
    expect(out).toBe("Wrote 10,001 rows to available.csv.\n");
    const file = path.join(folder, "available.csv");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const codes = readFileSync(file, "utf8").match(/\b[0-9A-Z]{3,4}(-[0-9A-Z]{4}){2}\b/g) ?? [];
    expect(new Set(codes).size).toBe(10_001);
    expect(codes).toContain(OWN_CODE);
    expect(codes).not.toContain(claimed);
  });

  it("validates and redeems", async () => {
    const valid = await typed("validate");
    expect(valid.code).toBe(0);
    expect(valid.out).toContain(`${claimed} is valid`);
    // 15% of 49.90, rounded either way.
    expect(valid.out).toMatch(/ 7\.4[89] EUR/);
    const redeemed = await typed("redeem");
    expect(redeemed.code).toBe(0);
    expect(await typed("redeem")).toEqual(redeemed);
    const other = await type(`redeem ${claimed} --order o-2`);
    expect([other.code, other.out]).toEqual([1, ""]);
    expect(other.err).toContain("code-already-redeemed");
    const spent = await type(`validate ${claimed}`);
    expect([spent.code, spent.out]).toEqual([1, `${claimed} is redeemed already\n`]);
  });

  it("finds a code, however it is typed", async () => {
    const { code, out } = await typed("codes find");
    expect(code).toBe(0);
    expect(out).toContain(`${claimed} is redeemed`);
    expect(out).toContain("o-1");
    expect(await json(`codes find ${claimed.toLowerCase().replaceAll("-", "")}`)).toMatchObject({
      code: claimed,
      status: "redeemed",
      user_id: "u-1",
      order_id: "o-1",
    });
    const none = await type("codes find NOPE-NOPE-NOPE");
    expect([none.code, none.out]).toEqual([1, ""]);
    expect(none.err).toContain("code-unknown");
  });

  it("revokes a code, which is then worth nothing", async () => {
    const { code, out } = await typed("codes revoke");
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`${OWN_CODE} +revoked`));
    expect((await type(`codes revoke ${OWN_CODE}`)).out).toContain("already-revoked");
    expect((await type(`codes revoke ${claimed}`)).code).toBe(1);
    expect((await type(`validate ${OWN_CODE}`)).code).toBe(1);
  });

  it("proves that every code is accounted for", async () => {
    const { code, out } = await typed("integrity");
    expect(code).toBe(0);
    expect(out).toContain("Sound");
  });

  it("was run as the README has it", () => {
    expect(commands.length).toBe(12);
  });
});
