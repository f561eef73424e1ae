/** `<codedrop-claim>` on a partner site's page in a real Chromium, under a strict CSP. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { SignJWT } from "jose";
import type { Browser, BrowserContext, Page, Route } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ASSETS_FOLDER } from "../../src/build/build.ts";
import { unique, type Brand } from "../support/api.ts";
import { axe, onePage, startSite, watch } from "../support/browser.ts";
import { FakeService } from "../support/fake-service.ts";
import type { Runtime } from "../support/runtime.ts";
import { holdScreenshots } from "../support/screenshots.ts";
import { openStage, type Stage } from "../support/stage.ts";

const ISSUER = "https://login.partner.example/";
const GZIP_MAX = 8 * 1024;

let turnstile: FakeService;
let stage: Stage;
let runtime: Runtime;
let browser: Browser;
let context: BrowserContext;
let site: { port: number; close: () => void };
let partner: string;
let brand: Brand;
let key: string;
let identitySecret: string;

beforeAll(async () => {
  turnstile = await FakeService.start();
  const vars = { TURNSTILE_VERIFY_URL: `${turnstile.url}/siteverify` };
  stage = await openStage(vars);
  ({ runtime, browser } = stage);
  const { address, api } = runtime;
  site = await startSite(
    onePage({
      html: `<!doctype html><html lang=en><meta name=color-scheme content="light dark">
      <title>Partner</title><script type=module src=${address}/widget.js></script><main><h1>Partner</h1></main>`,
      csp: `default-src 'none'; script-src ${address}; connect-src ${address}`,
    }),
  );
  partner = `http://localhost:${site.port}`;
  brand = await api.newBrand();
  const made = await api.send<{ key: string }>(brand.secret, "POST /v1/keys", {
    kind: "publishable",
    mode: "live",
    name: "Page",
    allowed_origins: [partner],
  });
  key = made.body.key;
  const profile = await api.send<{ identity: { secret: string } }>(
    brand.secret,
    "PATCH /v1/brand",
    { identity: { issuer: ISSUER, audience: "codedrop", algorithm: "HS256" } },
  );
  identitySecret = profile.body.identity.secret;
});

afterAll(async () => {
  await stage.close();
  await turnstile.stop();
  site.close();
});

/** A browser of its own for each test: nothing is remembered from another. */
beforeEach(async () => {
  context = await browser.newContext({ timezoneId: "UTC", permissions: ["clipboard-write"] });
  return () => context.close();
});

function tokenOf(user: string, lives = "5m"): Promise<string> {
  return new SignJWT({ email: `${user}@partner.example` })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(ISSUER)
    .setAudience("codedrop")
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime(lives)
    .sign(new TextEncoder().encode(identitySecret));
}

const newCampaign = (codes: number, fields: object = {}) =>
  runtime.api.newCampaign(brand, codes, fields);

interface Opened {
  page: Page;
  seen: ReturnType<typeof watch>;
  /** What the element dispatched, oldest first. */
  events: () => Promise<{ type: string; detail: Record<string, unknown> }[]>;
}

/** In the page: the element, and what it tells. */
const SETUP = `
  told = [];
  for (const type of ["sign-in", "challenge", "claimed", "revealed", "copied", "error"]) {
    addEventListener("codedrop-" + type, ({ detail }) => told.push({ type, detail }));
  }
  element = document.createElement("codedrop-claim");
`;

/** The partner's page with the element for a campaign, and its user if one is signed in. */
async function open(
  campaign: string,
  token: string | null,
  attributes: Record<string, string> = {},
): Promise<Opened> {
  const page = await context.newPage();
  const seen = watch(page, [partner, runtime.address]);
  await page.goto(partner);
  const all = JSON.stringify({ campaign, key, ...attributes });
  await page.evaluate(`${SETUP}
    for (const [name, value] of Object.entries(${all})) element.setAttribute(name, value);
    element.userToken = ${JSON.stringify(token)};
    document.querySelector("main").append(element);
    undefined;`);
  return { page, seen, events: () => page.evaluate("told") };
}

/** Sets a property of the element, as the page's own script would. */
const set = (page: Page, name: string, value: string | null) =>
  page.evaluate(`void (element[${JSON.stringify(name)}] = ${JSON.stringify(value)})`);

const button = (page: Page, name: string) => page.getByRole("button", { name });
const shows = (page: Page, said: string | RegExp) =>
  page.locator("section").getByText(said).waitFor();
const codeIn = async (page: Page) => (await page.locator("code").textContent()) ?? "";
const text = (page: Page) => page.locator("section").innerText();
const focused = (page: Page) =>
  page.evaluate<string | undefined>("element.shadowRoot.activeElement?.textContent");

/** Answers some calls for Codedrop; the others go on to it. */
async function answer(page: Page, route: string, reply: (call: Route) => Promise<void>) {
  await page.route(new RegExp(route), (call) =>
    call.request().method() === "POST" ? reply(call) : call.continue(),
  );
}

function problem(status: number, slug: string, headers: Record<string, string> = {}) {
  return {
    status,
    contentType: "application/problem+json",
    headers: {
      "Access-Control-Allow-Origin": partner,
      "Access-Control-Expose-Headers": "Retry-After",
      ...headers,
    },
    body: JSON.stringify({ type: `https://codedrop.example/problems/${slug}`, status }),
  };
}

it("weighs less than 8 KB", () => {
  const script = readFileSync(path.join(ASSETS_FOLDER, "widget.js"));
  expect(gzipSync(script, { level: 9 }).length).toBeLessThan(GZIP_MAX);
  expect(script.includes("import ")).toBe(false);
});

describe("a user's code", () => {
  it("is shown at a press, copied, and the same when they come back or open a second tab", async () => {
    const campaign = await newCampaign(3, {
      name: "Spring",
      discount: { type: "percentage", value: 12.5 },
      shop_url: "https://shop.example/spring",
    });
    const { page, seen, events } = await open(campaign, null);
    await shows(page, "12.5% off");
    await button(page, "Sign in").click();
    expect(await events()).toEqual([{ type: "sign-in", detail: {} }]);

    const token = await tokenOf("ann");
    await set(page, "userToken", token);
    await button(page, "Get my code").dblclick();
    await shows(page, /^Your code$/);
    const code = await codeIn(page);
    expect(code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(await focused(page)).toBe("Copy");
    expect(await page.getByRole("status").textContent()).toBe(`Your code: ${code}`);
    const shop = page.getByRole("link", { name: "Go to the shop" });
    expect(await shop.getAttribute("href")).toBe("https://shop.example/spring");
    await page.bringToFront();
    await button(page, "Copy").click();
    await button(page, "Copied").waitFor();
    expect(await page.getByRole("status").textContent()).toBe("Copied");
    await context.grantPermissions(["clipboard-read"]);
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(code);
    const told = await events();
    expect(told.map(({ type }) => type)).toEqual(["sign-in", "claimed", "revealed", "copied"]);
    expect(told[1]?.detail).toMatchObject({ campaignId: campaign, status: "claimed", isNew: true });
    expect(JSON.stringify(told)).not.toContain(code);

    const tab = await open(campaign, token);
    await button(tab.page, "Show my code").click();
    await shows(tab.page, "This code is already yours");
    expect(await codeIn(tab.page)).toBe(code);
    const kept = await page.evaluate(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }])",
    );
    for (const secret of [code, token, "ann"]) expect(kept).not.toContain(secret);
    expect((await runtime.api.integrity(brand, campaign)).claimed).toBe(1);
    for (const { errors, strangers } of [seen, tab.seen]) {
      expect([errors, strangers]).toEqual([[], []]);
    }
    // Nothing of the code is where a log, a referrer or a selector would find it.
    const attributes = await page.evaluate(`[...element.shadowRoot.querySelectorAll("*"), element]
      .flatMap((one) => [...one.attributes].map(({ value }) => value)).join(" ")`);
    expect(attributes).toContain("codebox");
    expect(attributes).not.toContain(code);
  });

  it("is claimed once when two tabs ask at once", async () => {
    const campaign = await newCampaign(3);
    const token = await tokenOf("ann");
    const tabs = await Promise.all([open(campaign, token), open(campaign, token)]);
    await Promise.all(tabs.map(({ page }) => button(page, "Get my code").click()));
    const codes = await Promise.all(tabs.map(({ page }) => codeIn(page)));
    expect(codes[0]).toBe(codes[1]);
    expect((await runtime.api.integrity(brand, campaign)).claimed).toBe(1);
  });

  it("of another user is gone when the user changes, and stays when only the token does", async () => {
    const campaign = await newCampaign(3);
    const { page } = await open(campaign, await tokenOf("ann"), { auto: "" });
    await shows(page, /^Your code$/);
    const code = await codeIn(page);
    await set(page, "userToken", await tokenOf("ann", "6m"));
    expect(await codeIn(page)).toBe(code);
    await page.evaluate(`element.removeAttribute("auto")`);
    await set(page, "userToken", await tokenOf("bob"));
    await button(page, "Get my code").waitFor();
    expect(await text(page)).not.toContain(code);
    await set(page, "userToken", null);
    await button(page, "Sign in").waitFor();
  });

  it("is given where consent is asked once it is given, by keyboard alone", async () => {
    const consent = { required: true, text: "The brand may write to me.", version: "3" };
    const campaign = await newCampaign(3, { consent });
    const { page, seen } = await open(campaign, await tokenOf("ann"));
    await button(page, "Get my code").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Get my code");
    await page.keyboard.press("Enter");
    await page.getByRole("checkbox", { name: "The brand may write to me." }).waitFor();
    expect(await page.getByRole("status").textContent()).toBe("Please agree first.");
    expect(
      await page.evaluate(`element.shadowRoot.querySelector("input").matches(":focus-visible")`),
    ).toBe(true);
    await page.keyboard.press("Space");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await button(page, "Copy").waitFor();
    expect(await focused(page)).toBe("Copy");
    await page.keyboard.press("Enter");
    await button(page, "Copied").waitFor();
    const [claim] = await runtime.api.listAll<{ consent: object; contact: object }>(
      brand.secret,
      `/v1/campaigns/${campaign}/claims`,
    );
    expect(claim).toMatchObject({
      consent: { share_contact: true, version: "3" },
      contact: { email: "ann@partner.example" },
    });
    expect(seen.errors).toEqual([]);
    // Whoever has a code has agreed.
    const again = await open(campaign, await tokenOf("ann"));
    await button(again.page, "Show my code").click();
    await shows(again.page, "This code is already yours");
  });

  it("that is revealed on demand is kept, shown at a second press, or lapses", async () => {
    const campaign = await newCampaign(3, { reveal: "on_demand" });
    const { page, events } = await open(campaign, await tokenOf("ann"));
    await button(page, "Get my code").click();
    await shows(page, /A code is kept for you until \w/);
    expect(await page.locator("code").count()).toBe(0);
    await answer(page, "/reveal$", (call) => call.fulfill(problem(409, "claim-lapsed")));
    await button(page, "Show my code").click();
    await shows(page, "Your code was not shown in time");
    await page.unrouteAll();
    await button(page, "Get my code").click();
    await button(page, "Show my code").click();
    await button(page, "Copy").waitFor();
    expect(await codeIn(page)).toMatch(/^[0-9A-Z-]{14}$/);
    const types = (await events()).map(({ type }) => type);
    expect(types).toEqual(["claimed", "error", "claimed", "claimed", "revealed"]);
  });

  it("is theirs by Codedrop's clock, however far ahead the browser's is", async () => {
    const late = await newCampaign(3, { reveal: "on_demand", code_lifetime_seconds: 3_600 });
    const { page } = await open(late, await tokenOf("ann"));
    await page.evaluate("{ const now = Date.now; Date.now = () => now() + 1e12; }");
    await button(page, "Get my code").click();
    await button(page, "Show my code").click();
    await button(page, "Copy").waitFor();
    expect(await text(page)).not.toContain("expired");
  });

  it("is told to be spent, expired or revoked", async () => {
    const { api } = runtime;
    const campaign = await newCampaign(9);
    const short = await newCampaign(3, { code_lifetime_seconds: 1 });
    const [spent, revoked] = await Promise.all(
      ["ann", "bob"].map(async (user) => (await api.claim(brand, campaign, user)).body.code),
    );
    await api.claim(brand, short, "cat");
    await api.send(brand.secret, "POST /v1/redemptions", { code: spent, order_id: unique("o") });
    await api.send(brand.secret, "POST /v1/codes/revoke", { codes: [revoked] });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    for (const [of, user, said] of [
      [campaign, "ann", "You have used this code."],
      [campaign, "bob", "This code is no longer valid."],
      [short, "cat", "This code has expired."],
    ] as const) {
      const { page } = await open(of, await tokenOf(user));
      await button(page, "Get my code").click();
      await shows(page, said);
      expect(await page.getByRole("button", { name: "Copy" }).count()).toBe(0);
      await page.close();
    }
  });

  it("expires before the eyes of whoever looks at it", async () => {
    const campaign = await newCampaign(3, { code_lifetime_seconds: 3 });
    const { page } = await open(campaign, await tokenOf("ann"), { auto: "" });
    await shows(page, /^Use it by/);
    await shows(page, "This code has expired.");
  });
});

describe("a campaign that gives none", () => {
  it("says why, and still shows a holder their code", async () => {
    const { api } = runtime;
    const start = "2099-01-01T10:00:00.000Z";
    const cases: [string, string][] = [
      [await newCampaign(1), "All codes are gone."],
      [await newCampaign(2), "This offer is not open right now."],
      [await newCampaign(2), "This offer has ended."],
      [await newCampaign(2, { starts_at: start }), "Starts 1 Jan 2099, 10:00"],
    ];
    const codes = await Promise.all(
      cases.slice(0, 3).map(async ([id]) => (await api.claim(brand, id, "ann")).body.code),
    );
    await api.send(brand.secret, `POST /v1/campaigns/${cases[1]?.[0]}/pause`);
    await api.send(brand.secret, `POST /v1/campaigns/${cases[2]?.[0]}/end`);
    for (const [i, [campaign, said]] of cases.entries()) {
      const { page, events } = await open(campaign, await tokenOf("bob"), { lang: "en-GB" });
      await shows(page, said);
      await button(page, "Show my code").click();
      await expect.poll(events).toHaveLength(1);
      expect(await page.locator("code").count()).toBe(0);
      await page.close();
      const code = codes[i];
      if (code === undefined) continue;
      const holder = await open(campaign, await tokenOf("ann"));
      await button(holder.page, "Show my code").click();
      await shows(holder.page, "This code is already yours");
      expect(await codeIn(holder.page)).toBe(code);
      await holder.page.close();
    }
  });

  it("opens by itself when its time has come", async () => {
    const starts = new Date(Date.now() + 4_000).toISOString();
    const campaign = await newCampaign(2, { starts_at: starts });
    const { page } = await open(campaign, await tokenOf("ann"));
    await page
      .getByText(/^Starts/)
      .first()
      .waitFor();
    await button(page, "Get my code").click({ timeout: 10_000 });
    await button(page, "Copy").waitFor();
  });

  it("that ran out or was paused since the page was opened says so", async () => {
    const { api } = runtime;
    const [gone, paused] = [await newCampaign(1), await newCampaign(1)];
    const token = await tokenOf("bob");
    const first = await open(gone, token);
    await button(first.page, "Get my code").waitFor();
    await api.claim(brand, gone, "ann");
    await button(first.page, "Get my code").click();
    await shows(first.page, "All codes are gone.");
    const second = await open(paused, token);
    await button(second.page, "Get my code").waitFor();
    await api.send(brand.secret, `POST /v1/campaigns/${paused}/pause`);
    await button(second.page, "Get my code").click();
    await shows(second.page, "This offer is not open right now.");
  });
});

describe("a call that fails", () => {
  it("is made again by the same key, until the user is asked", async () => {
    const campaign = await newCampaign(3);
    const { page, events } = await open(campaign, await tokenOf("ann"));
    const keys: (string | undefined)[] = [];
    let fails = 3;
    await answer(page, "/claims$", async (call) => {
      keys.push(call.request().headers()["idempotency-key"]);
      fails -= 1;
      if (fails >= 2) await call.fulfill(problem(503, "pool-overloaded", { "Retry-After": "1" }));
      else if (fails >= 0) await call.abort();
      else await call.continue();
    });
    await button(page, "Get my code").click();
    await button(page, "Many are asking").waitFor();
    await button(page, "Copy").waitFor();
    expect([keys.length, new Set(keys).size]).toEqual([4, 1]);
    expect((await events()).map(({ type }) => type)).toEqual(["claimed", "revealed"]);

    const other = await open(campaign, await tokenOf("bob"));
    const slow = problem(429, "rate-limited", { "Retry-After": "60" });
    await answer(other.page, "/claims$", (call) => call.fulfill(slow));
    await button(other.page, "Get my code").click();
    await shows(other.page, "Nothing is lost");
    expect(await focused(other.page)).toBe("Try again");
    expect(await other.events()).toMatchObject([
      { type: "error", detail: { slug: "rate-limited", status: 429 } },
    ]);
    await other.page.unrouteAll();
    await button(other.page, "Try again").click();
    await button(other.page, "Copy").waitFor();
    expect((await runtime.api.integrity(brand, campaign)).claimed).toBe(2);
  });

  it("for a token that is refused is made once more with a new one", async () => {
    const campaign = await newCampaign(3);
    const { page, events } = await open(campaign, null);
    const give = (tokens: (string | null)[]) =>
      page.evaluate(`{
        const left = ${JSON.stringify(tokens)};
        element.getUserToken = async () => (left.length > 1 ? left.shift() : left[0]);
      }`);
    const old = await tokenOf("ann", "-5m");
    await give([old, old, await tokenOf("ann")]);
    await button(page, "Get my code").click();
    await button(page, "Copy").waitFor();
    expect((await events()).filter(({ type }) => type === "error")).toEqual([]);
    await give([old]);
    await button(page, "Show my code").click();
    await button(page, "Sign in").waitFor();
    expect((await events()).at(-1)).toMatchObject({ detail: { slug: "user-token-invalid" } });
  });

  it("is tried again where the page could not get its token", async () => {
    const campaign = await newCampaign(3);
    const { page, events } = await open(campaign, null);
    const token = await tokenOf("ann");
    await page.evaluate(`{
      let asked = 0;
      element.getUserToken = async () => {
        asked += 1;
        if (asked === 2) throw new TypeError("Failed to fetch");
        return ${JSON.stringify(token)};
      };
    }`);
    await button(page, "Get my code").click();
    await shows(page, "That did not work. Nothing is lost.");
    expect((await events()).at(-1)).toMatchObject({ detail: { slug: "user-token-unavailable" } });
    await button(page, "Try again").click();
    await button(page, "Copy").waitFor();
  });

  it("by a secret key, or from a page that the key does not list, shows nothing", async () => {
    const { page, events } = await open(await newCampaign(1), await tokenOf("ann"), {
      key: brand.secret,
    });
    const calls: string[] = [];
    page.on("request", (request) => calls.push(request.url()));
    await shows(page, "This offer cannot be shown here.");
    expect((await events())[0]?.detail).toMatchObject({ slug: "secret-key-in-browser" });
    expect(calls).toEqual([]);
    const rival = await runtime.api.newBrand();
    const other = await open(await newCampaign(1), null, { key: rival.publishable });
    await shows(other.page, "This offer cannot be shown here.");
    expect((await other.events())[0]?.detail).toMatchObject({ slug: "origin-not-allowed" });
  });
});

describe("a campaign with a challenge", () => {
  it("asks the page for its token, and for a new one when that was refused", async () => {
    const challenge = { type: "turnstile", site_key: "0x4AAA", secret: "of-the-challenge" };
    const campaign = await newCampaign(3, { challenge });
    const { page, seen, events } = await open(campaign, await tokenOf("ann"));
    await button(page, "Get my code").click();
    await shows(page, "Please complete the check first.");
    const asked = { type: "turnstile", siteKey: "0x4AAA", action: "claim" };
    expect((await events()).map(({ detail }) => detail)).toEqual([asked, asked]);
    await page.evaluate(`element.challengeToken = async () => { throw new Error("of the page"); }`);
    await button(page, "Get my code").click();
    await expect.poll(async () => (await events()).length).toBe(3);
    await shows(page, "Please complete the check first.");
    turnstile.on("POST /siteverify", { json: { success: false, "error-codes": ["x"] } });
    await set(page, "challengeToken", "wrong");
    await button(page, "Get my code").click();
    await expect.poll(async () => (await events()).length).toBe(5);
    expect((await events()).at(-1)?.detail).toEqual(asked);
    const passed = { success: true, hostname: "localhost", action: "claim" };
    turnstile.on("POST /siteverify", { json: passed });
    await set(page, "challengeToken", "right");
    await button(page, "Get my code").click();
    await button(page, "Copy").waitFor();
    expect(seen.strangers).toEqual([]);
  });
});

describe("a hostile brand", () => {
  it("does no harm by a name, a text or an address", async () => {
    const evil = `<img src=x onerror="document.title='hit'"><script>document.title='hit'</script>`;
    const campaign = await newCampaign(3, {
      name: evil,
      discount: { type: "other", description: evil },
      consent: { required: false, text: evil, version: "1" },
    });
    const { page, seen } = await open(campaign, await tokenOf("ann"));
    await answer(page, "/claims$", async (call) => {
      const real = await call.fetch();
      const claim = (await real.json()) as object;
      await call.fulfill({
        response: real,
        json: { ...claim, code: evil, shop_url: "javascript:document.title='hit'" },
      });
    });
    await button(page, "Get my code").click();
    await button(page, "Copy").waitFor();
    expect(await codeIn(page)).toBe(evil);
    expect(await page.locator("a, img, script[src='x']").count()).toBe(0);
    expect([await page.title(), seen.errors]).toEqual(["Partner", []]);
    for (const [url, isLinked] of [
      ["http://localhost:1/shop", true],
      ["http://shop.example/", false],
      ["data:text/html,hit", false],
      ["https://shop.example/", true],
    ] as const) {
      const other = await open(campaign, await tokenOf("bob"));
      await answer(other.page, "/claims$", async (call) => {
        const real = await call.fetch();
        const claim = (await real.json()) as object;
        await call.fulfill({ response: real, json: { ...claim, shop_url: url } });
      });
      await other.page.getByRole("button").first().click();
      await button(other.page, "Copy").waitFor();
      expect([url, await other.page.locator("a").count()]).toEqual([url, isLinked ? 1 : 0]);
      await other.page.close();
    }
  });
});

/** A Codedrop of few words: what it answers about each campaign of the gallery. */
const VIEW = {
  status: "active",
  discount: { type: "percentage", value: 15 },
  starts_at: null,
  ends_at: null,
  availability: "available",
  consent: null,
  challenge: null,
  shop_url: null,
};
const CLAIM = {
  id: "clm_1",
  code: "K7QF-3MWD-9RTX",
  status: "claimed",
  reveal_by: null,
  expires_at: null,
  shop_url: "https://shop.example/",
};
const YEAR_2099 = "2099-03-01T18:30:00.000Z";
const CONSENT = "Acme may write to me about its shop. I can take that back at any time.";

interface Frame {
  view?: object;
  /** Is claimed at once; a number is a problem's status. */
  claim?: object | number;
  isSignedOut?: boolean;
  press?: string;
  state: string;
  lang?: string;
}

const OFFER = { type: "fixed_amount", value: 500, currency: "EUR", minimum_order_amount: 2_550 };
const GALLERY: Record<string, Frame> = {
  Loading: { view: { isSilent: true }, state: "loading" },
  "Signed out": { isSignedOut: true, view: { availability: "low" }, state: "signed-out" },
  Ready: { view: { discount: OFFER, ends_at: YEAR_2099 }, state: "ready" },
  "Almost gone": { view: { availability: "low" }, state: "ready" },
  Consent: {
    view: { consent: { required: true, text: CONSENT, version: "1" } },
    press: "Get my code",
    state: "ready",
  },
  Challenge: {
    view: { challenge: { type: "turnstile", site_key: "0x4" } },
    press: "Get my code",
    state: "ready",
  },
  Working: { claim: { isSilent: true }, state: "working" },
  Reserved: { claim: { code: null, status: "reserved", reveal_by: YEAR_2099 }, state: "reserved" },
  Lapsed: { claim: { code: null, status: "lapsed" }, state: "lapsed" },
  Revealed: { claim: { isNew: true, expires_at: YEAR_2099 }, state: "revealed" },
  "Already yours": { claim: { shop_url: null }, state: "yours" },
  Redeemed: { claim: { status: "redeemed" }, state: "redeemed" },
  Expired: { claim: { status: "expired" }, state: "expired" },
  Revoked: { claim: { status: "revoked" }, state: "revoked" },
  Exhausted: { view: { availability: "exhausted" }, state: "exhausted" },
  "Not started": { view: { starts_at: YEAR_2099 }, isSignedOut: true, state: "not-started" },
  Paused: { view: { status: "paused" }, state: "paused" },
  Ended: { view: { status: "ended" }, state: "ended" },
  Failed: { claim: 429, state: "error" },
  Unavailable: { claim: 403, state: "error" },
  Deutsch: {
    lang: "de-AT",
    view: { discount: { type: "free_shipping" } },
    claim: { isNew: true, expires_at: YEAR_2099 },
    state: "revealed",
  },
  "A very long name that some brand gave its campaign, for reasons that it has not told anyone": {
    claim: { isNew: true, code: "SOME-BRANDS-HAVE-CODES-THAT-ARE-LONGER-THAN-A-PHONE-IS-WIDE" },
    state: "revealed",
  },
};

async function play(call: Route): Promise<void> {
  const request = call.request();
  const headers = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*, authorization",
  };
  if (request.method() === "OPTIONS") return call.fulfill({ status: 204, headers });
  const name = decodeURIComponent(/campaigns\/([^/]+)/.exec(request.url())?.[1] ?? "");
  const { view = {}, claim = {} } = GALLERY[name] ?? {};
  const isClaim = request.method() === "POST";
  if (typeof claim === "number" && isClaim) {
    const refused = problem(claim, "some-problem", { "Retry-After": "60" });
    return call.fulfill(refused);
  }
  const body = isClaim
    ? { campaign_id: "cmp_1", ...CLAIM, ...(claim as object) }
    : { id: "cmp_1", name, ...VIEW, ...view };
  if ("isSilent" in body) return;
  const status = "isNew" in body ? 201 : 200;
  return call.fulfill({ status, headers, contentType: "application/json", json: body });
}

describe("every state", () => {
  it("is without a violation that axe finds, and looks as it did, light and dark", async () => {
    await context.route(`${runtime.address}/v1/**`, play);
    const page = await context.newPage();
    const seen = watch(page, [partner, runtime.address]);
    await page.goto(partner);
    await page.evaluate(`{
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("main { display: flex; flex-wrap: wrap; gap: 16px; align-items: start } " +
        "body { font: 16px/1.5 sans-serif; margin: 16px } h1 { flex: 0 0 100%; margin: 0 } codedrop-claim { flex: 1 1 300px }");
      document.adoptedStyleSheets = [sheet];
      const main = document.querySelector("main");
      for (const [name, frame] of Object.entries(${JSON.stringify(GALLERY)})) {
        const element = document.createElement("codedrop-claim");
        const { lang = "en-GB", isSignedOut = false, claim } = frame;
        const attributes = { campaign: name, key: "cdp_live_x", lang, id: name };
        for (const [one, value] of Object.entries(attributes)) element.setAttribute(one, value);
        if (claim !== undefined) element.setAttribute("auto", "");
        element.userToken = isSignedOut ? null : "a.e30.b";
        main.append(element);
      }
    }`);
    for (const [name, { state, press }] of Object.entries(GALLERY)) {
      const element = page.locator(`[id=${JSON.stringify(name)}]`);
      const current = () =>
        element.evaluate<string, unknown>((one) => (one as { state: string }).state);
      await expect.poll(async () => [name, await current()]).toEqual([name, state]);
      if (press !== undefined) await element.getByRole("button", { name: press }).click();
    }
    await page.evaluate("document.activeElement.blur()");
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect([colorScheme, await axe(page)]).toEqual([colorScheme, []]);
    }
    await holdScreenshots(page, "widget");
    const heights = await page.evaluate<number[]>(`[...document.querySelectorAll("codedrop-claim")]
      .flatMap((one) => [...one.shadowRoot.querySelectorAll("button, a, label")])
      .map((one) => one.getBoundingClientRect().height)`);
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(44);
    const told = seen.errors.filter((error) => !/status of (429|403)/.test(error));
    expect([told, seen.strangers]).toEqual([[], []]);
  });

  it("takes the page's own words and colours, and the words of another language", async () => {
    await context.route(`${runtime.address}/v1/**`, play);
    const { page } = await open("Ready", "a.e30.b", { lang: "fr" });
    await page.getByText("€").first().waitFor();
    await page.evaluate(`element.texts = { get: "Prends $& {0}" };
      element.style.setProperty("--codedrop-accent", "rgb(1, 2, 3)");`);
    await button(page, "Prends $&").waitFor();
    const colour = await page.evaluate(
      `getComputedStyle(element.shadowRoot.querySelector("button")).backgroundColor`,
    );
    expect(colour).toBe("rgb(1, 2, 3)");
    expect(await page.locator("[part=offer]").textContent()).toMatch(/^5\s€ off$/);
  });

  it("stays as it is without motion, and has its bounds where colours are forced", async () => {
    await context.route(`${runtime.address}/v1/**`, play);
    const { page } = await open("Working", "a.e30.b", { auto: "" });
    await button(page, "Getting your code").waitFor();
    const moves = () => page.evaluate("element.shadowRoot.getAnimations().length");
    expect(await moves()).toBe(1);
    await page.emulateMedia({ reducedMotion: "reduce", forcedColors: "active" });
    expect(await moves()).toBe(0);
    const border = await page.evaluate(
      `getComputedStyle(element.shadowRoot.querySelector("button")).borderTopWidth`,
    );
    expect(border).toBe("1px");
  });
});
