/** The samples of the guides, in their order, each guide against a brand of its own. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { samplesOf } from "../../src/build/docs/samples.ts";
import { openApiDocument } from "../../src/reference/document.ts";
import { Document, type OpenApi } from "../../src/pages/docs/document.ts";
import { Api, type Brand } from "../support/api.ts";
import { Desk, asStarted, type Json } from "../support/desk.ts";
import { takesGenuineCalls } from "../support/webhook-samples.ts";
import { ranBy, runSamples, type Handler, type Handlers } from "../support/samples.ts";

const GUIDES = "src/pages/docs/guides";

const api = new Api({
  fetch: (route, init) => fetch(inject("baseUrl") + route, init),
  operatorToken: inject("operatorToken"),
});

let brand: Brand;
let desk: Desk;

beforeEach(async () => {
  brand = await api.newBrand();
  await api.newCampaign(brand, 100, { slug: "welcome", name: "Welcome" });
  desk = new Desk(inject("baseUrl"), { KEY: brand.secret });
});

afterEach(() => desk.clear());

const run = (guide: string, handlers: Handlers) => runSamples(`${GUIDES}/${guide}.md`, handlers);

/** The code that the guides show is one that u-1 got here. */
async function giveShownCode(discount: object): Promise<void> {
  const campaign = await api.newCampaign(brand, 10, { discount });
  const { body } = await api.claim(brand, campaign, "u-1");
  desk.call("2GQY-ND2G-6H8M", body.code);
}

const FIFTEEN = { type: "percentage", value: 15 };

/** A server of this test, for calls of the service or of a program. */
async function listen(
  answer: (text: string, headers: Record<string, unknown>) => string,
): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => response.end(answer(text, request.headers)));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://localhost:${port}`, close: () => server.close() };
}

describe("the guides", () => {
  it("are all run here", () => {
    const text = readFileSync(import.meta.filename, "utf8");
    const guides = readdirSync(path.resolve(import.meta.dirname, "../..", GUIDES));
    expect(guides.filter((file) => !text.includes(`run("${path.parse(file).name}"`))).toEqual([]);
  });

  it("show a five-minute start that works", async () => {
    await run("start", {
      "Start the service": [asStarted, desk.reads("KEY")],
      "Make a campaign": desk.curls(201),
      "Fill it with codes": [desk.curls(201), desk.answers()],
      "Give a user a code": [
        desk.curls(201, async ({ body }, { text }) => {
          const again = await desk.curl(text);
          expect([again.status, again.body["code"]]).toEqual([200, body["code"]]);
          const other = await desk.curl(text.replace("u-1", "u-2"));
          expect([other.status, other.body["code"]]).not.toEqual([201, body["code"]]);
        }),
        desk.answers(),
      ],
      "Spend it": [desk.curls(201), desk.answers()],
      "From a program": desk.prints(/^[2-9A-Z]{4}(-[2-9A-Z]{4}){2}\n$/),
    });
  });

  it("show a partner's page that claims", async () => {
    let [token, key] = ["", ""];
    // What a browser adds by itself, and the partner's own server.
    const asPage = () => `
      const send = globalThis.fetch;
      globalThis.fetch = (url, init = {}) =>
        url === "/codedrop-token"
          ? Promise.resolve(new Response(${JSON.stringify(token)}))
          : send(url, { ...init, headers: { ...init.headers, Origin: "https://partner.example" } });`;
    const signs: Handler = {
      languages: ["js"],
      run: async ({ text }) => {
        desk.environment["CODEDROP_IDENTITY_SECRET"] = String(
          (desk.last.body["identity"] as Json)["secret"],
        );
        const user = '{ id: "ann", email: "ann@partner.example", name: "Ann" }';
        token = await desk.program(
          `${text}\nprocess.stdout.write(await userToken(${user}));`,
          "js",
        );
        expect(token).toMatch(/^eyJ/);
      },
    };
    const inPage = (expected: RegExp): Handler => ({
      languages: ["js"],
      run: async ({ text }) => {
        expect(await desk.program(text.replace("cdp_live_…", key), "js", asPage())).toMatch(
          expected,
        );
      },
    });
    await run("partner-site", {
      "Make a publishable key": [
        desk.curls(201, ({ body }) => {
          key = String(body["key"]);
        }),
        desk.answers(),
      ],
      "Say whose tokens count": [desk.curls(200), desk.answers("name", "slug")],
      "Sign the user token": signs,
      "Put the button in the page": [
        ranBy("test/browser/docs.test.ts", "html"),
        ranBy("test/browser/docs.test.ts", "js"),
      ],
      "Or claim by yourself": [
        inPage(/^Welcome .*available\n$/s),
        inPage(/^[2-9A-Z]{4}(-[2-9A-Z]{4}){2}\n$/),
      ],
      "Keys of your own instead of a shared secret": desk.curls(200),
    });
    const claims = await api.listAll<Json>(brand.secret, "/v1/campaigns/welcome/claims");
    expect(claims.map((claim) => claim["user_id"])).toEqual(["ann"]);
  });

  it("show a receiver that takes what is genuine, once, and nothing else", async () => {
    let [endpoint, secret] = ["", ""];
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const url = `http://localhost:${port}/`;
    const aim = (at: string) =>
      api.send(brand.secret, `PATCH /v1/webhook-endpoints/${endpoint}`, { url: at, events: ["*"] });
    const test = () => api.send<Json>(brand.secret, `POST /v1/webhook-endpoints/${endpoint}/test`);
    const receives: Handler = {
      languages: ["js"],
      run: async ({ text }) => {
        desk.environment["CODEDROP_WEBHOOK_SECRET"] = secret;
        await aim(url);
        // Nobody is there yet, which the text comes back to.
        expect((await test()).body["status"]).toBe("failed");
        const server = desk.serve(text.replace("listen(3000)", `listen(${port})`));
        await expect
          .poll(async () => (await test()).body, { timeout: 20_000, interval: 500 })
          .toMatchObject({ status: "delivered", attempts: [{ status: 204 }] });
        await expect.poll(server.output).toContain("webhook.test");
        const forged = await fetch(url, { method: "POST", body: "{}" });
        expect(forged.status).toBe(400);
        await api.claim(brand, "welcome", "u-1");
        await expect.poll(server.output, { timeout: 20_000 }).toContain("claim.created");
      },
    };
    const verifies: Handler = {
      languages: ["js"],
      run: async ({ text }) => {
        const got: { text: string; headers: Json }[] = [];
        const receiver = await listen((body, headers) => {
          got.push({ text: body, headers });
          return "";
        });
        await aim(receiver.url);
        await test();
        receiver.close();
        await aim(url);
        const [{ text: body, headers } = { text: "", headers: {} }] = got;
        const ask = (...args: unknown[]) =>
          `console.log(isGenuine(${args.map((one) => JSON.stringify(one)).join()}));`;
        const old = { ...headers, "webhook-timestamp": "1700000000" };
        const printed = await desk.program(
          [
            text,
            ask(headers, body, secret),
            ask(headers, `${body} `, secret),
            ask(old, body, secret),
            ask(headers, body, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ask({}, body, secret),
          ].join("\n"),
          "js",
        );
        expect(printed).toBe("true\nfalse\nfalse\nfalse\nfalse\n");
      },
    };
    await run("webhooks", {
      "Name an endpoint": [
        desk.curls(201, ({ body }) => {
          [endpoint, secret] = [String(body["id"]), String(body["secret"])];
        }),
        desk.answers(),
      ],
      "Receive it": receives,
      "By the client": takesGenuineCalls(desk, "u-1 6R7T-NGXY-WMDR\n204\n400\n"),
      "Without a library": verifies,
      "Try it": desk.curls(200, ({ body }) =>
        expect(body).toMatchObject({ status: "delivered", attempts: [{ status: 204 }] }),
      ),
      "When your server was down": [
        desk.curls(200, ({ body }) => {
          body["data"] = (body["data"] as Json[]).slice(-1);
        }),
        desk.answers("duration_ms"),
        desk.curls(202),
        desk.curls(200, ({ body }) => expect(body["data"]).toEqual([])),
      ],
      "Change the secret": desk.curls(200, ({ body }) => expect(body["secret"]).not.toBe(secret)),
    });
  });

  it("show how a brand's own codes come in, and out again", async () => {
    const json = { languages: ["json"], run: takesFile("codes.json", "application/json") };
    const ndjson = {
      languages: ["ndjson"],
      run: takesFile("codes.ndjson", "application/x-ndjson"),
    };
    await run("own-codes", {
      "The file": [desk.file("codes.csv", "csv"), ndjson, json],
      "Judge it first": desk.curls(201, ({ body }) =>
        expect(body).toMatchObject({ dry_run: true, accepted: 2 }),
      ),
      "Take it": [
        desk.curls(201),
        desk.answers(),
        desk.curls(200, ({ body }) => expect(body["data"]).toHaveLength(1)),
      ],
      "From the command line": [
        desk.reads("CODEDROP_KEY"),
        desk.types((out) => expect(out).toContain("0 of 3 codes taken")),
      ],
      "From a program": desk.prints(/^0 3 0\n$/),
      "Codes that you hand out elsewhere": [desk.curls(201), desk.curls(201), desk.curls(201)],
      "Out again": desk.types(() => {
        const rows = readFileSync(path.join(desk.folder, "out.csv"), "utf8").trim().split(/\r?\n/);
        // The heading, 100 that were made, 2 of each file.
        expect(rows).toHaveLength(107);
      }),
    });
  });

  function takesFile(name: string, type: string): Handler["run"] {
    return async ({ text }) => {
      desk.write(name, text);
      const { status, body } = await desk.curl(
        `curl -X POST http://localhost:8787/v1/campaigns/welcome/imports -H "Authorization: Bearer $KEY" -H "Content-Type: ${type}" --data-binary @${name}`,
      );
      expect([status, body["accepted"]]).toEqual([201, 2]);
    };
  }

  it("show a drop from the size of it to the proof", async () => {
    let feed = "";
    const watches: Handler = {
      languages: ["sh"],
      run: async ({ text }) => {
        // It goes on: a second of it is enough.
        feed = (await desk.shell(`${desk.local(text)} -sS --max-time 2`)).out;
      },
    };
    const shapeOfFeed = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((line) => line.replaceAll(/"at":"[^"]+"/g, '"at":""'));
    const seen: Handler = {
      languages: ["text"],
      run: ({ text }) => {
        const shown = shapeOfFeed(text);
        expect(shapeOfFeed(feed).slice(0, shown.length)).toEqual(shown);
      },
    };
    // One that watches from a program sees what is claimed meanwhile.
    const watchesInProgram: Handler = {
      languages: ["ts"],
      run: async (sample) => {
        await desk.compiles(sample.text);
        const claims = setInterval(() => void api.claim(brand, "drop", "u-1"), 500);
        try {
          expect(await desk.program(sample.text, "ts")).toMatch(/1 given, 9999 left\n$/);
        } finally {
          clearInterval(claims);
        }
      },
    };
    await run("drop", {
      "Make it": desk.curls(201),
      "Fill it before": desk.curls(201),
      Rehearse: [desk.curls(409), desk.answers(), desk.curls(200)],
      "Watch it": [watches, seen, watchesInProgram],
      "When the breaker trips": [
        desk.curls(200, ({ body }) => expect(body["status"]).toBe("active")),
        desk.curls(200, ({ body }) => expect(body["status"]).toBe("paused")),
      ],
      "When it is too much": desk.prints(/^[2-9A-Z]{4}(-[2-9A-Z]{4}){2}\n$/),
      Afterwards: [
        desk.curls(200),
        desk.answers("available", "leased", "unprojected"),
        desk.curls(200),
      ],
    });
  });

  it("show a checkout that judges, holds, spends and gives back", async () => {
    await giveShownCode(FIFTEEN);
    await run("checkout", {
      "Judge a code": [desk.curls(200), desk.answers()],
      "Hold it": [desk.curls(201), desk.answers()],
      "Spend it": [desk.curls(201), desk.answers(), desk.curls(409), desk.answers()],
      "Give it back": desk.curls(200, ({ body }) => expect(body["status"]).toBe("rolled_back")),
      "In a program": desk.prints(/^4241\n$/),
    });
  });
});

describe("the reference", () => {
  it("has curls that the service understands", async () => {
    const document = new Document(JSON.parse(JSON.stringify(openApiDocument())) as OpenApi);
    desk.environment["OPERATOR_TOKEN"] = inject("operatorToken");
    // Ids in them are made up, so some things are not found; nothing is malformed.
    const curls = document.operations.map((operation) => {
      const [{ text } = { text: "" }] = samplesOf(document, operation);
      // A feed goes on.
      const limit = text.includes(" -N ") ? 1 : 30;
      const ending = `-sS --max-time ${limit} -o /dev/null -w '${operation.id} %{http_code}\\n'`;
      return `${desk.local(text)} ${ending}`;
    });
    const { out } = await desk.shell(curls.join("\n"));
    const statuses = out.trim().split("\n");
    expect(statuses).toHaveLength(document.operations.length);
    const wrong = statuses.filter((line) => !/ (2\d\d|404|409)$/.test(line));
    expect(wrong).toEqual([]);
  });
});
