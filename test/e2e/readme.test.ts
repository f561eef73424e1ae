/** The README's own samples, in its order, against a server that was just started. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asStarted, Desk, type Json } from "../support/desk.ts";
import { ranBy, runSamples, type Handler } from "../support/samples.ts";
import { Server } from "../support/server.ts";
import { takesGenuineCalls } from "../support/webhook-samples.ts";

const root = path.resolve(import.meta.dirname, "../..");
const readme = readFileSync(path.join(root, "README.md"), "utf8");
const stateDir = mkdtempSync(path.join(tmpdir(), "codedrop-readme-"));
const PAGE = "https://partner.example";

let server: Server;
let desk: Desk;
let key = "";

beforeAll(async () => {
  server = await Server.start(stateDir, []);
  [key = ""] = await server.printed(/cdk_live_\w+/);
  desk = new Desk(server.address, { KEY: key, OPERATOR_TOKEN: server.operatorToken });
});

afterAll(() => {
  desk.clear();
  server.kill();
  rmSync(stateDir, { recursive: true, force: true });
});

/** A publishable key for a page, and the token of its user. */
async function pageCredentials(user: string): Promise<{ publishable: string; token: string }> {
  const { api } = server;
  const made = await api.send<{ key: string }>(key, "POST /v1/keys", {
    kind: "publishable",
    mode: "live",
    name: "Page",
    allowed_origins: [PAGE],
  });
  const profile = await api.send<{ identity: { secret: string } }>(key, "PATCH /v1/brand", {
    identity: { issuer: `${PAGE}/`, audience: "codedrop", algorithm: "HS256" },
  });
  const token = await new SignJWT({ sub: user, iss: `${PAGE}/`, aud: "codedrop" })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(new TextEncoder().encode(profile.body.identity.secret));
  return { publishable: made.body.key, token };
}

/** A script of a page, whose browser says where it is, and whose site has the user's token. */
function inPage(user: string, expected: RegExp, after = ""): Handler {
  return {
    languages: ["js", "ts"],
    run: async ({ text, language }) => {
      const { publishable, token } = await pageCredentials(user);
      const before = `const send = fetch;
        globalThis.fetch = (url, init = {}) => {
          if (url === "/user-token") return Promise.resolve(new Response("${token}"));
          const headers = { ...Object.fromEntries(new Headers(init.headers)), Origin: "${PAGE}" };
          return send(url, { ...init, headers });
        };
        globalThis.token = "${token}";`;
      const program = `${text.replace("cdp_live_…", publishable)}\n${after}`;
      expect(await desk.program(program, language as "ts" | "js", before)).toMatch(expected);
    },
  };
}

/** What `curl -N` prints, of which the numbers and times are others each time. */
const watches: Handler = {
  languages: [""],
  run: async ({ text }) => {
    const [command = "", ...shown] = text.split("\n");
    const call = desk.local(command.replace(/^\$ /, ""));
    const { out } = await desk.shell(`${call} -sS --max-time 2`);
    const kinds = (lines: string[]) =>
      lines.slice(0, 3).map((line) => line.replaceAll(/"(?:[^"]*)Z"|\d+/g, "1"));
    expect(kinds(out.split("\n"))).toEqual(kinds(shown));
    // Those that come later are known by their names.
    const names = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
    expect(new Set(names)).toEqual(new Set(["stock", "end"]));
    const source = readFileSync(path.join(root, "src/http/live-feed.ts"), "utf8");
    expect(source).toContain("campaign-ended");
  },
};

/** A picture of what there is: each word that the sources have, they have. */
const draws: Handler = {
  languages: [""],
  run: ({ text }) => {
    const objects = text.match(/\b[A-Z][a-z]+[A-Z]\w+/g) ?? [];
    expect(objects.length).toBeGreaterThan(1);
    const config = readFileSync(path.join(root, "wrangler.toml"), "utf8");
    for (const name of objects) expect(config).toContain(`[exports.${name}]`);
  },
};

/** A report of the benchmark, as its own code has it. */
const measured: Handler = {
  languages: [""],
  run: ({ text }) => {
    const report = readFileSync(path.join(root, "test/bench/report.ts"), "utf8");
    const lines = text.split("\n").slice(2);
    const names = lines.map((line) => line.split(/ {2,}/)[0] ?? "");
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      const words = name.replace(/[\d,]+ codes \/.*/, "");
      expect(report.includes(words.trim()), name).toBe(true);
    }
  },
};

describe("the README", () => {
  it("has no sample that does not do what it says", { timeout: 240_000 }, async () => {
    let first: Json = {};
    await runSamples("README.md", {
      Codedrop: [
        asStarted,
        desk.curls(201, async ({ body }, { text }) => {
          first = body;
          expect(await desk.curl(text)).toMatchObject({ status: 200, body });
          const other = await desk.curl(text.replace("u-1", "u-2"));
          expect(other.status).toBe(201);
          expect(other.body["code"]).not.toBe(body["code"]);
        }),
        desk.answers(),
      ],
      "Two calls that you may know": [desk.curls(201), desk.curls(201), desk.curls(201)],
      "Codes by the million, and your own codes": [desk.curls(201), desk.answers()],
      "At the checkout": [
        desk.curls(201, ({ body }) => {
          const ms =
            Date.parse(String(body["expires_at"])) - Date.parse(String(body["created_at"]));
          expect(ms).toBe(600_000);
        }),
        desk.answers(),
      ],
      "From a partner site's page": [
        // Chromium has it, in test/browser/pages.test.ts.
        { languages: ["html"], run: ({ text }) => expect(text).toContain("<codedrop-claim ") },
        inPage(
          "ann",
          /^ann [2-9A-Z]{4}(-[2-9A-Z]{4}){2}\n$/,
          "const { user_id, code } = await answer.json();\nconsole.log(user_id, code);",
        ),
      ],
      "Events and webhooks": [
        {
          languages: ["sh"],
          run: async ({ text }) => {
            // The log is a moment behind.
            await expect
              .poll(async () => (desk.last = await desk.curl(text)).body["data"], {
                timeout: 5_000,
              })
              .not.toEqual([]);
            const data = desk.last.body["data"] as { data: Json }[];
            expect(data.map((event) => event.data["code"])).not.toContain(undefined);
            desk.last.body["data"] = data.slice(0, 1);
          },
        },
        desk.answers("user_id"),
        desk.curls(201),
        takesGenuineCalls(
          desk,
          "claim.created\n204\nrefused\n",
          "const remember = async (id, event) => console.log(event.type);",
        ),
      ],
      "Command line": [desk.reads("CODEDROP_KEY"), ranBy("test/e2e/cli.test.ts", "sh")],
      Client: [
        ranBy("test/unit/package.test.ts", "ts"),
        takesGenuineCalls(desk, "6R7T-NGXY-WMDR\n204\n400\n"),
        inPage("bob", /^\S.* available [2-9A-Z]{4}(-[2-9A-Z]{4}){2}\n$/),
      ],
      "How a code travels": draws,
      "Watching a campaign": watches,
      "What it carries and what it costs": measured,
    });
    expect(first).toMatchObject({ user_id: "u-1", status: "claimed" });
  });

  it("lists every call that the Worker serves, and no other", async () => {
    const { body } = await server.api.send<{
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
