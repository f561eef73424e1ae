/** A newcomer's first minute: `npm start`, and what it prints. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ClaimBody } from "../support/api.ts";
import { runCurl } from "../support/curl.ts";
import { Server } from "../support/server.ts";

const stateDir = mkdtempSync(path.join(tmpdir(), "codedrop-start-"));
let server: Server | null = null;

afterAll(() => {
  server?.kill();
  rmSync(stateDir, { recursive: true, force: true });
});

describe("npm start on no data", () => {
  it("seeds a demo brand and prints a curl that hands out a code, once per user", async () => {
    server = await Server.start(stateDir, []);
    await server.printed(/The documentation/);
    const command = /^curl (?:.*\\\n)*.*$/m.exec(server.output)?.[0] ?? "";
    expect(command).toContain("cdk_live_");
    const first = runCurl<ClaimBody>(command);
    expect(first.status).toBe(201);
    expect(first.body.code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    const other = runCurl<ClaimBody>(command.replace("u-1", "u-2"));
    expect(other.status).toBe(201);
    expect(other.body.code).not.toBe(first.body.code);
    const again = runCurl<ClaimBody>(command);
    expect([again.status, again.body]).toEqual([200, first.body]);

    const key = /cdk_live_\w+/.exec(command)?.[0] ?? "";
    const stats = await server.api.send(key, "GET /v1/campaigns/welcome/stats");
    expect(stats.body["totals"]).toMatchObject({ codes: 1_000, claimed: 2 });
  });

  it("lets a brand's issuer be on this machine", async () => {
    const key = /cdk_live_\w+/.exec(server?.output ?? "")?.[0] ?? "";
    const identity = {
      issuer: "dev",
      audience: "codedrop",
      jwks_url: "http://localhost:9000/keys",
    };
    const set = await server?.api.send(key, "PATCH /v1/brand", { identity });
    expect([set?.status, set?.body["identity"]]).toEqual([200, identity]);
  });

  it("keeps the operator token and the demo brand at the next start", async () => {
    const before = server?.output ?? "";
    const token = server?.operatorToken;
    server?.kill();
    server = await Server.start(stateDir, []);
    await server.printed(/The documentation/);
    expect(server.operatorToken).toBe(token);
    const keyIn = (output: string) => /cdk_live_\w+/.exec(output)?.[0];
    expect(keyIn(server.output)).toBe(keyIn(before));
    expect((await server.api.listAll(token ?? "", "/v1/brands")).length).toBe(1);
  });

  it("makes good a seeding that was cut short after the brand", async () => {
    const cut = mkdtempSync(path.join(tmpdir(), "codedrop-cut-"));
    server?.kill();
    server = await Server.start(cut);
    const { body } = await server.api.operator("POST /v1/brands", { name: "Acme", slug: "acme" });
    writeFileSync(
      path.join(cut, "codedrop-demo.json"),
      JSON.stringify({ slug: "acme", campaign: "welcome", codes: 1_000, keys: body["keys"] }),
    );
    server.kill();
    server = await Server.start(cut, []);
    await server.printed(/The documentation/);
    const { secret } = body["keys"] as { secret: string };
    const stats = await server.api.send(secret, "GET /v1/campaigns/welcome/stats");
    expect(stats.body["totals"]).toMatchObject({ codes: 1_000, available: 1_000 });
    server.kill();
    rmSync(cut, { recursive: true, force: true });
  });
});
