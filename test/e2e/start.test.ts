/** A newcomer's first minute: `npm start`, and what it prints. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ClaimBody } from "../support/api.ts";
import { Server } from "../support/server.ts";

const stateDir = mkdtempSync(path.join(tmpdir(), "codedrop-start-"));
let server: Server | null = null;

afterAll(() => {
  server?.kill();
  rmSync(stateDir, { recursive: true, force: true });
});

/** Runs a printed command in a shell; the status and body that curl saw. */
function run(command: string): { status: number; body: ClaimBody } {
  const output = execFileSync("bash", ["-c", `${command} -sS -w '\\n%{http_code}'`], {
    encoding: "utf8",
  });
  const cut = output.lastIndexOf("\n");
  return {
    status: Number(output.slice(cut + 1)),
    body: JSON.parse(output.slice(0, cut)) as ClaimBody,
  };
}

describe("npm start on a fresh clone", () => {
  it("seeds a demo brand and prints a curl that hands out a code, once per user", async () => {
    server = await Server.start(stateDir, []);
    await server.printed(/All calls/);
    const command = /^curl (?:.*\\\n)*.*$/m.exec(server.output)?.[0] ?? "";
    expect(command).toContain("cdk_live_");
    const first = run(command);
    expect(first.status).toBe(201);
    expect(first.body.code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    const other = run(command.replace("u-1", "u-2"));
    expect(other.status).toBe(201);
    expect(other.body.code).not.toBe(first.body.code);
    const again = run(command);
    expect([again.status, again.body]).toEqual([200, first.body]);

    const key = /cdk_live_\w+/.exec(command)?.[0] ?? "";
    const stats = await server.api.send(key, "GET /v1/campaigns/welcome/stats");
    expect(stats.body["totals"]).toMatchObject({ codes: 1_000, claimed: 2 });
  });

  it("keeps the operator token and the demo brand at the next start", async () => {
    const before = server?.output ?? "";
    const token = server?.operatorToken;
    server?.kill();
    server = await Server.start(stateDir, []);
    await server.printed(/All calls/);
    expect(server.operatorToken).toBe(token);
    const keyIn = (output: string) => /cdk_live_\w+/.exec(output)?.[0];
    expect(keyIn(server.output)).toBe(keyIn(before));
    expect((await server.api.listAll(token ?? "", "/v1/brands")).length).toBe(1);
  });
});
