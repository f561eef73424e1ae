/** The package in a partner site's page: its files, served by that site, claim across origins. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { RequestListener } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { SignJWT } from "jose";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { Codedrop } from "../../src/client/client.ts";
import { startBrowser, startSite } from "../support/browser.ts";
import type { claim, Offer, refusal } from "../support/package/page.ts";
import { install } from "../support/packed.ts";
import { prepared } from "../support/prepared.ts";
import { Runtime } from "../support/runtime.ts";

const ISSUER = "https://login.partner.example/";
const AUDIENCE = "codedrop";

const work = mkdtempSync(path.join(tmpdir(), "codedrop-client-"));
const project = path.join(work, "project");
const script = stripTypeScriptTypes(
  readFileSync(path.resolve(import.meta.dirname, "../support/package/page.ts"), "utf8"),
);
let runtime: Runtime;
let browser: Browser;
let site: { port: number; close: () => void };
let codedrop: Codedrop;
let offer: Offer;
let identitySecret: string;

/** Who is signed in at the site, and for how many seconds each token that it hands out is good. */
let user = "";
let lifetimes: number[] = [];

async function token(): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(user)
    .setIssuedAt(now - 900)
    .setExpirationTime(now + (lifetimes.shift() ?? 300))
    .sign(new TextEncoder().encode(identitySecret));
}

const HTML = `<!doctype html><title>Partner</title><link rel=icon href=data:,>
<script type=importmap>{ "imports": { "codedrop/client": "/client/client.js" } }</script>`;

const serve: RequestListener = (request, response) => {
  const address = request.url ?? "";
  const answer = (type: string, body: string) =>
    response.writeHead(200, { "Content-Type": `${type}; charset=utf-8` }).end(body);
  if (address === "/token") return void token().then((text) => answer("text/plain", text));
  if (address === "/page.js") return void answer("text/javascript", script);
  if (!address.startsWith("/client/")) return void answer("text/html", HTML);
  const file = path.join(project, "node_modules/codedrop/dist", address);
  answer("text/javascript", readFileSync(file, "utf8"));
};

beforeAll(async () => {
  const stateDir = path.join(work, "state");
  const folder = prepared(stateDir);
  await install(project, inject("tarball"));
  [runtime, browser, site] = await Promise.all([
    Runtime.start({ bundle: folder, stateDir }),
    startBrowser(),
    startSite(serve),
  ]);
  const baseUrl = runtime.address;
  const operator = new Codedrop({ baseUrl, key: runtime.operatorToken });
  const { keys } = await operator.brands.create({ name: "Packed" });
  codedrop = new Codedrop({ baseUrl, key: keys.secret });
  const identity = { issuer: ISSUER, audience: AUDIENCE, algorithm: "HS256" } as const;
  identitySecret = (await codedrop.brand.update({ identity })).identity?.secret ?? "";
  const campaign = await codedrop.campaigns.create({ name: "Page", reveal: "on_demand" });
  await codedrop.batches.create(campaign.id, { count: 3 });
  const { key } = await codedrop.keys.create({
    kind: "publishable",
    mode: "live",
    name: "Page",
    allowed_origins: [`http://localhost:${site.port}`],
  });
  offer = { baseUrl, key, campaign: campaign.slug };
});

afterAll(async () => {
  await browser.close();
  await runtime.kill();
  site.close();
  rmSync(work, { recursive: true, force: true });
});

/** A page of the site, what it sent to the service, and what went wrong in it. */
async function open(host = "localhost") {
  const page = await browser.newPage();
  const [sent, errors]: [string[], string[]] = [[], []];
  page.on("request", (request) => {
    const { pathname, origin } = new URL(request.url());
    if (origin === offer.baseUrl) sent.push(`${request.method()} ${pathname}`);
    else if (!request.url().startsWith(`http://${host}:`)) errors.push(request.url());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => errors.push(message.text()));
  await page.goto(`http://${host}:${site.port}/offers`);
  return { page, sent, errors };
}

/** Calls what page.ts exports, within the page. */
async function inPage<Call extends typeof claim | typeof refusal>(
  page: Page,
  name: "claim" | "refusal",
  asked: Offer,
): Promise<Awaited<ReturnType<Call>>> {
  const call = `import("/page.js").then((page) => page.${name}(${JSON.stringify(asked)}))`;
  return page.evaluate<Awaited<ReturnType<Call>>>(call);
}

describe("the package in a page of another origin", () => {
  it("sees the campaign, and gets and reveals one code, by a token for each call", async () => {
    const { page, sent, errors } = await open();
    user = "ann";
    const seen = await inPage<typeof claim>(page, "claim", offer);
    const { id } = seen.campaign;
    expect(seen.campaign).toMatchObject({ slug: offer.campaign, availability: "available" });
    expect(seen.reserved).toMatchObject({ campaign_id: id, user_id: "ann", code: null });
    expect(seen.revealed).toMatchObject({ id: seen.reserved.id, status: "claimed" });
    expect(seen.revealed.code).toMatch(/^(\w{4}-){2}\w{4}$/);
    expect(seen.again).toEqual(seen.revealed);
    expect(await codedrop.claims.get(seen.reserved.id)).toEqual(seen.revealed);
    expect(sent.filter((call) => !call.startsWith("OPTIONS"))).toEqual([
      `GET /v1/campaigns/${offer.campaign}`,
      `POST /v1/campaigns/${id}/claims`,
      `POST /v1/claims/${seen.reserved.id}/reveal`,
      `POST /v1/campaigns/${offer.campaign}/claims`,
    ]);
    expect(errors).toEqual([]);
    await page.close();
  });

  it("gets another token when the first has ended, and gives up when both have", async () => {
    const { page, sent } = await open();
    user = "bob";
    lifetimes = [-600, -600];
    expect(await inPage<typeof refusal>(page, "refusal", offer)).toBe("user-token-invalid, true");
    expect(sent.filter((call) => call.startsWith("POST")).length).toBe(2);
    lifetimes = [-600, 300];
    const seen = await inPage<typeof claim>(page, "claim", offer);
    expect(seen.revealed).toMatchObject({ user_id: "bob", status: "claimed" });
    expect(lifetimes).toEqual([]);
    await page.close();
  });

  it("reads why it is refused, where its browser lets it", async () => {
    user = "eve";
    const { page } = await open();
    const ended = await codedrop.campaigns.create({ name: "Over" });
    await codedrop.campaigns.end(ended.id);
    const over = { ...offer, campaign: ended.id };
    expect(await inPage<typeof refusal>(page, "refusal", over)).toBe("campaign-not-open, true");
    await page.close();
    const foreign = await open("evil.example");
    const read = inPage<typeof refusal>(foreign.page, "refusal", offer);
    await expect(read).rejects.toThrow("CodedropConnectionError");
    expect(foreign.sent).not.toContain(expect.stringMatching(/^POST/));
    await foreign.page.close();
  });
});
