/** The console's pages of codes, users, webhooks, keys, the brand and its logs, in a browser. */

import type { Browser, BrowserContext } from "playwright-core";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Brand } from "../support/api.ts";
import { Console } from "../support/console.ts";
import { Receiver } from "../support/receiver.ts";
import type { Runtime } from "../support/runtime.ts";
import { openStage, type Stage } from "../support/stage.ts";

let stage: Stage;
let runtime: Runtime;
let browser: Browser;
let context: BrowserContext;
let brand: Brand;
let opened: Console[] = [];

beforeAll(async () => {
  stage = await openStage();
  ({ runtime, browser } = stage);
});

afterAll(async () => {
  await stage.close();
});

beforeEach(async () => {
  brand = await runtime.api.newBrand();
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
});

afterEach(async () => {
  const complaints = opened.flatMap((one) => one.complaints());
  opened = [];
  await context.close();
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
});

/** A window of the browser, not signed in unless its cookie says so. */
async function newWindow(refused: number[] = []): Promise<Console> {
  const one = await Console.open(context, runtime.address, { refused });
  opened.push(one);
  return one;
}

async function signedIn(key = brand.secret, refused: number[] = []): Promise<Console> {
  const one = await newWindow(refused);
  await one.signIn(key);
  return one;
}

async function send<Body>(route: string, body?: unknown, key = brand.secret): Promise<Body> {
  const answer = await runtime.api.send<Body>(key, route, body);
  if (answer.status >= 400) throw new Error(`${route}: ${answer.text}`);
  return answer.body;
}

const statusOf = async (key: string, route: string) => (await runtime.api.send(key, route)).status;

const claimed = async (campaign: string, user: string) =>
  (await runtime.api.claim(brand, campaign, user)).body;

const clipboard = ({ page }: Console) => page.evaluate("navigator.clipboard.readText()");

describe("signing in", () => {
  it("by a wrong key is refused in words, and works by the keyboard alone", async () => {
    const one = await newWindow([401]);
    const { page } = one;
    await page.getByLabel("Secret key").waitFor();
    expect(await one.faults()).toEqual([]);
    for (const wrong of [`${brand.secret.slice(0, -1)}_`, brand.publishable, "x"]) {
      await page.keyboard.type(wrong);
      await page.keyboard.press("Enter");
      await page.getByText("That is no secret key that counts").waitFor();
      expect(await page.getByLabel("Secret key").inputValue()).toBe("");
    }
    expect(await one.faults()).toEqual([]);
    await page.keyboard.type(brand.secret);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Campaigns" }).waitFor();
    expect(await page.content()).not.toContain(brand.secret);
    await page.reload();
    await page.getByRole("navigation").waitFor();
    await one.press("Sign out");
    await page.getByLabel("Secret key").waitFor();
  });

  it("with the key of a suspended brand says what is the matter", async () => {
    const one = await signedIn(brand.secret, [403]);
    await runtime.api.operator(`PATCH /v1/brands/${brand.id}`, { status: "suspended" });
    await one.go("webhooks", "Webhooks");
    await one.page.getByRole("alert").getByText("The brand is suspended").waitFor();
    await one.page.reload();
    await one.page.getByText("The brand is suspended").waitFor();
    await one.page.getByLabel("Secret key").waitFor();
  });
});

describe("the shell", () => {
  it("has its sections behind a button on a phone, closed by Escape", async () => {
    const one = await signedIn();
    const { page } = one;
    await page.setViewportSize({ width: 375, height: 812 });
    const keys = page.getByRole("link", { name: "Keys", exact: true });
    expect(await keys.isVisible()).toBe(false);
    await one.press("Menu");
    expect(await keys.isVisible()).toBe(true);
    await page.keyboard.press("Escape");
    expect(await keys.isVisible()).toBe(false);
    await page.keyboard.press("Enter");
    await one.press("Keys");
    await page.getByRole("heading", { level: 1, name: "Keys" }).waitFor();
    expect(await keys.isVisible()).toBe(false);
  });

  it("goes where the address leads though it changed before the first paint", async () => {
    const one = await newWindow();
    await one.page.evaluate(`new MutationObserver((_, observer) => {
      if (document.querySelector("nav") === null) return;
      observer.disconnect();
      location.hash = "#/keys";
    }).observe(document.body, { childList: true, subtree: true })`);
    await one.signIn(brand.secret);
    await one.page.getByRole("heading", { level: 1, name: "Keys" }).waitFor({ timeout: 5_000 });
  });

  it("lets the keyboard skip to the content", async () => {
    const one = await signedIn();
    await one.go("keys", "Keys");
    await one.page.getByRole("link", { name: "New key" }).waitFor();
    await one.press("Skip to content");
    await one.page.keyboard.press("Tab");
    expect(await one.page.evaluate("document.activeElement.textContent")).toBe("New key");
  });

  it("has no page where the address leads nowhere", async () => {
    const one = await signedIn();
    for (const hash of ["nothing", "codes/ABC", "keys/key_x/more", "%ff", "__proto__"]) {
      await one.go(hash, "Nothing here");
    }
  });
});

describe("finding a code", () => {
  it("takes it as it was typed, tells all of its history, and never puts it in an address", async () => {
    const campaign = await runtime.api.newCampaign(brand, 5);
    const { code } = await claimed(campaign, "ann");
    const redemption = await send<{ id: string }>("POST /v1/redemptions", {
      code,
      order_id: "o-1",
    });
    await send(`POST /v1/redemptions/${redemption.id}/rollback`, { reason: "Sent back" });
    const one = await signedIn();
    const { page } = one;
    await one.press("Find a code");
    await one.tabTo("Code");
    await page.keyboard.type(code.toLowerCase().replaceAll("-", " "));
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: code }).waitFor();
    const history = page.getByRole("listitem");
    await expect
      .poll(() => history.allTextContents())
      .toMatchObject([
        expect.stringMatching(/^Made/),
        expect.stringMatching(/^Claimed by ann/),
        expect.stringMatching(/^Redeemed/),
        expect.stringMatching(/^Redemption undone/),
      ]);
    expect(await one.faults()).toEqual([]);
    await one.press("Copy Code");
    expect(await clipboard(one)).toBe(code);
    await one.press("ann");
    await page.getByRole("heading", { level: 1, name: "Users" }).waitFor();
    await page.getByRole("link", { name: code }).first().click();
    await page.getByRole("heading", { name: code }).waitFor();
    expect(page.url()).not.toMatch(new RegExp(`${code}|ann`));
  });

  it("says of a held code that it is held, and revokes it with a reason", async () => {
    const campaign = await runtime.api.newCampaign(brand, 5);
    const { code } = await claimed(campaign, "bob");
    await send("POST /v1/holds", { code, order_id: "o-2", ttl_seconds: 60 });
    const one = await signedIn();
    const { page } = one;
    await one.go("codes", "Find a code");
    await page.getByLabel("Code", { exact: true }).fill(code);
    await page.keyboard.press("Enter");
    await page.getByText("held at a checkout").waitFor();
    await one.press("Revoke…");
    const dialog = page.getByRole("dialog", { name: "Revoke this code?" });
    expect(await dialog.textContent()).toContain(`${code} will be given to nobody`);
    expect(await one.faults()).toEqual([]);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Revoke…");
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await page.keyboard.type("Shared on a forum");
    await page.keyboard.press("Enter");
    await page.getByText("The code is revoked.").waitFor();
    await page.getByText("Revoked: Shared on a forum").waitFor();
    const { valid, reason } = await send<{ valid: boolean; reason: string }>(
      "POST /v1/codes/validate",
      { code },
    );
    expect([valid, reason]).toEqual([false, "revoked"]);
  });

  it("says that there is none, also where it is another brand's", async () => {
    const rival = await runtime.api.newBrand();
    const theirs = await runtime.api.newCampaign(rival, 1);
    const { code } = (await runtime.api.claim(rival, theirs, "ann")).body;
    const one = await signedIn(brand.secret, [404]);
    await one.go("codes", "Find a code");
    for (const typed of [code, "NOPE", "<img src=x onerror=alert(1)>"]) {
      await one.page.getByLabel("Code", { exact: true }).fill(typed);
      await one.page.keyboard.press("Enter");
      await one.page.getByRole("status").getByText(`has the code ${typed}.`).waitFor();
    }
    expect(await one.faults()).toEqual([]);
  });
});

describe("a user", () => {
  it("is shown campaign by campaign, a page at a time, and erased once their id is typed", async () => {
    const consent = { required: true, text: "You may write.", version: "7" };
    for (let i = 0; i < 27; i++) {
      const campaign = await runtime.api.newCampaign(brand, 1, { consent });
      await send(`POST /v1/campaigns/${campaign}/claims`, {
        user: { id: "u/1 ä", email: "ann@shop.example" },
        consent: { share_contact: true, version: "7" },
      });
    }
    const one = await signedIn(brand.secret, [404]);
    const { page } = one;
    await one.go("users", "Users");
    await one.tabTo("User id");
    await page.keyboard.type("u/1 ä");
    await page.keyboard.press("Enter");
    const cards = page.getByRole("heading", { level: 3 });
    await expect.poll(() => cards.count()).toBe(25);
    await page.getByText("ann@shop.example").first().waitFor();
    expect(await one.faults()).toEqual([]);
    await one.press("Show more campaigns");
    await expect.poll(() => cards.count()).toBe(27);
    await page.getByRole("button", { name: "Erase this user…" }).focus();
    await page.keyboard.press("Enter");
    expect(await one.faults()).toEqual([]);
    await page.keyboard.type("u/1");
    await page.keyboard.press("Enter");
    expect(await statusOf(brand.secret, "GET /v1/users/u%2F1%20%C3%A4")).toBe(200);
    await page.keyboard.type(" ä");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "The user is erased" }).waitFor({ timeout: 30_000 });
    expect(await page.getByRole("main").textContent()).toContain("Claims taken from so far27");
    expect(await page.content()).not.toContain("ann@shop.example");
    expect(await one.faults()).toEqual([]);
    expect(await statusOf(brand.secret, "GET /v1/users/u%2F1%20%C3%A4")).toBe(404);
    await page.getByRole("button", { name: "Look up" }).click();
    await page.getByText("Nothing is held about this user").waitFor();
  });
});

describe("an erasure", () => {
  it("that takes its time is followed until it is done", async () => {
    const campaign = await runtime.api.newCampaign(brand, 1);
    await claimed(campaign, "ann");
    const one = await signedIn();
    const { page } = one;
    const erasure = {
      id: "era_1",
      status: "running",
      claims: 1,
      created_at: "2026-03-01T08:00:00.000Z",
      finished_at: null,
    };
    let asked = 0;
    await page.route("**/v1/users/ann", (route) =>
      route.request().method() === "DELETE"
        ? route.fulfill({ status: 202, json: erasure })
        : route.continue(),
    );
    await page.route("**/v1/erasures/era_1", (route) => {
      asked += 1;
      const done = { ...erasure, status: "complete", claims: 7, finished_at: erasure.created_at };
      return route.fulfill({ json: asked < 2 ? { ...erasure, claims: 5 } : done });
    });
    await one.go("users", "Users");
    await page.getByLabel("User id").fill("ann");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Erase this user…" }).click();
    await page.getByLabel("Type the user’s id").fill("ann");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "The user is being erased" }).waitFor();
    await page.getByRole("main").getByText("5", { exact: true }).waitFor();
    expect(await one.faults()).toEqual([]);
    await page.getByRole("heading", { name: "The user is erased" }).waitFor();
    await page.getByRole("main").getByText("7", { exact: true }).waitFor();
  });
});

describe("a webhook endpoint", () => {
  it("is made with some events, tested, and verified by the secret that is shown once", async () => {
    const receiver = new Receiver();
    const one = await signedIn();
    const { page } = one;
    await one.press("Webhooks");
    await page.getByText("No webhook endpoints yet").waitFor();
    expect(await one.faults()).toEqual([]);
    await one.press("New endpoint");
    await one.tabTo("Address");
    await page.keyboard.type(receiver.url);
    await one.tabTo("Description");
    await page.keyboard.type("Back office");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowDown");
    await one.tabTo("claim.created");
    await page.keyboard.press("Space");
    expect(await one.faults()).toEqual([]);
    await one.press("Make the endpoint");
    await page.getByRole("heading", { name: "This is its secret" }).waitFor();
    expect(await one.faults()).toEqual([]);
    await one.press("Copy secret");
    const secret = (await clipboard(one)) as string;
    expect(secret).toMatch(/^whsec_/);
    await one.press("I have stored it");
    await page.getByRole("heading", { name: receiver.url }).waitFor();
    expect(await page.content()).not.toContain(secret);
    await one.press("Send a test");
    await page.getByText(/The test was sent\. Answered 200 after \d+ ms\./).waitFor();
    const campaign = await runtime.api.newCampaign(brand, 1);
    await claimed(campaign, "ann");
    // The list follows by itself.
    const rows = page.getByRole("row");
    await rows.filter({ hasText: "claim.created" }).filter({ hasText: "delivered" }).waitFor();
    const received = await receiver.received();
    expect(received.length).toBe(2);
    for (const { body, headers } of received) {
      expect(() => new Webhook(secret).verify(body, headers)).not.toThrow();
    }
    expect(await rows.filter({ hasText: "batch.completed" }).count()).toBe(0);
    expect(await one.faults()).toEqual([]);
  });

  it("that fails shows each attempt, and its delivery is sent again by a person", async () => {
    const receiver = await Receiver.thatAnswers("500");
    const { id } = await send<{ id: string }>("POST /v1/webhook-endpoints", {
      url: receiver.url,
      events: ["claim.created"],
    });
    const campaign = await runtime.api.newCampaign(brand, 1);
    await claimed(campaign, "ann");
    const one = await signedIn();
    const { page } = one;
    await one.go(`webhooks/${id}`, "Webhook endpoint");
    await page.getByRole("row").filter({ hasText: "Answered 500" }).waitFor();
    await page.getByLabel("State").selectOption("failed");
    await page.getByText("No delivery is failed").waitFor();
    await page.getByLabel("State").selectOption("pending");
    await one.press("claim.created");
    await page.getByRole("heading", { level: 1, name: "Delivery" }).waitFor();
    await page.getByRole("row").filter({ hasText: "status 500" }).first().waitFor();
    expect(await one.faults()).toEqual([]);
    await receiver.answers("200");
    await one.press("Send it again");
    await page.getByText("It is being sent again.").waitFor();
    await page.getByRole("row").filter({ hasText: "Answered 200" }).waitFor();
    await page.getByRole("main").getByText("delivered", { exact: true }).waitFor();
  });

  it("is changed, disabled, enabled, given another secret, and deleted", async () => {
    const receiver = new Receiver();
    const { id } = await send<{ id: string }>("POST /v1/webhook-endpoints", {
      url: receiver.url,
      events: ["*"],
    });
    const one = await signedIn(brand.secret, [422]);
    const { page } = one;
    await one.go(`webhooks/${id}`, "Webhook endpoint");
    await one.press("Edit");
    await page.getByLabel("Address").fill("ftp://nowhere");
    await page.keyboard.press("Enter");
    await page.locator("[aria-invalid=true]").waitFor();
    expect(await one.faults()).toEqual([]);
    await page.getByLabel("Address").fill(`${receiver.url}?x=1`);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: `${receiver.url}?x=1` }).waitFor();
    await one.press("Disable…");
    expect(await one.faults()).toEqual([]);
    await one.press("Disable the endpoint");
    await page.getByText("disabled by you").waitFor();
    await one.press("Enable");
    await page.getByText("goes on where it stopped").waitFor();
    await one.press("New secret…");
    expect(await one.faults()).toEqual([]);
    await page.getByLabel("The old secret signs, too, for").selectOption("3600");
    await one.press("Make a new secret");
    await page.getByText(/^whsec_/).waitFor();
    await one.press("I have stored it");
    await page.getByText("Old secret signs until").waitFor();
    await one.press("Delete…");
    await one.press("Delete the endpoint");
    await page.getByText("No webhook endpoints yet").waitFor();
    expect(await statusOf(brand.secret, `GET /v1/webhook-endpoints/${id}`)).toBe(404);
  });
});

describe("a key", () => {
  it("is made with a few scopes, is shown once, and may do no more", async () => {
    const one = await signedIn();
    const { page } = one;
    await one.press("Keys");
    await page.getByRole("row").filter({ hasText: "you" }).waitFor();
    expect(await one.faults()).toEqual([]);
    await one.press("New key");
    await one.tabTo("Name");
    await page.keyboard.type("Reader");
    await page.getByText("Only some things").click();
    await one.tabTo("codes:read");
    await page.keyboard.press("Space");
    expect(await one.faults()).toEqual([]);
    await one.press("Make the key");
    await page.getByRole("heading", { name: "The key is made" }).waitFor();
    expect(await one.faults()).toEqual([]);
    await one.press("Copy key");
    const key = (await clipboard(one)) as string;
    await one.press("I have stored it");
    await page.getByRole("heading", { name: "Reader" }).waitFor();
    expect(await page.content()).not.toContain(key);
    expect(await statusOf(key, "GET /v1/keys")).toBe(403);
    const narrow = await browser.newContext();
    const other = await Console.open(narrow, runtime.address, { refused: [403] });
    await other.signIn(key);
    for (const [hash, heading] of PAGES) {
      if (heading === "Find a code" || heading === "Users") continue;
      await other.go(hash, heading);
      await other.page.getByText("The key that you signed in with may not do this").waitFor();
    }
    expect(await other.faults()).toEqual([]);
    expect(other.complaints()).toEqual([]);
    await narrow.close();
  });

  it("for pages has origins, and each that is wrong is named", async () => {
    const one = await signedIn(brand.secret, [422]);
    const { page } = one;
    await one.go("keys/new", "New key");
    await page.getByLabel("Name").fill("Partner");
    await page.getByRole("radio", { name: /^Publishable/ }).check();
    const origins = page.getByLabel("Allowed origins");
    await origins.fill("https://partner.example\nhttps://partner.example/shop");
    await one.press("Make the key");
    await page.getByText("Line 2: Must be an origin").waitFor();
    expect(await one.faults()).toEqual([]);
    await origins.fill("https://partner.example\n\nhttps://www.partner.example");
    await one.press("Make the key");
    await page.getByText(/^cdp_live_/).waitFor();
    await one.press("I have stored it");
    await page.getByText("https://www.partner.example").waitFor();
    await one.press("Edit…");
    expect(await one.faults()).toEqual([]);
    await page.getByLabel("Allowed origins").fill("https://other.example");
    await one.press("Save");
    await page.getByText("The key is changed.").waitFor();
    const { data } = await send<{ data: { allowed_origins: string[] }[] }>("GET /v1/keys?limit=1");
    expect(data[0]?.allowed_origins).toEqual(["https://other.example"]);
  });

  it("is rotated with an overlap, and the old one revoked for good", async () => {
    const { id, key } = await send<{ id: string; key: string }>("POST /v1/keys", {
      kind: "secret",
      mode: "live",
      name: "Server",
    });
    const one = await signedIn();
    const { page } = one;
    await one.go(`keys/${id}`, "Key");
    await one.press("Rotate…");
    expect(await one.faults()).toEqual([]);
    await one.press("Make the new key");
    await page.getByRole("heading", { name: "This key takes its place" }).waitFor();
    const next = (await page.getByText(/^cdk_live_/).textContent()) ?? "";
    expect(await statusOf(next, "GET /v1/keys")).toBe(200);
    expect(await statusOf(key, "GET /v1/keys")).toBe(200);
    await one.press("I have stored it");
    await page.getByRole("main").getByText("active", { exact: true }).waitFor();
    await one.go(`keys/${id}`, "Key");
    await page.getByText("expires soon").waitFor();
    await one.press("Revoke…");
    expect(await one.faults()).toEqual([]);
    await one.press("Revoke the key");
    await page.getByText("The key is revoked.").waitFor();
    await page.getByRole("main").getByText("revoked", { exact: true }).waitFor();
    expect(await statusOf(key, "GET /v1/keys")).toBe(401);
  });
});

/** Every page that needs no id. */
const PAGES = [
  ["codes", "Find a code"],
  ["users", "Users"],
  ["events", "Events"],
  ["webhooks", "Webhooks"],
  ["keys", "Keys"],
  ["brand", "Brand"],
  ["audit-log", "Audit log"],
] as const;

describe("the brand", () => {
  it("is renamed, also where it is named above", async () => {
    const one = await signedIn();
    const { page } = one;
    await one.go("brand", "Brand");
    await one.tabTo("Name of the brand");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("Acme & Söhne");
    await page.keyboard.press("Enter");
    await page.getByRole("banner").getByText("Acme & Söhne").waitFor();
    expect(await one.faults()).toEqual([]);
  });

  it("says whose user tokens count, by a secret that is shown once, or an address", async () => {
    const one = await signedIn(brand.secret, [422]);
    const { page } = one;
    await one.go("brand", "Brand");
    await one.press("Set up");
    await page.getByRole("textbox", { name: "Issuer" }).fill("https://login.partner.example/");
    await page.getByText("A shared secret").click();
    expect(await one.faults()).toEqual([]);
    await one.press("Save and make a secret");
    await page.getByRole("heading", { name: "This is the secret for user tokens" }).waitFor();
    await one.press("Copy secret");
    expect(((await clipboard(one)) as string).length).toBe(43);
    await one.press("I have stored it");
    await page.getByText("A shared secret, HS256").waitFor();
    await one.press("Change");
    await page.getByText("The issuer’s own keys").click();
    await page.getByLabel("Address of the keys").fill("http://10.0.0.1/keys");
    await one.press("Save");
    await page.locator("[aria-invalid=true]").waitFor();
    await page.getByLabel("Address of the keys").fill("https://login.partner.example/jwks");
    await one.press("Save");
    await page.getByText("https://login.partner.example/jwks").waitFor();
    await one.press("Take away…");
    expect(await one.faults()).toEqual([]);
    await one.press("Take it away");
    await page.getByText("No tokens count yet").waitFor();
    expect(await send("GET /v1/brand")).toMatchObject({ identity: null });
  });

  it("gets a new seal of codes", async () => {
    await runtime.api.newCampaign(brand, 1);
    const one = await signedIn();
    await one.go("brand", "Brand");
    await one.press("Make a new seal…");
    expect(await one.faults()).toEqual([]);
    await one.press("Make a new seal");
    await one.page.getByText("on have the new seal").waitFor();
  });
});

describe("the logs", () => {
  it("show who changed what, and prove that it is what was written", async () => {
    for (let i = 0; i < 30; i++) await runtime.api.newCampaign(brand, 0);
    const one = await signedIn();
    const { page } = one;
    await one.go("audit-log", "Audit log");
    await expect.poll(() => page.getByRole("row").count()).toBe(26);
    expect(await page.getByRole("row").nth(1).textContent()).toContain("Signed in to the console");
    await one.press("Verify the log");
    await page.getByText("All 32 entries are as they were written.").waitFor();
    expect(await one.faults()).toEqual([]);
    await one.press("Show more");
    await expect.poll(() => page.getByRole("row").count()).toBe(33);
    await page.getByText("The operator").waitFor();
  });

  it("show a campaign's events, the newest first, and those of a type", async () => {
    const campaign = await runtime.api.newCampaign(brand, 40, { slug: "drop" });
    for (let i = 0; i < 40; i++) await claimed(campaign, `u-${i}`);
    await expect
      .poll(async () => {
        const { data } = await send<{ data: unknown[] }>(
          `GET /v1/events?campaign_id=drop&after=40`,
        );
        return data.length;
      })
      .toBeGreaterThan(0);
    const one = await signedIn();
    const { page } = one;
    await one.go("events", "Events");
    await page.getByText("#1", { exact: true }).waitFor();
    expect(await one.faults()).toEqual([]);
    await one.tabTo("Campaign");
    await page.keyboard.type("drop");
    await page.keyboard.press("Tab");
    await page.getByText("Newest first.").waitFor();
    const rows = page.getByRole("row");
    await rows.nth(1).getByText(/#4\d/).waitFor();
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByRole("button", { name: "Show more" }).waitFor({ state: "detached" });
    expect(await rows.last().textContent()).toContain("#1");
    const sequences = (await rows.allTextContents()).slice(1).map((row) => /#(\d+)/.exec(row)?.[1]);
    const falling = sequences.toSorted((a, b) => Number(b) - Number(a));
    expect(sequences).toEqual(falling);
    expect(new Set(sequences).size).toBe(sequences.length);
    await page.getByLabel("Type of event").selectOption("batch.completed");
    await page.getByText("Oldest first.").waitFor();
    await expect.poll(() => rows.count()).toBe(2);
  });
});

describe("one brand's session", () => {
  it("shows nothing of the brand that was signed in before, by whatever way back", async () => {
    const campaign = await runtime.api.newCampaign(brand, 1, { name: "Secret of A" });
    const { code } = await claimed(campaign, "ann-of-a");
    const key = await send<{ id: string }>("POST /v1/keys", {
      kind: "secret",
      mode: "live",
      name: "Key of A",
    });
    const rival = await runtime.api.newBrand();
    const one = await signedIn(brand.secret, [404]);
    const { page } = one;
    await one.go(`keys/${key.id}`, "Key");
    await page.getByRole("heading", { name: "Key of A" }).waitFor();
    await one.go("codes", "Find a code");
    await page.getByLabel("Code", { exact: true }).fill(code);
    await page.keyboard.press("Enter");
    await page.getByText("Secret of A").waitFor();
    await one.press("Sign out");
    await page.getByLabel("Secret key").waitFor();
    expect(await page.content()).not.toMatch(/of A|ann-of-a/);
    await page.goBack();
    await page.getByLabel("Secret key").waitFor();
    await one.signIn(rival.secret);
    expect(await page.content()).not.toMatch(/of A|ann-of-a/);
    for (const [hash, heading] of PAGES) {
      await one.go(hash, heading);
      await page.getByRole("main").locator("form, table, .empty, .card").first().waitFor();
      expect(await page.content()).not.toMatch(/of A|ann-of-a/);
      expect(await page.content()).not.toContain(code);
    }
    await one.go(`keys/${key.id}`, "Key");
    await page.getByRole("alert").waitFor();
    expect(await page.content()).not.toMatch(/of A|ann-of-a/);
  });

  it("is the same in all windows of a browser", async () => {
    const rival = await runtime.api.newBrand();
    const one = await signedIn();
    const other = await newWindow();
    await other.page.getByRole("banner").getByText(brand.slug).waitFor();
    await other.press("Sign out");
    await one.page.getByLabel("Secret key").waitFor();
    await other.signIn(rival.secret);
    await one.page.getByRole("banner").getByText(rival.slug).waitFor();
    expect(await one.page.content()).not.toContain(brand.slug);
  });

  it("ends with its key, in words, and goes on where it was with another", async () => {
    const { id, key } = await send<{ id: string; key: string }>("POST /v1/keys", {
      kind: "secret",
      mode: "live",
      name: "Mine",
    });
    const one = await signedIn(key, [401]);
    const { page } = one;
    await one.go("webhooks", "Webhooks");
    await send(`DELETE /v1/keys/${id}`);
    await one.press("Keys");
    await page.getByText("Your session has ended. Sign in again.").waitFor();
    expect(await one.faults()).toEqual([]);
    await one.signIn(brand.secret);
    await page.getByRole("heading", { level: 1, name: "Keys" }).waitFor();
    const own = page.getByRole("row").filter({ hasText: "you" });
    await own.getByRole("link").click();
    await one.press("Revoke…");
    expect(await page.getByRole("dialog").textContent()).toContain(
      "You are signed in with this key.",
    );
    await one.press("Revoke the key");
    await page.getByText("Your session has ended. Sign in again.").waitFor();
  });
});

describe("a page", () => {
  it("that gets no answer says so, and is tried again", async () => {
    const one = await signedIn(brand.secret, [0, 500]);
    const { page } = one;
    await page.route("**/v1/keys?*", (route) => route.abort());
    await one.go("keys", "Keys");
    await page.getByRole("alert").getByText("No answer from").waitFor();
    expect(await one.faults()).toEqual([]);
    await page.unroute("**/v1/keys?*");
    await page.route("**/v1/keys?*", (route) =>
      route.fulfill({
        status: 500,
        json: { type: "x/internal-error", title: "Something broke", request_id: "req-1" },
      }),
    );
    await one.press("Try again");
    await page.getByRole("alert").getByText("req-1").waitFor();
    await page.unroute("**/v1/keys?*");
    await one.press("Try again");
    await page.getByRole("row").filter({ hasText: "you" }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  it("that an address cannot name says so, and the next one is shown", async () => {
    const one = await signedIn();
    const { page } = one;
    for (const [hash, heading] of [
      ["keys/..", "Key"],
      ["campaigns/..", "Campaign"],
    ] as const) {
      await one.go(hash, heading);
      await page.getByRole("alert").getByText("is no id and no slug").waitFor();
    }
    await one.go("keys", "Keys");
    await page.getByRole("row").filter({ hasText: "you" }).waitFor();
    expect(await one.faults()).toEqual([]);
  });

  it("for a test key says what takes a live one", async () => {
    const { key } = await send<{ key: string }>("POST /v1/keys", {
      kind: "secret",
      mode: "test",
      name: "Tester",
    });
    const one = await signedIn(key);
    const { page } = one;
    await page.getByRole("banner").getByText("test", { exact: true }).waitFor();
    await one.go("audit-log", "Audit log");
    await page.getByText("The log takes a live key").waitFor();
    await one.go("brand", "Brand");
    await page.getByText("which cannot change what is live, too").waitFor();
    expect(await page.getByLabel("Name of the brand").isDisabled()).toBe(true);
    expect(await one.faults()).toEqual([]);
    await one.go("keys/new", "New key");
    expect(await page.getByRole("radio", { name: /^Live/ }).count()).toBe(0);
  });
});

describe("hostile names", () => {
  it("harm no page and no layout", async () => {
    const evil = `<img src=x onerror=alert(1)>\u202e${"W".repeat(60)}`;
    await send("PATCH /v1/brand", { name: evil });
    const campaign = await runtime.api.newCampaign(brand, 3, {
      name: evil,
      shop_url: "https://shop.example/",
      consent: { required: true, text: evil, version: evil.slice(0, 50) },
    });
    await send("POST /v1/keys", { kind: "secret", mode: "live", name: evil });
    const receiver = await Receiver.thatAnswers("echo~500");
    const { id } = await send<{ id: string }>("POST /v1/webhook-endpoints", {
      url: `${receiver.url}?${"x".repeat(300)}`,
      events: ["*"],
      description: evil,
    });
    const claim = await send<{ code: string }>(`POST /v1/campaigns/${campaign}/claims`, {
      user: { id: evil, name: evil, attributes: { [evil.slice(0, 30)]: evil } },
      consent: { share_contact: true, version: evil.slice(0, 50) },
    });
    const redemption = await send<{ id: string }>("POST /v1/redemptions", {
      code: claim.code,
      order_id: evil,
    });
    await send(`POST /v1/redemptions/${redemption.id}/rollback`, { reason: evil });
    await send("POST /v1/codes/revoke", { codes: [claim.code], reason: evil });
    const one = await signedIn();
    const { page } = one;
    const text = page.getByText("<img src=x onerror=alert(1)>").first();
    for (const [hash, heading] of PAGES) {
      await one.go(hash, heading);
      await page.getByRole("main").locator("form, table").first().waitFor();
      expect([hash, await one.faults()]).toEqual([hash, []]);
    }
    await one.go(`webhooks/${id}`, "Webhook endpoint");
    await page.getByRole("row").filter({ hasText: "Answered 500" }).first().waitFor();
    expect(await one.faults()).toEqual([]);
    await page.getByRole("link", { name: "claim.created" }).first().click();
    await page.getByRole("heading", { level: 1, name: "Delivery" }).waitFor();
    await page.locator("code.answer").first().waitFor();
    expect(await one.faults()).toEqual([]);
    await one.go("users", "Users");
    await page.getByLabel("User id").fill(evil);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 3 }).waitFor();
    await text.waitFor();
    expect(await one.faults()).toEqual([]);
    await page.getByRole("link", { name: claim.code }).first().click();
    await page.getByText("Revoked:").waitFor();
    expect(await one.faults()).toEqual([]);
    expect(await page.locator("img").count()).toBe(0);
  });
});
