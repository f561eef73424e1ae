/** The screenshots' tolerance: what it must let pass, and what it must not. */

import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { compare, holdScreenshots } from "../support/screenshots.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(() => browser.close());

const STYLE = `
  body { margin: 24px; font: 16px/1.5 system-ui, sans-serif; background: #f6f7f9; color: #171a1f }
  section { padding: 20px; border: 1px solid #d9dde4; background: #fff; border-radius: 10px }
  button { padding: 8px 16px; border: 0; background: #1f5fd0; color: #fff; font: inherit }
  code { font-family: ui-monospace, monospace }`;

/** The page, with these rules besides. */
async function shotOf(rules = "", text = "15 % off your next order"): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: 375, height: 300 } });
  await page.setContent(`<!doctype html><style>${STYLE}${rules}</style><section><h2>Welcome</h2>
    <p>${text}</p><p><code>K7QF-3MWD-9RTX</code></p><button>Show my code</button></section>`);
  const shot = await page.screenshot();
  await page.close();
  return shot;
}

const isAlike = (a: Buffer, b: Buffer) => compare(a, b).isAlike;

describe("a screenshot", () => {
  it("is alike when its edges are smoothed in another way, or a shade is another", async () => {
    const reference = await shotOf();
    expect(isAlike(reference, reference)).toBe(true);
    expect(isAlike(reference, await shotOf("section { transform: translate(.4px, .3px) }"))).toBe(
      true,
    );
    expect(isAlike(reference, await shotOf("section { background: #fdfdfe }"))).toBe(true);
    const other = await shotOf("p, h2, button { transform: rotate(.001deg) }");
    expect([other.equals(reference), isAlike(reference, other)]).toEqual([false, true]);
  });

  it("is unlike when a block moved, went, or has another colour, or a text is another", async () => {
    const reference = await shotOf();
    const changes = {
      moved: "button { margin-left: 6px }",
      lower: "button { margin-top: 8px }",
      gone: "code { visibility: hidden }",
      recoloured: "button { background: #146c43 }",
      unreadable: "p { color: #fff }",
      paler: "p { color: #a0a0a0 }",
      wider: "section { padding: 28px }",
      bolder: "p { font-weight: 700 }",
      unbound: "section { border-color: #171a1f }",
    };
    for (const [change, rules] of Object.entries(changes)) {
      expect([change, isAlike(reference, await shotOf(rules))]).toEqual([change, false]);
    }
    expect(isAlike(reference, await shotOf("", "25 % off the next order"))).toBe(false);
  });

  it("without a reference fails, and says what to do", async () => {
    vi.stubEnv("UPDATE_SCREENSHOTS", "");
    const page = await browser.newPage();
    const held = holdScreenshots(page, "nobody-took-this", { widths: [375] });
    await expect(held).rejects.toThrow(
      /nobody-took-this-375-light has no reference[^]*UPDATE_SCREENSHOTS=1/,
    );
    await page.close();
    vi.unstubAllEnvs();
    const folder = path.resolve(import.meta.dirname, "screenshots");
    const taken = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const files = taken.filter((file) => file.includes("nobody")).toSorted();
    expect(files).toEqual(
      ["dark", "light"].map((scheme) => `failed/nobody-took-this-375-${scheme}.actual.png`),
    );
    for (const file of files) rmSync(path.join(folder, file));
  });
});
