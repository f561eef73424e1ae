/** The README's own commands, in its order, against a server that was just started. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Server } from "../support/server.ts";

const readme = readFileSync(path.resolve(import.meta.dirname, "../../README.md"), "utf8");
const curls = [...readme.matchAll(/```sh\n(curl [\s\S]*?)\n```/g)].map(
  ([, command = ""]) => command,
);
const shownAnswer = JSON.parse(/```json\n([\s\S]*?)\n```/.exec(readme)?.[1] ?? "{}") as object;

const stateDir = mkdtempSync(path.join(tmpdir(), "codedrop-readme-"));
let server: Server | null = null;
let key = "";

beforeAll(async () => {
  server = await Server.start(stateDir, []);
  [key = ""] = await server.printed(/cdk_live_\w+/);
});

afterAll(() => {
  server?.kill();
  rmSync(stateDir, { recursive: true, force: true });
});

function run(command: string): { status: number; body: Record<string, unknown> } {
  const local = command.replaceAll("http://localhost:8787", server?.address ?? "");
  const output = execFileSync("bash", ["-c", `${local} -sS -w '\\n%{http_code}'`], {
    encoding: "utf8",
    env: { ...process.env, KEY: key, OPERATOR_TOKEN: server?.operatorToken ?? "" },
  });
  const cut = output.lastIndexOf("\n");
  return {
    status: Number(output.slice(cut + 1)),
    body: JSON.parse(output.slice(0, cut)) as Record<string, unknown>,
  };
}

describe("the README", () => {
  it("shows commands that answer 201, the first one as it says", () => {
    expect(curls.length).toBe(4);
    const answers = curls.map(run);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    const [claim] = answers;
    expect(Object.keys(claim?.body ?? {})).toEqual(Object.keys(shownAnswer));
    expect(claim?.body).toMatchObject({
      user_id: "u-1",
      status: "claimed",
      discount: { type: "percentage", value: 15 },
      shop_url: "https://shop.example/",
    });
    const [first = ""] = curls;
    expect(run(first)).toEqual({ status: 200, body: claim?.body });
    const other = run(first.replace("u-1", "u-2"));
    expect(other.status).toBe(201);
    expect(other.body["code"]).not.toBe(claim?.body["code"]);
  });

  it("links nothing that is not there: every call of its table is in the reference", async () => {
    const { body } = await (server as Server).api.send<{ paths: Record<string, object> }>(
      null,
      "GET /openapi.json",
    );
    const table = /## Endpoints\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? "";
    for (const route of Object.keys(body.paths)) {
      const end = route.split("/").at(-1) ?? "";
      expect(table).toContain(end.startsWith("{") ? route.split("/").at(-2) : end);
    }
  });
});
