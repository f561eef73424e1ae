/** The console's pages of campaigns in a real Chromium, as a brand's marketer goes through them. */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, Download, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { unique, type Brand } from "../support/api.ts";
import { atLength } from "../support/at-length.ts";
import { Console } from "../support/console.ts";
import type { Runtime } from "../support/runtime.ts";
import { THOROUGHLY } from "../support/thoroughly.ts";
import { openStage, type Stage } from "../support/stage.ts";

/** Codes of the largest campaign. */
const MANY = THOROUGHLY ? 1_000_000 : 50_000;
const format = (number: number) => number.toLocaleString("en");

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
  context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    timezoneId: "Europe/Berlin",
  });
});

afterEach(async () => {
  const complaints = opened.flatMap((one) => one.complaints());
  opened = [];
  await context.close();
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
});

async function signedIn(key = brand.secret, refused: number[] = []): Promise<Console> {
  const one = await Console.open(context, runtime.address, { refused });
  opened.push(one);
  await one.signIn(key);
  return one;
}

async function send<Body>(route: string, body?: unknown): Promise<Body> {
  const answer = await runtime.api.send<Body>(brand.secret, route, body);
  if (answer.status >= 400) throw new Error(`${route}: ${answer.text}`);
  return answer.body;
}

interface Known {
  id: string;
  name: string;
}

/** A campaign with a name of its own, and codes. */
async function campaignWith(
  codes: number,
  fields: { name?: string; code_format?: object } = {},
): Promise<Known> {
  const { name = unique("Spring"), ...rest } = fields;
  const id = await runtime.api.newCampaign(brand, codes, { name, ...rest });
  return { id, name };
}

async function claim(campaign: Known, users: number, from = 0): Promise<string[]> {
  const answers = await Promise.all(
    Array.from({ length: users }, (_, i) => runtime.api.claim(brand, campaign.id, `u-${from + i}`)),
  );
  return answers.map(({ body }) => body.code);
}

/** The page of a campaign, or one of its parts. */
const goTo = (one: Console, { id, name }: Known, part = "") =>
  one.go(`campaigns/${id}${part === "" ? "" : `/${part}`}`, name);

const text = async (page: Page, selector: string) =>
  (await page.locator(selector).innerText()).replaceAll("\u00a0", " ");
const says = ({ page }: Console, words: string | RegExp) =>
  page.getByRole("status").filter({ hasText: words }).first().waitFor();

async function contentOf(download: Download): Promise<string> {
  return readFileSync(await download.path(), "utf8");
}

const csvFile = (content: string, name = "codes.csv") => ({
  name,
  mimeType: "text/csv",
  buffer: Buffer.from(content),
});

describe("a new campaign", () => {
  it("is made, and its codes, by the keyboard alone", async () => {
    const one = await signedIn();
    const { page } = one;
    const name = unique("Autumn");
    await one.press("New campaign");
    await page.getByRole("heading", { level: 1, name: "New campaign" }).waitFor();
    expect(await one.faults()).toEqual([]);
    await one.tabTo("Name");
    await page.keyboard.type(name);
    await one.tabTo("Percent");
    await page.keyboard.type("12.5");
    await one.press("Make campaign");
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await says(one, "The campaign is made");
    await page.getByText("No codes yet").waitFor();
    expect(await one.faults()).toEqual([]);
    await one.press("Make codes");
    await one.tabTo("How many");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("250");
    await page.keyboard.press("Enter");
    await says(one, "250 codes are made.");
    await page.getByRole("cell", { name: "complete" }).waitFor();
    expect(await one.faults()).toEqual([]);
    const { data } = await send<{ data: Record<string, unknown>[] }>("GET /v1/campaigns");
    expect(data[0]).toMatchObject({
      name,
      mode: "live",
      discount: { type: "percentage", value: 12.5 },
      code_format: null,
    });
  });

  atLength("says at the field what is missing, and sends nothing until it is there", async () => {
    const one = await signedIn();
    const { page } = one;
    const posts: string[] = [];
    page.on("request", (request) => request.method() === "POST" && posts.push(request.url()));
    await one.go("campaigns/new", "New campaign");
    const group = page.getByText("Consent and contact data");
    await group.click();
    await page.getByLabel("Ask users whether").check();
    await group.click();
    expect(await page.getByLabel("What they are asked").isVisible()).toBe(false);
    await page.getByRole("button", { name: "Make campaign" }).click();
    await page.getByText("Give it a name.").first().waitFor();
    expect(await page.getByLabel("Name", { exact: true }).getAttribute("aria-invalid")).toBe(
      "true",
    );
    expect(await page.evaluate("document.activeElement.labels[0].textContent")).toBe("Name");
    expect(await page.getByText("Say how many percent.").count()).toBe(2);
    // What is wrong in a group that was closed is to be seen, too.
    expect(await page.getByLabel("What they are asked").isVisible()).toBe(true);
    expect(await one.faults()).toEqual([]);
    expect(posts).toEqual([]);
  });

  atLength(
    "shows codes as the format is typed, the room for them, and why it is refused",
    async () => {
      const one = await signedIn();
      const { page } = one;
      await one.go("campaigns/new", "New campaign");
      const samples = async () => await page.locator(".samples code").allInnerTexts();
      expect(await samples()).toEqual(
        Array.from({ length: 3 }, () => expect.stringMatching(/^\w{4}-\w{4}-\w{4}$/)),
      );
      await page.getByLabel("Form").selectOption("pattern");
      await page.getByLabel("Pattern").fill("##-##");
      await page.getByLabel("Begins with").fill("FALL-");
      await page.getByLabel("Characters to draw from").fill("ABC");
      expect(await samples()).toEqual(
        Array.from({ length: 3 }, () => expect.stringMatching(/^FALL-[ABC]{2}-[ABC]{2}$/)),
      );
      const preview = page.locator(".preview");
      expect(await preview.innerText()).toContain("no room for 10,000 codes");
      expect(await preview.innerText()).toContain("out of 81 texts");
      await page.getByLabel("Pattern").fill("none");
      expect(await preview.innerText()).toContain("The pattern needs at least one # or X");
      await page.getByLabel("Pattern").fill("## ##");
      expect(await preview.innerText()).toContain("Fixed text may hold");
      await page.getByLabel("Pattern").fill("##-##");
      const before = (await samples()).join();
      await page.getByLabel("Pattern").fill("##########");
      await page.getByLabel("Characters to draw from").fill("");
      await page.getByRole("button", { name: "Draw others" }).click();
      expect((await samples()).join()).not.toBe(before);
    },
  );

  atLength("asks before what was typed is lost, and keeps it when told to stay", async () => {
    const one = await signedIn();
    const { page } = one;
    await one.go("campaigns/new", "New campaign");
    await page.getByLabel("Name", { exact: true }).fill("Typed");
    await page.getByRole("link", { name: "Find a code" }).click();
    const dialog = page.getByRole("dialog", { name: "Leave without saving?" });
    await dialog.waitFor();
    expect(await one.faults()).toEqual([]);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(page.url()).toContain("#/campaigns/new");
    expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("Typed");
    await page.goBack();
    await dialog.waitFor();
    await dialog.getByRole("button", { name: "Leave without saving" }).click();
    await expect.poll(() => page.url()).toMatch(/#\/codes$/);
    expect(await page.getByLabel("Name", { exact: true }).count()).toBe(0);
  });

  atLength(
    "may be of any kind: every field reaches the service, in the zone of who typed it",
    async () => {
      const one = await signedIn();
      const { page } = one;
      await one.go("campaigns/new", "New campaign");
      expect(await page.getByText("Europe/Berlin, UTC+").first().isVisible()).toBe(true);
      await page.evaluate(
        "for (const group of document.querySelectorAll('details')) group.open = true",
      );
      const fill = (label: string, value: string) =>
        page.getByLabel(label, { exact: true }).fill(value);
      await fill("Name", "Everything");
      await fill("Slug", "every-thing");
      await page.getByLabel("Mode").selectOption("test");
      await page.getByLabel("What comes off").selectOption("fixed_amount");
      await fill("Amount", "10.5");
      await fill("Only for orders from", "50");
      await fill("Currency", "eur");
      await fill("In words", "Ten off");
      await fill("From", "2027-07-01T09:00");
      await fill("Until", "2027-12-01T09:00");
      await fill("Shop address", "https://shop.example/");
      await page.getByLabel("Form").selectOption("length");
      await fill("Characters", "14");
      await fill("Ends with", "-X");
      await fill("Codes for each user", "2");
      await page.getByLabel("When the code is shown").selectOption("on_demand");
      await fill("Kept for the user for", "20");
      await page.getByLabel("Pages must prove").check();
      await fill("Site key", "site");
      await fill("Secret", "hidden");
      await fill("A code is good for", "36");
      await page.getByLabel("A code is good for: unit").selectOption("hours");
      await page.getByLabel("Codes may outlive the campaign").check();
      await page.getByLabel("Only the user who holds").check();
      await page.getByLabel("Ask users whether").check();
      await fill("What they are asked", "May we know you?");
      await page.getByLabel("No code without consent").uncheck();
      await fill("Days for which contact data is kept", "90");
      await fill("Tell us when stock is down to", "50%, 10% 100");
      await fill("Pause when more claims come within a minute than", "500");
      await page.getByLabel("Pools that share the claims").selectOption("4");
      await page.getByRole("button", { name: "Add a note" }).click();
      await fill("Name 1", "owner");
      await fill("Value 1", "crm");
      expect(await one.faults()).toEqual([]);
      await page.getByRole("button", { name: "Make campaign" }).click();
      await page.getByRole("heading", { level: 1, name: "Everything" }).waitFor();
      expect(await send("GET /v1/campaigns/every-thing")).toMatchObject({
        name: "Everything",
        mode: "test",
        discount: {
          type: "fixed_amount",
          value: 1050,
          currency: "EUR",
          minimum_order_amount: 5000,
          description: "Ten off",
        },
        // Summer and winter differ by an hour there.
        starts_at: "2027-07-01T07:00:00.000Z",
        ends_at: "2027-12-01T08:00:00.000Z",
        shop_url: "https://shop.example/",
        code_format: { length: 14, suffix: "-X" },
        claims_per_user: 2,
        reveal: "on_demand",
        reveal_within_seconds: 1_200,
        challenge: { type: "turnstile", site_key: "site" },
        code_lifetime_seconds: 129_600,
        codes_outlive_campaign: true,
        holder_only: true,
        redeem_unclaimed: false,
        consent: { required: false, text: "May we know you?", version: "1" },
        contact_retention_days: 90,
        low_stock_thresholds: ["50%", "10%", 100],
        max_claims_per_minute: 500,
        shards: 4,
        metadata: { owner: "crm" },
      });
      expect(await page.locator(".facts").innerText()).toContain("scheduled");
    },
  );
});

describe("a campaign that is changed", () => {
  atLength("is sent only what was changed, so what others change meanwhile stays", async () => {
    const campaign = await campaignWith(10);
    const one = await signedIn();
    const { page } = one;
    await goTo(one, campaign, "edit");
    await send(`PATCH /v1/campaigns/${campaign.id}`, { shop_url: "https://other.example/" });
    const sent: unknown[] = [];
    page.on(
      "request",
      (request) => request.method() === "PATCH" && sent.push(request.postDataJSON()),
    );
    await page.getByLabel("Name", { exact: true }).fill(`${campaign.name} 2`);
    await page.getByRole("button", { name: "Save changes" }).click();
    await page.getByRole("heading", { level: 1, name: `${campaign.name} 2` }).waitFor();
    await says(one, "Saved.");
    expect(sent).toEqual([{ name: `${campaign.name} 2` }]);
    expect(await send(`GET /v1/campaigns/${campaign.id}`)).toMatchObject({
      shop_url: "https://other.example/",
    });
  });

  atLength("is told at the slug that another has it", async () => {
    const campaign = await campaignWith(0);
    const one = await signedIn(brand.secret, [409]);
    const { page } = one;
    await goTo(one, campaign, "edit");
    await page.getByLabel("Slug").fill("default");
    await page.getByRole("button", { name: "Save changes" }).click();
    await page.getByText("Another campaign of yours has this slug.").first().waitFor();
    expect(await page.getByLabel("Slug").getAttribute("aria-invalid")).toBe("true");
  });
});

describe("the page of a campaign", () => {
  atLength("counts live while claims happen, and draws them", async () => {
    const campaign = await campaignWith(200);
    const one = await signedIn();
    const { page } = one;
    await goTo(one, campaign);
    await page.getByText("Live", { exact: true }).waitFor();
    expect(await text(page, "[data-live=available]")).toBe("200");
    const codes = await claim(campaign, 40);
    await expect.poll(() => text(page, "[data-live=available]")).toBe("160");
    await Promise.all(
      codes
        .slice(0, 10)
        .map((code, i) => send("POST /v1/redemptions", { code, order_id: `o-${i}` })),
    );
    await expect.poll(() => text(page, "[data-live=funnel-redeemed]")).toBe("10");
    expect(await text(page, "[data-live=funnel-claimed]")).toBe("40");
    expect(await text(page, ".funnel")).toContain("20 % of those made");
    expect(await text(page, ".funnel")).toContain("25 % of those claimed");
    await page.getByText("40 claims and 10 redemptions in the last 2 days").waitFor();
    const claimsAnHour = Number((await text(page, "[data-live=rate]")).replaceAll(",", ""));
    expect(claimsAnHour).toBeGreaterThanOrEqual(40);
    await page.getByText("At this pace the last code is given").waitFor();
    // Two colours besides the axes' are drawn, and others in the other scheme.
    const drawn = () =>
      page.evaluate<string[]>(`(() => {
        const canvas = document.querySelector(".plot canvas");
        if (canvas === null) return [];
        const { width, height } = canvas;
        const copy = new OffscreenCanvas(width, height).getContext("2d");
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, width, height);
        const colours = new Map();
        for (let i = 0; i < data.length; i += 4) {
          if (data[i + 3] < 255) continue;
          const colour = data.slice(i, i + 3).join();
          colours.set(colour, (colours.get(colour) ?? 0) + 1);
        }
        return [...colours].filter(([, pixels]) => pixels > 100).map(([colour]) => colour);
      })()`);
    await expect.poll(drawn).toEqual(expect.arrayContaining(["47,111,224", "20,128,79"]));
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(drawn).toEqual(expect.arrayContaining(["110,165,255", "79,207,147"]));
    await page.emulateMedia({ colorScheme: null });
    expect(await one.faults()).toEqual([]);
  });

  atLength("shows minutes, hours and days by the keyboard, each as a table as well", async () => {
    const campaign = await campaignWith(20);
    await claim(campaign, 5);
    const one = await signedIn();
    const { page } = one;
    await goTo(one, campaign);
    await page.getByText("5 claims and 0 redemptions in the last 2 days").waitFor();
    await page.getByLabel("Hour").focus();
    await page.keyboard.press("ArrowLeft");
    await page.getByText("5 claims and 0 redemptions in the last 2 hours").waitFor();
    await page.keyboard.press("ArrowLeft");
    await page.getByText("5 claims and 0 redemptions in the last 60 days").waitFor();
    await one.press("The numbers as a table");
    await page.getByRole("cell", { name: "5", exact: true }).waitFor();
    expect(await one.faults()).toEqual([]);
  });

  atLength("comes back by itself after the feed was cut", async () => {
    const campaign = await campaignWith(20);
    const one = await signedIn(brand.secret, [503]);
    const { page } = one;
    let cuts = 0;
    await page.route("**/live", async (route) => {
      cuts += 1;
      if (cuts > 1) return route.fallback();
      const body = `event: stock\ndata: ${JSON.stringify({ at: new Date(), codes: 20, available: 19, claimed: 1, redeemed: 0, claims_per_hour: 1 })}\n\n`;
      return route.fulfill({ contentType: "text/event-stream", body });
    });
    await goTo(one, campaign);
    await page.getByText("Connection lost, trying again").waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
    await expect.poll(() => text(page, "[data-live=available]")).toBe("20");
  });

  atLength("pauses, resumes and ends for good, each said and each true", async () => {
    const campaign = await campaignWith(10);
    const one = await signedIn();
    const { page } = one;
    const status = async () =>
      (await send<{ status: string }>(`GET /v1/campaigns/${campaign.id}`)).status;
    await goTo(one, campaign);
    await one.press("Pause");
    await says(one, "Paused");
    expect(await status()).toBe("paused");
    await page.getByText("Nobody gets a code while the campaign is paused.").waitFor();
    await one.press("Resume");
    await says(one, "Resumed");
    expect(await status()).toBe("active");
    await one.press("End");
    const dialog = page.getByRole("dialog", { name: "End this campaign for good?" });
    await dialog.waitFor();
    expect(await one.faults()).toEqual([]);
    await one.press("Keep it");
    expect(await status()).toBe("active");
    await one.press("End");
    await one.press("End for good");
    await says(one, "Ended for good.");
    expect(await status()).toBe("ended");
    await dialog.waitFor({ state: "detached" });
    expect(await page.getByRole("button", { name: "Resume" }).count()).toBe(0);
    await goTo(one, campaign, "batches");
    await page.getByText("This campaign has ended, so it gets no more codes.").waitFor();
  });

  atLength("proves that no code was given twice, in words", async () => {
    const campaign = await campaignWith(30);
    await claim(campaign, 7);
    const one = await signedIn();
    await goTo(one, campaign);
    await one.press("Check integrity");
    await says(one, "Everything agrees");
    await says(one, "30 codes were made: 7 were given, 23 are left");
    expect(await one.faults()).toEqual([]);
  });

  it("that is not there, or another brand's, says so", async () => {
    const other = await runtime.api.newBrand();
    const foreign = await runtime.api.newCampaign(other, 0);
    const one = await signedIn(brand.secret, [404]);
    for (const name of [foreign, "cmp_00000000000000000000"]) {
      await one.go(`campaigns/${name}`, "Campaign");
      await one.page.getByRole("alert").waitFor();
      expect(await one.page.getByRole("alert").innerText()).toContain("Try again");
    }
  });
});

describe("making codes", () => {
  atLength(
    "goes on while one is elsewhere, shows how far it is, and can be cancelled",
    async () => {
      const campaign = await campaignWith(0);
      const one = await signedIn();
      const { page } = one;
      await goTo(one, campaign, "batches");
      await page.getByText("No codes made yet").waitFor();
      await page.getByLabel("How many").fill("400000");
      await page.getByRole("button", { name: "Make codes" }).click();
      await says(one, "400,000 codes are being made.");
      const bar = page.getByRole("progressbar");
      await bar.waitFor();
      await page.getByRole("link", { name: "Campaigns" }).click();
      await page.getByRole("heading", { level: 1, name: "Campaigns" }).waitFor();
      await page.goBack();
      await bar.waitFor();
      const made = () => bar.getAttribute("value").then(Number, () => -1);
      await expect.poll(made).toBeGreaterThan(0);
      expect(await one.faults()).toEqual([]);
      await one.press("Cancel");
      await says(one, "Cancelled.");
      await page.getByRole("cell", { name: "cancelled" }).waitFor();
      const { data } = await send<{ data: { status: string; created: number }[] }>(
        `GET /v1/campaigns/${campaign.id}/batches`,
      );
      expect(data).toMatchObject([{ status: "cancelled" }]);
      expect(data[0]?.created).toBeLessThan(400_000);
    },
  );

  atLength(
    "that the format has no room for is refused before and after it is asked for",
    async () => {
      const { id, name } = await campaignWith(0, { code_format: { pattern: "####" } });
      const one = await signedIn(brand.secret, [422]);
      const { page } = one;
      await goTo(one, { id, name }, "batches");
      await page.getByText("This format has no room for 1,000 codes").waitFor();
      await page.getByRole("button", { name: "Make codes" }).click();
      await page.getByRole("alert").waitFor();
      expect(await page.getByRole("alert").innerText()).toContain("Request");
    },
  );
});

describe("an import", () => {
  const rows = [
    "code",
    "OWN-1",
    "OWN-2",
    "OWN-1",
    '=cmd|"x"',
    "",
    "OWN 3",
    `LONG-${"9".repeat(130)}`,
  ];

  it("reports each row that was not taken, and all of them as a file", async () => {
    const campaign = await campaignWith(0);
    const one = await signedIn();
    const { page } = one;
    await goTo(one, campaign, "imports");
    await page.getByText("Nothing imported yet").waitFor();
    expect(await one.faults()).toEqual([]);
    const choosing = page.waitForEvent("filechooser");
    await one.tabTo("Choose a file");
    await page.keyboard.press("Space");
    await (await choosing).setFiles(csvFile(rows.join("\n")));
    await page.getByText("Rows not taken").waitFor();
    const counts = await text(page, ".counts");
    expect(counts.split(/\s+/).join(" ")).toBe("Rows 6 Accepted 3 Duplicates 1 Rejected 2");
    await page.getByRole("row", { name: "OWN-1" }).first().waitFor();
    const cells = await page.getByRole("row").allInnerTexts();
    expect(cells.find((row) => row.startsWith("4"))).toMatch(/OWN-1\s+duplicate-in-file/);
    expect(await one.faults()).toEqual([]);
    const saving = page.waitForEvent("download");
    await one.press("Download all as CSV");
    const content = await contentOf(await saving);
    expect(content.split("\r\n").slice(0, 2)).toEqual([
      "line,code,reason,detail",
      expect.stringMatching(/^4,OWN-1,duplicate-in-file,/),
    ]);
    expect(content.trimEnd().split("\r\n")).toHaveLength(4);
    expect(content).not.toMatch(/(^|,)=/m);
    await one.press("All imports");
    await page.getByRole("row").filter({ hasText: "complete" }).waitFor();
    expect(await one.faults()).toEqual([]);
  });

  atLength("takes nothing on a dry run, and a file that is dropped", async () => {
    const campaign = await campaignWith(0);
    const one = await signedIn();
    const { page } = one;
    await goTo(one, campaign, "imports");
    await page.getByLabel("Dry run").check();
    const drop = (name: string, content: string) =>
      page.evaluate(`(() => {
        const files = new DataTransfer();
        files.items.add(new File([${JSON.stringify(content)}], ${JSON.stringify(name)}));
        const zone = document.querySelector(".drop-zone");
        zone.dispatchEvent(new DragEvent("dragover", { dataTransfer: files, cancelable: true }));
        zone.dispatchEvent(new DragEvent("drop", { dataTransfer: files, cancelable: true }));
      })()`);
    await drop("codes.xlsx", "PK");
    await page.getByText("Take a file that ends in").waitFor();
    await drop("codes.json", JSON.stringify({ codes: ["DROP-1", "DROP-2"] }));
    await page.getByText("This was a dry run: no code was taken. Every row is good.").waitFor();
    const codes = () =>
      send<{ data: unknown[] }>(`GET /v1/campaigns/${campaign.id}/codes`).then(({ data }) => data);
    expect(await codes()).toEqual([]);
    await goTo(one, campaign, "imports");
    await drop("codes.ndjson", '{"code":"DROP-1"}\n{"code":"DROP-2"}\n');
    await page.getByText("The codes can be claimed now. Every row is good.").waitFor();
    expect(await codes()).toHaveLength(2);
  });

  atLength("tells how many rows were read while it runs", async () => {
    const campaign = await campaignWith(0);
    const one = await signedIn();
    const { page } = one;
    await goTo(one, campaign, "imports");
    const many = Array.from({ length: 100_000 }, (_, i) => `MANY-${i}`).join("\n");
    await page.getByLabel("Choose a file").setInputFiles(csvFile(many));
    const bar = page.getByRole("progressbar", { name: "Rows read" });
    const read = () => bar.getAttribute("value").then(Number, () => -1);
    await expect.poll(read, { interval: 100 }).toBeGreaterThan(0);
    expect(await bar.getAttribute("max")).toBe("100000");
    await page.getByText("The codes can be claimed now. Every row is good.").waitFor();
  });

  atLength("that cannot be read is refused with the place", async () => {
    const campaign = await campaignWith(0);
    const one = await signedIn(brand.secret, [422]);
    await goTo(one, campaign, "imports");
    await one.page
      .getByLabel("Choose a file")
      .setInputFiles({ name: "a.json", mimeType: "application/json", buffer: Buffer.from("[1") });
    await one.page.getByRole("alert").waitFor();
    expect(await one.page.getByRole("alert").innerText()).toContain("Request");
  });
});

describe("codes, claims and exports", () => {
  atLength("are taken home as files, by the session alone", async () => {
    const campaign = await campaignWith(30);
    const codes = await claim(campaign, 4);
    await send("POST /v1/redemptions", { code: codes[0], order_id: "o-1" });
    const one = await signedIn();
    const { page } = one;
    await goTo(one, campaign, "exports");
    expect(await one.faults()).toEqual([]);
    const get = async (name: string) => {
      const saving = page.waitForEvent("download");
      await page.getByRole("link", { name, exact: true }).focus();
      await page.keyboard.press("Enter");
      const download = await saving;
      return { file: download.suggestedFilename(), content: await contentOf(download) };
    };
    const all = await get("Download CSV of codes");
    expect(all.file).toMatch(/^codes-.*\.csv$/);
    expect(all.content.trimEnd().split("\r\n")).toHaveLength(31);
    await page.getByLabel("Which codes").selectOption("redeemed");
    const redeemed = await get("Download NDJSON of codes");
    expect(
      redeemed.content
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([expect.objectContaining({ code: codes[0], status: "redeemed", user_id: "u-0" })]);
    const claims = await get("Download CSV of claims");
    expect(claims.content.trimEnd().split("\r\n")).toHaveLength(5);
    const redemptions = await get("Download NDJSON of redemptions");
    expect(redemptions.content).toContain('"order_id":"o-1"');
  });

  atLength(
    "are listed a page at a time, and lead to a code without naming it in the address",
    async () => {
      const campaign = await campaignWith(60);
      const [code = ""] = await claim(campaign, 1);
      const one = await signedIn();
      const { page } = one;
      await goTo(one, campaign, "codes");
      const listed = page.locator("tbody tr");
      await expect.poll(() => listed.count()).toBe(25);
      await page.getByRole("button", { name: "Show more" }).click();
      await expect.poll(() => listed.count()).toBe(50);
      expect(await one.faults()).toEqual([]);
      await page.getByLabel("State").selectOption("claimed");
      await expect.poll(() => listed.count()).toBe(1);
      await page.getByLabel("State").selectOption("revoked");
      await page.getByText("No such codes").waitFor();
      await goTo(one, campaign, "claims");
      await expect.poll(() => listed.count()).toBe(1);
      expect(await one.faults()).toEqual([]);
      await one.press(code);
      await expect.poll(() => page.url()).toMatch(/#\/codes$/);
      expect(page.url()).not.toContain(code);
    },
  );
});

describe("the list of campaigns", () => {
  it("survives a hostile name, everywhere that it is shown", async () => {
    const names = [
      `<img src=x onerror="document.title='owned'">`,
      `\u202E${"x".repeat(99)}`,
      "W".repeat(100),
    ];
    for (const name of names) await campaignWith(3, { name });
    const one = await signedIn();
    const { page } = one;
    for (const name of names) await page.getByText(name).first().waitFor();
    expect(await one.faults()).toEqual([]);
    for (const name of names) {
      await page.getByRole("link", { name }).click();
      await page.getByRole("heading", { level: 1, name }).waitFor();
      await page.getByText("3 of 3 left").or(page.locator(".figure")).first().waitFor();
      expect(await one.faults()).toEqual([]);
      await page.getByRole("button", { name: "End" }).click();
      expect(await one.faults()).toEqual([]);
      await page.keyboard.press("Escape");
      await page.getByRole("link", { name: "Edit" }).click();
      expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe(name);
      expect(await one.faults()).toEqual([]);
      await page.getByRole("link", { name: "Campaigns" }).click();
    }
    expect(await page.title()).not.toContain("owned");
    expect(await page.locator("main img").count()).toBe(0);
  });

  atLength("shows the stock of rows on the screen only", async () => {
    for (let i = 0; i < 30; i++) await campaignWith(0);
    const one = await Console.open(context, runtime.address);
    opened.push(one);
    const { page } = one;
    const stats = new Set<string>();
    page.on("request", (request) => {
      if (request.url().includes("/stats?")) stats.add(request.url());
    });
    await one.signIn(brand.secret);
    await expect.poll(() => page.locator("tbody tr").count()).toBe(25);
    await page.getByText("No codes yet").first().waitFor();
    expect(stats.size).toBeLessThan(20);
    await page.getByRole("button", { name: "Show more" }).click();
    await expect.poll(() => page.locator("tbody tr").count()).toBe(31);
    await page.locator("tbody tr").last().scrollIntoViewIfNeeded();
    await page.locator("tbody tr").last().getByText("No codes yet").waitFor();
  });

  atLength("of a test key is of test campaigns, and so is what it makes", async () => {
    await campaignWith(0, { name: "For real" });
    const made = await send<{ key: string }>("POST /v1/keys", {
      kind: "secret",
      mode: "test",
      name: "Trial",
    });
    const one = await signedIn(made.key);
    const { page } = one;
    await page.getByText("No campaigns yet").waitFor();
    expect(await one.faults()).toEqual([]);
    await one.press("Make the first");
    await page.getByLabel("Name", { exact: true }).fill("Trial run");
    expect(await page.getByLabel("Mode").count()).toBe(0);
    await page.getByLabel("Percent").fill("5");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Trial run" }).waitFor();
    expect(await text(page, ".facts")).toContain("test");
  });

  atLength("is not there for a key that may not see it, which is told so", async () => {
    const made = await send<{ key: string }>("POST /v1/keys", {
      kind: "secret",
      mode: "live",
      name: "Checkout",
      scopes: ["redemptions:write"],
    });
    const one = await signedIn(made.key, [403]);
    await one.page.getByRole("alert").waitFor();
    expect(await one.page.getByRole("alert").innerText()).toContain("campaigns:read");
    expect(await one.faults()).toEqual([]);
  });
});

describe("the console", () => {
  it("loads in less than 150 KB gzip, the chart not among it", async () => {
    const one = await Console.open(context, runtime.address);
    opened.push(one);
    const { page } = one;
    const loaded = new Set<string>();
    page.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (pathname === "/console" || pathname.startsWith("/assets/")) loaded.add(pathname);
    });
    const sizes = async () => {
      let sum = 0;
      for (const file of loaded) {
        const answer = await fetch(runtime.address + file);
        sum += gzipSync(await answer.bytes()).length;
      }
      return sum;
    };
    await page.reload();
    await one.signIn(brand.secret);
    await page.getByRole("heading", { level: 1, name: "Campaigns" }).waitFor();
    const first = await sizes();
    expect(first).toBeLessThan(150_000);
    const paint = await page.evaluate<number>(
      `performance.getEntriesByName("first-contentful-paint")[0].startTime`,
    );
    const campaign = await campaignWith(5);
    await goTo(one, campaign);
    await page.locator(".plot canvas").waitFor();
    const withChart = await sizes();
    expect(withChart).toBeGreaterThan(first + 10_000);
    console.info(
      `first load ${first} bytes gzip, with the chart ${withChart}; first paint ${paint.toFixed(0)} ms`,
    );
  });

  atLength(
    `stays quick with a campaign of ${format(MANY)} codes`,
    async () => {
      const campaign = await campaignWith(0);
      const batch = await send<{ id: string }>(`POST /v1/campaigns/${campaign.id}/batches`, {
        count: MANY,
      });
      await expect
        .poll(() => send(`GET /v1/batches/${batch.id}`), { timeout: 280_000, interval: 1_000 })
        .toMatchObject({ status: "complete", created: MANY });
      await claim(campaign, 20);
      const one = await signedIn();
      const { page } = one;
      await page.getByText(`${format(MANY - 20)} of ${format(MANY)} left`).waitFor();
      const calls: { route: string; bytes: number }[] = [];
      page.on("requestfinished", (request) => {
        const { pathname } = new URL(request.url());
        if (!pathname.startsWith("/v1/") || pathname.endsWith("/live")) return;
        void request.response().then(async (response) => {
          const bytes = (await response?.body())?.length ?? 0;
          calls.push({ route: pathname, bytes });
        });
      });
      const began = Date.now();
      for (const part of ["", "codes", "claims", "batches"]) await goTo(one, campaign, part);
      await goTo(one, campaign, "codes");
      await expect.poll(() => page.locator("tbody tr").count()).toBe(25);
      await goTo(one, campaign);
      await page
        .getByText(format(MANY - 20))
        .first()
        .waitFor();
      expect(await text(page, ".funnel")).toContain("< 0.1 % of those made");
      console.info(`six pages of a campaign of ${format(MANY)} codes: ${Date.now() - began} ms`);
      expect(calls.length).toBeLessThan(25);
      expect(Math.max(...calls.map(({ bytes }) => bytes))).toBeLessThan(20_000);
    },
    400_000,
  );
});
