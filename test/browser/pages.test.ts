/** A partner site's page in a real Chromium: who may claim, and what the others get to read. */

import { SignJWT } from "jose";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Brand } from "../support/api.ts";
import { startSite, watch } from "../support/browser.ts";
import type { Runtime } from "../support/runtime.ts";
import { samplesOf } from "../support/samples.ts";
import { openStage, type Stage } from "../support/stage.ts";

const ISSUER = "https://login.partner.example/";
const AUDIENCE = "codedrop";

const sites: { port: number; close: () => void }[] = [];
let stage: Stage;
let runtime: Runtime;
let browser: Browser;
let brand: Brand;
let campaign: string;
let key: string;
let identitySecret: string;
/** Origins of the pages: one that the key lists, one that another brand's key lists. */
let partner: string;
let foreign: string;

beforeAll(async () => {
  stage = await openStage();
  ({ runtime, browser } = stage);
  sites.push(await startSite(), await startSite());
  partner = `http://localhost:${sites[0]?.port}`;
  foreign = `http://localhost:${sites[1]?.port}`;
  const { api } = runtime;
  brand = await api.newBrand();
  campaign = await api.newCampaign(brand, 100, {
    consent: { required: true, text: "The brand may know me.", version: "1" },
  });
  key = await publishableKey(brand, partner);
  await publishableKey(await api.newBrand(), foreign);
  const profile = await api.send<{ identity: { secret: string } }>(
    brand.secret,
    "PATCH /v1/brand",
    { identity: { issuer: ISSUER, audience: AUDIENCE, algorithm: "HS256" } },
  );
  identitySecret = profile.body.identity.secret;
});

afterAll(async () => {
  await stage.close();
  for (const site of sites) site.close();
});

async function publishableKey(of: Brand, origin: string): Promise<string> {
  const made = await runtime.api.send<{ key: string }>(of.secret, "POST /v1/keys", {
    kind: "publishable",
    mode: "live",
    name: "Page",
    allowed_origins: [origin],
  });
  return made.body.key;
}

function tokenOf(user: string): Promise<string> {
  return new SignJWT({ email: `${user}@partner.example`, name: "Ann" })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(new TextEncoder().encode(identitySecret));
}

/** What a page gets to read; null when its browser tells it nothing. */
interface Read {
  status: number;
  body: Record<string, unknown>;
  requestId: string | null;
}

interface Ask {
  url: string;
  init: { method: string; headers: Record<string, string>; body: string | null };
}

async function claimAsk(user: string, bearer = key): Promise<Ask> {
  return {
    url: `${runtime.address}/v1/campaigns/${campaign}/claims`,
    init: {
      method: "POST",
      headers: {
        Authorization: `Bearer ${bearer}`,
        "Content-Type": "application/json",
        "Codedrop-User-Token": await tokenOf(user),
        "Idempotency-Key": `claim-of-${user}`,
      },
      body: JSON.stringify({ consent: { share_contact: true, version: "1" } }),
    },
  };
}

/** Fetches from within the page, as its own script would. */
function readIn(page: Page, ask: Ask): Promise<Read | null> {
  return page.evaluate(async ({ url, init }) => {
    try {
      const answer = await fetch(url, init);
      const body = (await answer.json()) as Record<string, unknown>;
      return { status: answer.status, body, requestId: answer.headers.get("X-Request-Id") };
    } catch {
      return null;
    }
  }, ask);
}

async function open(origin: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${origin}/offers`);
  return page;
}

const claims = async () =>
  (await runtime.api.listAll(brand.secret, `/v1/campaigns/${campaign}/claims`)).length;
const slugOf = (read: Read | null) => String(read?.body["type"]).split("/").at(-1);

describe("a page of an origin that the key lists", () => {
  it("sees the campaign and claims a code, the same again after a reload", async () => {
    const page = await open(partner);
    const view = await readIn(page, {
      url: `${runtime.address}/v1/campaigns/${campaign}`,
      init: { method: "GET", headers: { Authorization: `Bearer ${key}` }, body: null },
    });
    expect(view).toMatchObject({
      status: 200,
      body: { availability: "available", consent: { text: "The brand may know me." } },
    });
    const first = await readIn(page, await claimAsk("ann"));
    expect(first).toMatchObject({ status: 201, body: { user_id: "ann", status: "claimed" } });
    expect(first?.requestId).toMatch(/^[\w-]{16,}$/);
    await page.reload();
    const again = await claimAsk("ann");
    again.init.headers["Idempotency-Key"] = "another";
    expect(await readIn(page, again)).toMatchObject({
      status: 200,
      body: { code: first?.body["code"] },
    });
    await page.close();
  });

  it("reads each problem that it is answered", async () => {
    const page = await open(partner);
    const noConsent = await claimAsk("bob");
    noConsent.init.body = "{}";
    expect(slugOf(await readIn(page, noConsent))).toBe("consent-required");
    const forged = await claimAsk("bob");
    forged.init.headers["Codedrop-User-Token"] += "x";
    expect(slugOf(await readIn(page, forged))).toBe("user-token-invalid");
    const wrongKey = await claimAsk("bob", `${key.slice(0, -1)}_`);
    expect(slugOf(await readIn(page, wrongKey))).toBe("unauthenticated");
    await page.close();
  });

  it("that holds a secret key is refused, and reads why", async () => {
    const page = await open(partner);
    const before = await claims();
    const read = await readIn(page, await claimAsk("eve", brand.secret));
    expect([read?.status, slugOf(read)]).toEqual([403, "secret-key-in-browser"]);
    expect(await claims()).toBe(before);
    await page.close();
  });
});

describe("the README's element", () => {
  it("gives its user a code", async () => {
    const sample = samplesOf("README.md").find(({ language }) => language === "html");
    const page = await browser.newPage();
    let markup = "";
    const site = await startSite((request, response) => {
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      if (request.url === "/codedrop-token")
        void tokenOf("carol").then((token) => response.end(token));
      else response.end(`<!doctype html><link rel=icon href=data:,>${markup}`);
    });
    sites.push(site);
    const origin = `http://localhost:${site.port}`;
    const free = await runtime.api.newCampaign(brand, 3);
    markup = (sample?.text ?? "")
      .replace("http://localhost:8787", runtime.address)
      .replace("cdp_live_…", await publishableKey(brand, origin))
      .replace("welcome", free);
    const { errors } = watch(page, [origin, runtime.address]);
    await page.goto(origin);
    await page.getByRole("button", { name: "Get my code" }).click();
    await page.getByRole("button", { name: "Copy" }).waitFor();
    const held = await runtime.api.listAll(brand.secret, `/v1/campaigns/${free}/claims`);
    expect(held).toMatchObject([{ user_id: "carol" }]);
    expect(errors).toEqual([]);
    await page.close();
  });
});

describe("a page of another origin", () => {
  it("that another brand's key lists is refused, and reads why", async () => {
    const page = await open(foreign);
    const before = await claims();
    const read = await readIn(page, await claimAsk("eve"));
    expect([read?.status, slugOf(read)]).toEqual([403, "origin-not-allowed"]);
    expect(await claims()).toBe(before);
    await page.close();
  });

  it("that nobody lists is stopped by its own browser, before any key is sent", async () => {
    const before = await claims();
    for (const host of ["localhost.evil.example", "evillocalhost", "shop.example"]) {
      const page = await open(`http://${host}:${sites[0]?.port}`);
      const sent: string[] = [];
      page.on("requestfinished", (request) => sent.push(request.method()));
      expect([host, await readIn(page, await claimAsk("eve"))]).toEqual([host, null]);
      expect(sent).not.toContain("POST");
      await page.close();
    }
    expect(await claims()).toBe(before);
  });

  it("`null`, as in a sandboxed frame, is stopped in the same way", async () => {
    const page = await open(partner);
    const before = await claims();
    const ask = await claimAsk("eve");
    const frame = `<script>
      fetch(${JSON.stringify(ask.url)}, ${JSON.stringify(ask.init)})
        .then((answer) => answer.status, () => "nothing")
        .then((read) => parent.postMessage(read, "*"));
    </script>`;
    const told = await page.evaluate<unknown>(`new Promise((resolve) => {
      addEventListener("message", ({ data, origin }) => resolve({ data, origin }));
      const frame = document.createElement("iframe");
      frame.sandbox.add("allow-scripts");
      frame.srcdoc = ${JSON.stringify(frame).replaceAll("</", "<\\/")};
      document.body.append(frame);
    })`);
    expect(told).toEqual({ data: "nothing", origin: "null" });
    expect(await claims()).toBe(before);
    await page.close();
  });
});
