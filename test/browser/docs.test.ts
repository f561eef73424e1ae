/** The documentation in a real Chromium: read, searched, and calls tried from it. */

import { readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { SignJWT } from "jose";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Brand } from "../support/api.ts";
import { axe, watch } from "../support/browser.ts";
import type { Runtime } from "../support/runtime.ts";
import { samplesOf } from "../support/samples.ts";
import { holdScreenshots } from "../support/screenshots.ts";
import { THOROUGHLY } from "../support/thoroughly.ts";
import { openStage, type Stage } from "../support/stage.ts";

const root = path.resolve(import.meta.dirname, "../..");
const GUIDES = readdirSync(path.join(root, "src/pages/docs/guides")).map(
  (file) => `/docs/${path.parse(file).name}`,
);
const REFERENCE = "/docs/reference";
const PAGES = ["/docs", ...GUIDES, REFERENCE];
const SCHEMES = ["light", "dark"] as const;
const WIDTHS = [1280, 375];
/** Where the samples say that the service is. */
const ADDRESS = "http://localhost:8787";

let stage: Stage;
let runtime: Runtime;
let browser: Browser;
let brand: Brand;
let context: BrowserContext;
let page: Page;
let seen: ReturnType<typeof watch>;

beforeAll(async () => {
  stage = await openStage();
  ({ runtime, browser } = stage);
  brand = await runtime.api.newBrand();
});

afterAll(async () => {
  await stage.close();
});

beforeEach(async () => {
  context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  context.setDefaultTimeout(15_000);
  page = await context.newPage();
  seen = watch(page, [runtime.address]);
});

afterEach(async () => {
  await context.close();
  // The browser's own note of an answer that is a problem is none of the page's.
  const errors = seen.errors.filter((error) => !error.startsWith("Failed to load resource"));
  const faults = [...errors, ...seen.strangers];
  if (faults.length > 0) throw new Error(faults.join("\n"));
});

const open = (place: string) => page.goto(runtime.address + place);

/** Takes all other calls out of the reference, so that axe has less to look through. */
const leaveOnly = (id: string) =>
  page.evaluate(`for (const other of document.querySelectorAll("[data-operation]:not(#${id})")) {
    other.remove();
  }`);

const overflow = () =>
  page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");

/** The samples as on every machine, whatever port the service has. */
const useShownAddress = () =>
  page.evaluate(`{
    for (const code of document.querySelectorAll("pre code")) {
      const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
      for (let text = walker.nextNode(); text !== null; text = walker.nextNode()) {
        text.nodeValue = text.nodeValue.replaceAll("${runtime.address}", "${ADDRESS}");
      }
    }
  }`);

describe("every page", () => {
  it.each(PAGES)("%s has no violation and fits, light and dark, wide and narrow", async (place) => {
    await open(place);
    for (const [i, width] of WIDTHS.entries()) {
      await page.setViewportSize({ width, height: 800 });
      if (place === REFERENCE && !THOROUGHLY) await leaveOnly("createClaim");
      for (const colorScheme of THOROUGHLY ? SCHEMES : SCHEMES.slice(i, i + 1)) {
        await page.emulateMedia({ colorScheme });
        const found = [width, colorScheme, await overflow(), await axe(page)];
        expect(found).toEqual([width, colorScheme, 0, []]);
      }
      // Its calls are alike and many: on a phone one is looked at.
      if (place === REFERENCE && THOROUGHLY) await leaveOnly("createClaim");
    }
  });

  it("leads somewhere with every link, and is complete without its script", async () => {
    const still = await browser.newContext({ javaScriptEnabled: false });
    const reader = await still.newPage();
    seen = watch(reader, [runtime.address]);
    const ids = new Map<string, Set<string>>();
    const links: [from: string, to: string][] = [];
    for (const place of PAGES) {
      await reader.goto(runtime.address + place);
      const [names, hrefs] = await Promise.all([
        reader.locator("[id]").evaluateAll((all) => all.map(({ id }) => id)),
        reader
          .locator("a[href]")
          .evaluateAll((all) => all.map((a) => String((a as { href?: string }).href))),
      ]);
      ids.set(place, new Set(names));
      for (const href of new Set(hrefs)) links.push([place, href]);
      expect(await reader.locator("h1").count()).toBe(1);
    }
    const calls = await reader.locator("[data-operation]").count();
    expect(calls).toBeGreaterThan(60);
    await still.close();
    const asked = new Map<string, number>();
    const wrong: string[] = [];
    for (const [from, href] of links) {
      const url = new URL(href);
      if (url.origin !== runtime.address) {
        if (url.protocol !== "https:") wrong.push(`${from} → ${href}`);
        continue;
      }
      const known = asked.get(url.pathname) ?? (await fetch(url)).status;
      asked.set(url.pathname, known);
      const anchor = decodeURIComponent(url.hash.slice(1));
      const isThere = anchor === "" || ids.get(url.pathname)?.has(anchor) === true;
      if (known !== 200 || !isThere) wrong.push(`${from} → ${href}`);
    }
    expect(wrong).toEqual([]);
    expect(asked.size).toBeGreaterThan(20);
  });

  it("is reached, and its menu used, by the keyboard alone", async () => {
    await page.setViewportSize({ width: 375, height: 800 });
    await open("/docs/start");
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").textContent()).toBe("Skip to the text");
    await page.keyboard.press("Enter");
    expect(await page.locator("main:focus").count()).toBe(1);
    await page.locator(".menu-button").focus();
    await page.keyboard.press("Enter");
    await page.locator("#menu").waitFor({ state: "visible" });
    await page.keyboard.press("Tab");
    expect(await page.locator("#menu :focus").textContent()).toBe("Overview");
    await page.keyboard.press("Escape");
    await page.locator("#menu").waitFor({ state: "hidden" });
    await page.keyboard.press("Enter");
    await page.locator("#menu a", { hasText: "Verify a webhook" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL("**/docs/webhooks");
  });

  it("copies a sample as it runs here", async () => {
    await open("/docs/start");
    await page.locator(".copy").nth(2).focus();
    await page.keyboard.press("Enter");
    await page.locator(".copy", { hasText: "Copied" }).waitFor();
    const copied = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(copied).toContain(`curl -X POST ${runtime.address}/v1/campaigns \\\n`);
  });
});

describe("the reference", () => {
  it("finds a call by its words, and says where none is", async () => {
    await open("/docs/reference");
    const shown = page.locator("[data-operation]:visible");
    const all = await shown.count();
    await page.getByLabel("Find a call").fill("reveal claim");
    expect(await shown.evaluateAll((some) => some.map(({ id }) => id))).toEqual(["revealClaim"]);
    expect(await page.locator("[data-for]:visible").count()).toBe(1);
    await page.getByLabel("Find a call").fill("nothing of that name");
    expect(await shown.count()).toBe(0);
    expect(await page.locator("[data-nothing]").isVisible()).toBe(true);
    await page.getByLabel("Find a call").fill("");
    expect(await shown.count()).toBe(all);
  });

  it("keeps the language of the samples that was chosen", async () => {
    await open("/docs/reference#createClaim");
    const call = page.locator("#createClaim");
    expect(await call.locator("pre:visible").textContent()).toContain("curl -X POST");
    await call.getByLabel("Language of the sample").selectOption("codedrop/client");
    expect(await call.locator("pre:visible").textContent()).toContain("codedrop.claims.create");
    await page.reload();
    expect(await page.locator("#createHold pre:visible").textContent()).toContain("holds.create");
  });

  it("can be tried where nothing may be stored, under any address", async () => {
    await page.addInitScript(`Object.defineProperty(window, "localStorage", {
      get() { throw new DOMException("no", "SecurityError"); },
    })`);
    await open("/docs/reference#%");
    const call = page.locator("#createHold");
    await call.getByLabel("Language of the sample").selectOption("codedrop/client");
    expect(await call.locator("pre:visible").textContent()).toContain("holds.create");
    expect(await call.getByRole("button", { name: "Try it" }).count()).toBe(1);
  });

  it("lists every call of the document with its fields", async () => {
    const { body } = await runtime.api.send<{
      paths: Record<string, Record<string, { operationId: string }>>;
    }>(null, "GET /openapi.json");
    const calls = Object.values(body.paths).flatMap((methods) => Object.values(methods));
    await open("/docs/reference");
    const ids = await page
      .locator("[data-operation]")
      .evaluateAll((all) => all.map(({ id }) => id));
    const missing = calls.filter(({ operationId }) => !ids.includes(operationId));
    expect(missing).toEqual([]);
    const made = page.locator("#createCampaign");
    expect(await made.getByText("code_lifetime_seconds").count()).toBeGreaterThan(0);
    expect(await made.getByText("1–315,360,000").count()).toBeGreaterThan(0);
  });
});

/** The form of a call, opened. */
async function form(id: string) {
  await page.locator(`#${id}`).getByRole("button", { name: "Try it" }).click();
  const opened = page.locator(`#${id} .try-it`);
  await opened.waitFor();
  return opened;
}

async function signIn(id: string) {
  const call = await form(id);
  await call.getByLabel("Secret key").fill(brand.secret);
  await call.getByRole("button", { name: "Sign in" }).click();
  await call.getByText("Signed in as").waitFor();
  return call;
}

describe("a call that is tried", () => {
  it("is made by who signs in there, and shows what came", async () => {
    await open("/docs/reference#listCampaigns");
    const call = await signIn("listCampaigns");
    await call.getByRole("button", { name: "Send" }).click();
    await call.getByText("200", { exact: true }).waitFor();
    expect(await call.locator("pre.body").textContent()).toContain('"slug": "default"');
    await call.getByText("Request", { exact: true }).click();
    expect(await call.getByText("GET /v1/campaigns", { exact: true }).isVisible()).toBe(true);
    // The key is nowhere in the page, nor in what a script could read of the browser.
    const kept = await page.evaluate<string[]>(`[
      document.documentElement.outerHTML,
      ...[...document.querySelectorAll("input")].map(({ value }) => value),
      ...Object.values(localStorage),
      ...Object.values(sessionStorage),
      document.cookie,
      location.href,
    ]`);
    expect(kept.filter((text) => text.includes(brand.secret))).toEqual([]);
    expect(page.url()).toBe(`${runtime.address}/docs/reference#listCampaigns`);
  });

  it("has one session with the console: neither shows whom the other has replaced", async () => {
    const rival = await runtime.api.newBrand();
    await open("/docs/reference");
    const call = await signIn("getProfile");
    const desk = await context.newPage();
    await desk.goto(`${runtime.address}/console`);
    await desk.getByRole("banner").getByText(brand.slug).waitFor();
    await call.getByRole("button", { name: "Sign out" }).click();
    await desk.getByLabel("Secret key").fill(rival.secret);
    await desk.getByRole("button", { name: "Sign in" }).click();
    await call.getByText(`Signed in as ${rival.slug}`).waitFor();
    await call.getByRole("button", { name: "Sign out" }).click();
    await call.getByLabel("Secret key").fill(brand.secret);
    await call.getByRole("button", { name: "Sign in" }).click();
    await desk.getByRole("banner").getByText(brand.slug).waitFor();
    expect(await desk.content()).not.toContain(rival.slug);
  });

  it("creates something, and shows a refusal as the problem that it is", async () => {
    await open("/docs/reference");
    const call = await signIn("createCampaign");
    const body = call.getByLabel("Body");
    await body.fill('{"name": "Tried", "slug": "tried"}');
    await call.getByRole("button", { name: "Send" }).click();
    await call.getByText("201", { exact: true }).waitFor();
    const made = await runtime.api.send(brand.secret, "GET /v1/campaigns/tried");
    expect(made.body).toMatchObject({ name: "Tried" });
    await body.fill('{"name": "", "colour": "red"}');
    await call.getByRole("button", { name: "Send" }).click();
    await call.getByText("422", { exact: true }).waitFor();
    const problem = call.locator(".problem");
    expect(await problem.textContent()).toMatch(/The request is not valid.*validation-failed/);
    expect(await problem.locator("li").count()).toBe(2);
    await body.fill("{");
    await call.getByRole("button", { name: "Send" }).click();
    await call.getByText("400", { exact: true }).waitFor();
    await leaveOnly("createCampaign");
    expect(await axe(page)).toEqual([]);
  });

  it("asks before what cannot be taken back, and is made from the keyboard", async () => {
    const campaign = await runtime.api.newCampaign(brand, 0);
    await open("/docs/reference");
    const call = await signIn("endCampaign");
    await call.getByLabel("campaign").fill(campaign);
    const ended = async () =>
      (await runtime.api.send(brand.secret, `GET /v1/campaigns/${campaign}`)).body["status"];
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await leaveOnly("endCampaign");
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect(await ended()).toBe("active");
    await call.getByRole("button", { name: "Send" }).press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Do it" }).press("Enter");
    await call.getByText("200", { exact: true }).waitFor();
    expect(await ended()).toBe("ended");
  });

  it("is refused a key that is none, and says so", async () => {
    await open("/docs/reference");
    const call = await form("getProfile");
    await call.getByLabel("Secret key").fill("cdk_live_nothing");
    await call.getByRole("button", { name: "Sign in" }).click();
    await call.getByRole("alert").getByText("Authorization").waitFor();
    expect(await call.getByLabel("Secret key").inputValue()).toBe("");
    expect(await call.getByRole("button", { name: "Send" }).count()).toBe(0);
  });

  it("goes on as a feed does, until it is stopped", async () => {
    const campaign = await runtime.api.newCampaign(brand, 1);
    await open("/docs/reference");
    const call = await signIn("watchStock");
    await call.getByLabel("campaign").fill(campaign);
    await call.getByRole("button", { name: "Send" }).click();
    await call.getByText("going on").waitFor();
    await call.getByText('"available":1', { exact: false }).waitFor();
    await runtime.api.claim(brand, campaign, "u-1");
    await call.getByText('"available":0', { exact: false }).waitFor();
    await call.getByRole("button", { name: "Stop" }).click();
    await call.getByRole("button", { name: "Stop" }).waitFor({ state: "hidden" });
  });

  it("of anybody needs nobody signed in; of the operator there is none", async () => {
    await open("/docs/reference");
    const call = await form("checkHealth");
    await call.getByRole("button", { name: "Send" }).click();
    await call.getByText("200", { exact: true }).waitFor();
    expect(await page.locator("#createBrand").getByText("no place in a page").count()).toBe(1);
    expect(await page.locator("#createBrand .try").count()).toBe(0);
  });
});

describe("the pages", () => {
  it("look as they did", async () => {
    await open("/docs");
    await holdScreenshots(page, "docs");
    await open("/docs/checkout");
    await useShownAddress();
    // The beginning stands for the rest, which has nothing else in it.
    await page.evaluate(
      `document.querySelectorAll("article > :nth-child(n + 8)").forEach((rest) => rest.remove())`,
    );
    await holdScreenshots(page, "docs-guide");
    await open("/docs/reference");
    await page.getByLabel("Find a call").fill("createClaim");
    const call = await signIn("createClaim");
    await call.getByLabel("Body").fill('{"user": {"id": ""}}');
    await call.getByLabel("campaign").fill("default");
    await call.getByRole("button", { name: "Send" }).click();
    await call.getByText("422", { exact: true }).waitFor();
    await useShownAddress();
    // What is another at each run; and a place to begin from, whatever was pressed last.
    await page.evaluate(`{
      for (const code of document.querySelectorAll(".answered code")) {
        code.textContent = code.textContent.replace(/"request_id": "[^"]+"/, '"request_id": "…"');
      }
      document.querySelector(".signed-in span").textContent = "Signed in as Acme, live key …abcd";
      document.activeElement.blur();
      scrollTo(0, 0);
    }`);
    const mask = [".answered [role=status] > p"];
    await holdScreenshots(page, "docs-try-it", { mask });
  });
});

describe("the guide for a partner's page", () => {
  it("has a button that claims, under a policy that allows nothing else", async () => {
    const file = "src/pages/docs/guides/partner-site.md";
    const [markup, script] = samplesOf(file).filter(
      ({ section }) => section === "Put the button in the page",
    );
    expect([markup?.language, script?.language]).toEqual(["html", "js"]);
    const served = new Map<string, [type: string, text: string]>();
    const site = createServer((request, response) => {
      const [type, text] = served.get(request.url ?? "") ?? ["text/plain", ""];
      response.setHeader("Content-Type", type);
      response.setHeader("Content-Security-Policy", policy);
      response.end(text);
    });
    await new Promise<void>((resolve) => {
      site.listen(0, "127.0.0.1", resolve);
    });
    const origin = `http://localhost:${(site.address() as AddressInfo).port}`;
    const policy = `default-src 'none'; img-src data:; script-src 'self' ${runtime.address}; connect-src 'self' ${runtime.address}`;
    const { publishable, token } = await partner(origin);
    const local = (text = "") =>
      text.replaceAll(ADDRESS, runtime.address).replace("cdp_live_…", publishable);
    served.set("/page.js", ["text/javascript", local(script?.text)]);
    served.set("/codedrop-token", ["text/plain", token]);
    served.set("/", [
      "text/html; charset=utf-8",
      `<!doctype html><html lang="en"><title>Partner</title><link rel="icon" href="data:,">
        ${local(markup?.text)}<script type="module" src="/page.js"></script></html>`,
    ]);
    await page.goto(`${origin}/`);
    const button = page.locator("codedrop-claim").getByRole("button").first();
    await button.click();
    await expect
      .poll(async () => {
        const claims = await runtime.api.listAll<{ user_id: string }>(
          brand.secret,
          "/v1/campaigns/welcome/claims",
        );
        return claims.map(({ user_id: user }) => user);
      })
      .toEqual(["ann"]);
    const [claim] = await runtime.api.listAll<{ code: string }>(
      brand.secret,
      "/v1/campaigns/welcome/claims",
    );
    await page.locator("codedrop-claim").getByText(String(claim?.code)).first().waitFor();
    site.close();
    // The partner's own page is no stranger here.
    seen.strangers = seen.strangers.filter((url) => !url.startsWith(origin));
  });
});

/** What the guide has done by then: a campaign, a key for the page, and a token of its user. */
async function partner(origin: string): Promise<{ publishable: string; token: string }> {
  const { api } = runtime;
  await api.newCampaign(brand, 10, { slug: "welcome" });
  const made = await api.send<{ key: string }>(brand.secret, "POST /v1/keys", {
    kind: "publishable",
    mode: "live",
    name: "Page",
    allowed_origins: [origin],
  });
  const { body } = await api.send<{ identity: { secret: string } }>(
    brand.secret,
    "PATCH /v1/brand",
    { identity: { issuer: `${origin}/`, audience: "codedrop", algorithm: "HS256" } },
  );
  const token = await new SignJWT({ sub: "ann", iss: `${origin}/`, aud: "codedrop" })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(new TextEncoder().encode(body.identity.secret));
  return { publishable: made.body.key, token };
}
