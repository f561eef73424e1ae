/** The README's own commands, in its order, against a server that was just started. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCurl } from "../support/curl.ts";
import { Server } from "../support/server.ts";

const readme = readFileSync(path.resolve(import.meta.dirname, "../../README.md"), "utf8");
const curls = [...readme.matchAll(/```sh\n(curl [\s\S]*?)\n```/g)].map(
  ([, command = ""]) => command,
);
const shownAnswers = [...readme.matchAll(/```json\n([\s\S]*?)\n```/g)].map(
  ([, json = ""]) => JSON.parse(json) as Record<string, unknown>,
);

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

/** The code that the README shows, and the one that was given here. */
const shownCode = String(shownAnswers[0]?.["code"]);
let givenCode = shownCode;

function run(command: string) {
  const local = command
    .replaceAll("http://localhost:8787", server?.address ?? "")
    .replaceAll(shownCode, givenCode);
  return runCurl<Record<string, unknown>>(local, {
    KEY: key,
    OPERATOR_TOKEN: server?.operatorToken ?? "",
  });
}

describe("the README", () => {
  it("shows commands that answer as it says", async () => {
    const isRead = (command: string) => !command.includes("-X POST");
    expect([curls.length, curls.filter(isRead).length]).toEqual([8, 1]);
    const answers = curls.map((command, i) => {
      const answer = run(command);
      if (i === 0) givenCode = String(answer.body["code"]);
      return answer;
    });
    expect(answers.map(({ status }) => status)).toEqual(
      curls.map((command) => (isRead(command) ? 200 : 201)),
    );
    const [claim] = answers;
    const { id, campaign_id, created_at, finished_at, ...shownImport } = shownAnswers[1] ?? {};
    expect([id, campaign_id, created_at, finished_at]).not.toContain(undefined);
    expect(answers[4]?.body).toMatchObject(shownImport);
    const [hold, shownHold = {}] = [answers[5]?.body ?? {}, shownAnswers[2]];
    expect(Object.keys(hold)).toEqual(Object.keys(shownHold));
    const { user_id, order_id, status } = shownHold;
    expect(hold).toMatchObject({ code: givenCode, user_id, order_id, status });
    const lastsMs = ({ created_at: from, expires_at: to }: Record<string, unknown>) =>
      Date.parse(String(to)) - Date.parse(String(from));
    expect([lastsMs(hold), lastsMs(shownHold)]).toEqual([600_000, 600_000]);
    expect(Object.keys(claim?.body ?? {})).toEqual(Object.keys(shownAnswers[0] ?? {}));
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
    // The log is a moment behind.
    const events = () => run(curls.find(isRead) ?? "").body["data"] as Record<string, object>[];
    await expect.poll(() => events()[0]?.["data"]).toMatchObject({ code: claim?.body["code"] });
    const [shown = {}] = (shownAnswers[3]?.["data"] ?? []) as Record<string, object>[];
    expect(Object.keys(events()[0] ?? {})).toEqual(Object.keys(shown));
    expect(Object.keys(events()[0]?.["data"] ?? {})).toEqual(Object.keys(shown["data"] ?? {}));
  });

  it("lists every call that the Worker serves, and no other", async () => {
    const { body } = await (server as Server).api.send<{
      paths: Record<string, Record<string, object>>;
    }>(null, "GET /openapi.json");
    const served = Object.entries(body.paths).flatMap(([route, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${route}`),
    );
    const table = /## Endpoints\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? "";
    const named = [...table.matchAll(/^\| `([A-Z]+ \/[^ `]*)/gm)].map(([, call = ""]) => call);
    expect(named.toSorted()).toEqual([...served, "GET /openapi.json"].toSorted());
  });
});
