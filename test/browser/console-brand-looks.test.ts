/** How the console's pages look, of a brand whose service always answers the same. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { ASSETS_FOLDER } from "../../src/build/build.ts";
import { startBrowser } from "../support/browser.ts";
import { ANSWERS, DELIVERY, ENDPOINT } from "../support/console-answers.ts";
import { holdScreenshots } from "../support/screenshots.ts";

const HOST = "https://codes.example";
const TYPES: Record<string, string> = { ".css": "text/css", ".js": "text/javascript" };

let browser: Browser;
let page: Page;
let isSignedIn: boolean;
/** What was called for and is not answered. */
let missed: string[];

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
});

beforeEach(async () => {
  isSignedIn = true;
  missed = [];
  const context = await browser.newContext({ timezoneId: "Europe/Berlin", locale: "en-US" });
  page = await context.newPage();
  await page.route(`${HOST}/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    const call = `${route.request().method()} ${pathname}`;
    if (call === "GET /console/session" && !isSignedIn) return route.fulfill({ status: 204 });
    const answer = ANSWERS[call];
    if (answer !== undefined) {
      return route.fulfill({ json: answer(route.request().postData() ?? "") });
    }
    const file = path.join(ASSETS_FOLDER, pathname === "/console" ? "console.html" : pathname);
    if (existsSync(file)) {
      const contentType = TYPES[path.extname(file)] ?? "text/html";
      return route.fulfill({ body: readFileSync(file), contentType });
    }
    missed.push(call);
    return route.fulfill({ status: 404, json: {} });
  });
  return async () => {
    await context.close();
    if (missed.length > 0) throw new Error(`Not answered: ${missed.join(", ")}`);
  };
});

async function open(hash: string): Promise<void> {
  await page.goto(`${HOST}/console#/${hash}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
}

async function lookUp(label: string, text: string): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

const press = (name: string) => page.getByRole("button", { name, exact: true }).click();

describe("the console looks as it did", () => {
  it("where one signs in", async () => {
    isSignedIn = false;
    await open("");
    await holdScreenshots(page, "console-sign-in");
  });

  it("of a code, and of the question before it is revoked", async () => {
    await open("codes");
    await lookUp("Code", "6r7t ngxy wmdr");
    await page.getByText("Redeemed for order o-1002").waitFor();
    await holdScreenshots(page, "console-code");
    await lookUp("Code", "X4KD-93TM-PW7C");
    await press("Revoke…");
    await page.getByRole("dialog").waitFor();
    await holdScreenshots(page, "console-code-revoke");
  });

  it("of a user, and of the question before they are erased", async () => {
    await open("users");
    await lookUp("User id", "u-1042");
    await page.getByRole("link", { name: "Spring drop" }).waitFor();
    await holdScreenshots(page, "console-user");
    await press("Erase this user…");
    await holdScreenshots(page, "console-user-erase");
  });

  it("of webhooks", async () => {
    await open("webhooks");
    await page.getByText("Answered").or(page.getByText("No answer in time")).first().waitFor();
    await holdScreenshots(page, "console-webhooks");
    await open("webhooks/new");
    await page.getByRole("radio", { name: "Only some" }).check();
    await holdScreenshots(page, "console-webhook-new");
    await open(`webhooks/${ENDPOINT}`);
    await page.getByRole("link", { name: "Spring drop" }).first().waitFor();
    await holdScreenshots(page, "console-webhook");
    await open(`webhooks/${ENDPOINT}/${DELIVERY}`);
    await page.getByRole("link", { name: "Spring drop" }).waitFor();
    await holdScreenshots(page, "console-delivery");
  });

  it("of keys, and of a new one", async () => {
    await open("keys");
    await page.getByRole("link", { name: "Partner site" }).waitFor();
    await holdScreenshots(page, "console-keys");
    await open("keys/new");
    await page.getByLabel("Name").fill("Reporting");
    await page.getByRole("radio", { name: "Only some things" }).check();
    await page.getByLabel("codes:read").check();
    await holdScreenshots(page, "console-key-new");
    await press("Make the key");
    await page.getByRole("heading", { name: "The key is made" }).waitFor();
    await page.getByText("The key is made.").waitFor({ state: "detached" });
    await holdScreenshots(page, "console-key-once");
  });

  it("of the brand and its logs", async () => {
    await open("brand");
    await page.getByText("Seal of codes").waitFor();
    await holdScreenshots(page, "console-brand");
    await open("events");
    await page.getByText("250,000").first().waitFor();
    await page.getByRole("link", { name: "Spring drop" }).first().waitFor();
    await holdScreenshots(page, "console-events");
    await open("audit-log");
    await page.getByRole("link", { name: "Back office" }).first().waitFor();
    await page.getByRole("link", { name: "Spring drop" }).waitFor();
    await press("Verify the log");
    await page.getByText("All 3 entries").waitFor();
    await holdScreenshots(page, "console-audit-log");
  });
});
