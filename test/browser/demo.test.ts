/** The demo partner's site under `npm start`, as a shopper goes through it. */

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { atLength } from "../support/at-length.ts";
import { axe, startBrowser, watch } from "../support/browser.ts";
import { holdScreenshots } from "../support/screenshots.ts";
import { Server } from "../support/server.ts";

const stateDir = mkdtempSync(path.join(tmpdir(), "codedrop-demo-"));
let server: Server;
let browser: Browser;
let site: string;

const siteOf = async (of: Server) =>
  (await of.printed(/A partner's site, to click through: +(http:\S+)\n[^]*The documentation/))[1] ??
  "";

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(stateDir, []), startBrowser()]);
  site = await siteOf(server);
});

afterAll(async () => {
  await browser.close();
  server.kill();
  rmSync(stateDir, { recursive: true, force: true });
});

const button = (page: Page, name: string) => page.getByRole("button", { name });

async function newShopper() {
  const context = await browser.newContext({
    timezoneId: "UTC",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  return { context, page, seen: watch(page, [site, server.address]) };
}

async function holdsUp(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect([name, colorScheme, await axe(page)]).toEqual([name, colorScheme, []]);
  }
  await holdScreenshots(page, `demo-${name}`, { mask: ["codedrop-claim code"] });
}

describe("the demo partner's site", () => {
  it("lets a shopper sign in, reveal a code, copy it, and find it again", async () => {
    const { context, page, seen } = await newShopper();
    await page.goto(`${server.address}/demo`);
    expect(page.url()).toBe(`${site}/`);
    await page.getByText("15% off").waitFor();
    await holdsUp(page, "signed-out");
    await page.locator("codedrop-claim").getByRole("button", { name: "Sign in" }).click();
    await page.keyboard.type("Ann <b>Lee</b>");
    await page.keyboard.press("Enter");
    await page.getByText("Signed in as Ann <b>Lee</b>").waitFor();
    const [cookie] = await context.cookies(site);
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });
    await button(page, "Sign out").click();

    await button(page, "Ann").click();
    await button(page, "Get my code").waitFor();
    await button(page, "Get my code").click();
    await button(page, "Copy").click();
    await button(page, "Copied").waitFor();
    await button(page, "Copy").waitFor();
    const code = (await page.locator("code").textContent()) ?? "";
    expect(code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(code);
    await holdsUp(page, "revealed");

    await button(page, "Sign out").click();
    await button(page, "Bob").click();
    await button(page, "Get my code").click();
    await button(page, "Copy").waitFor();
    expect(await page.locator("code").textContent()).not.toBe(code);
    await button(page, "Sign out").click();
    await button(page, "Ann").click();
    await button(page, "Show my code").click();
    await button(page, "Copy").waitFor();
    expect(await page.locator("code").textContent()).toBe(code);
    expect(seen).toEqual({ errors: [], strangers: [] });
    const html = await page.content();
    const { identity_secret: secret, keys } = kept();
    for (const hidden of [secret, keys.secret, code]) expect(html).not.toContain(hidden);
    await context.close();
  });

  it("is signed in to from its own page only", async () => {
    const tried = ["https://evil.example", "null", undefined].flatMap((origin) =>
      ["sign-in", "sign-out"].map((act) =>
        fetch(`${site}/${act}`, {
          method: "POST",
          body: new URLSearchParams({ name: "Mallory" }),
          headers: origin === undefined ? {} : { Origin: origin },
          redirect: "manual",
        }),
      ),
    );
    for (const { status, headers } of await Promise.all(tried)) {
      expect([status, headers.get("Set-Cookie")]).toEqual([403, null]);
    }
  });

  it("keeps the secret that signs beside the keys, for nobody else to read", () => {
    expect(kept().identity_secret).toMatch(/^\S{32,}$/);
    expect(statSync(path.join(stateDir, "codedrop-demo.json")).mode & 0o777).toBe(0o600);
  });

  atLength(
    "ends with npm start, and is there again at the next one, at another port too",
    async () => {
      server.kill();
      await expect(fetch(site)).rejects.toThrow("fetch failed");
      server = await Server.start(stateDir, []);
      const before = site;
      site = await siteOf(server);
      expect(site).not.toBe(before);
      const { context, page, seen } = await newShopper();
      await page.goto(site);
      await button(page, "Ann").click();
      await button(page, "Get my code").click();
      await page.locator("[part=message]").getByText("already yours").waitFor();
      expect(seen).toEqual({ errors: [], strangers: [] });
      await context.close();
    },
  );
});

function kept() {
  return JSON.parse(readFileSync(path.join(stateDir, "codedrop-demo.json"), "utf8")) as {
    identity_secret: string;
    keys: { secret: string };
  };
}
