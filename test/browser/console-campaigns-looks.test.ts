/**
 * What the console's pages of campaigns look like. The answers of the service are made up, of the
 * client's types, so that ids, codes, times and charts are the same at each run.
 */

import path from "node:path";
import type { Browser, Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ASSETS_FOLDER } from "../../src/build/build.ts";
import type { Batch, Campaign, Code, Import, LiveStock, Stats } from "../../src/client/client.ts";
import { resize, startBrowser } from "../support/browser.ts";
import { holdScreenshots } from "../support/screenshots.ts";

const ORIGIN = "https://console.example";
const NOW = "2027-03-14T10:30:00.000Z";

/** So many minutes before NOW, or after it. */
const at = (minutes: number) => new Date(Date.parse(NOW) + minutes * 60_000).toISOString();
const HOUR = 60;
const DAY = 24 * HOUR;

const plain: Campaign = {
  id: "cmp_1",
  slug: "spring-sale",
  name: "Spring sale",
  mode: "live",
  status: "active",
  discount: { type: "percentage", value: 15 },
  starts_at: at(-3 * DAY),
  ends_at: at(11 * DAY),
  claims_per_user: 1,
  code_lifetime_seconds: null,
  contact_retention_days: null,
  code_format: { prefix: "SPRING-", pattern: "####-####" },
  accept_guessable: false,
  consent: null,
  challenge: null,
  shop_url: "https://shop.example/",
  shards: 1,
  max_claims_per_minute: null,
  breaker_tripped_at: null,
  low_stock_thresholds: ["10%"],
  reveal: "at_claim",
  reveal_within_seconds: 900,
  holder_only: false,
  redeem_unclaimed: false,
  codes_outlive_campaign: false,
  metadata: {},
  created_at: at(-5 * DAY),
};

const none = { starts_at: null, ends_at: null };

const campaigns: Campaign[] = [
  plain,
  {
    ...plain,
    id: "cmp_2",
    slug: "summer",
    name: "Summer, for members only",
    discount: { type: "fixed_amount", value: 1_000, currency: "EUR", minimum_order_amount: 5_000 },
    starts_at: at(6 * DAY),
    ends_at: at(40 * DAY),
  },
  {
    ...plain,
    ...none,
    id: "cmp_3",
    slug: "newsletter",
    name: "Newsletter thank-you",
    status: "paused",
    discount: { type: "free_shipping" },
  },
  { ...plain, ...none, id: "cmp_4", slug: "trial", name: "Trial run", mode: "test" },
  {
    ...plain,
    id: "cmp_5",
    slug: "long",
    name: `<img src=x onerror=alert(1)> ${"W".repeat(71)}`,
    status: "ended",
    starts_at: null,
    ends_at: at(-DAY),
  },
];

const totals = (codes: number, claimed: number, redeemed: number, revoked = 0) => ({
  codes,
  available: codes - claimed - redeemed - revoked,
  claimed,
  redeemed,
  expired: 0,
  revoked,
});

const STOCKS: Record<string, Stats["totals"]> = {
  cmp_1: totals(10_000, 3_120, 1_480, 60),
  cmp_2: totals(5_000, 0, 0),
  cmp_3: totals(2_000, 1_300, 650),
  cmp_4: totals(0, 0, 0),
  cmp_5: totals(500, 120, 380),
};

const MINUTES = { minute: 1, hour: HOUR, day: DAY };

/** Two waves a day, and spending that follows them. */
function statsOf(id: string, interval: keyof typeof MINUTES): Stats {
  const many = { minute: 120, hour: 48, day: 60 }[interval];
  const series = Array.from({ length: many }, (_, i) => {
    const wave = 1 + Math.sin(i / 3.8);
    return {
      start: at((i - many) * MINUTES[interval]),
      claimed: Math.round(48 * wave * (i / many)),
      redeemed: Math.round(22 * (1 + Math.sin((i - 3) / 3.8)) * (i / many)),
    };
  });
  const known = STOCKS[id] ?? totals(0, 0, 0);
  return { totals: known, series, claims_per_hour: 84, empty_at: at(64 * HOUR) };
}

const live: LiveStock = {
  at: NOW,
  codes: 10_000,
  available: 5_340,
  claimed: 4_645,
  redeemed: 1_480,
  claims_per_hour: 84,
};

const batches: Batch[] = [
  batch("bat_3", "running", 250_000, 91_000),
  batch("bat_2", "cancelled", 50_000, 20_000),
  batch("bat_1", "complete", 10_000, 10_000),
];

function batch(id: string, status: Batch["status"], requested: number, created: number): Batch {
  const finished = status === "running" ? null : at(-DAY);
  const times = { created_at: at(-DAY - 1), finished_at: finished };
  return { id, campaign_id: "cmp_1", status, requested, created, ...times };
}

const imported: Import = {
  id: "imp_1",
  campaign_id: "cmp_1",
  status: "complete",
  dry_run: false,
  rows: 12_480,
  accepted: 12_415,
  duplicates: 61,
  rejected: 4,
  created_at: at(-2 * HOUR),
  finished_at: at(-2 * HOUR),
  errors: [
    {
      line: 18,
      code: "SUMMER-1",
      reason: "duplicate-in-file",
      detail: "Nothing to do: an earlier row of the file has the same code.",
    },
    {
      line: 4_310,
      code: "",
      reason: "extra-fields",
      detail: "Put every field that contains the delimiter in quotes.",
    },
  ],
};

const codes: Code[] = (["redeemed", "claimed", "available", "revoked"] as const).map(
  (status, i) => ({
    code: `SPRING-7K${i}Q-MX4${i}`,
    status,
    batch_id: "bat_1",
    user_id: status === "available" ? null : `user-${i}@shop.example`,
    claimed_at: status === "available" ? null : at(-i * HOUR),
    redeemed_at: status === "redeemed" ? at(-30) : null,
  }),
);

const session = {
  brand: { id: "brd_1", slug: "acme", name: "Acme Shoes" },
  key: { id: "key_1", kind: "secret", mode: "live", name: "Console", hint: "ab12", scopes: null },
  expires_at: at(10 * HOUR),
};

const paged = (data: unknown[], more = false) => ({ data, next_cursor: more ? "next" : null });

/** What the service answers to a path; undefined: nothing known. */
function answerTo({ pathname, searchParams }: URL): unknown {
  const [, , what, id = "", part] = pathname.split("/");
  if (pathname === "/console/session") return session;
  if (what === "batches") return batches.find((one) => one.id === id);
  if (what === "imports") return part === "errors" ? paged(imported.errors, true) : imported;
  if (what !== "campaigns") return undefined;
  if (id === "") return paged(campaigns);
  if (part === undefined) return campaigns.find((one) => one.id === id);
  if (part === "stats") {
    return statsOf(id, (searchParams.get("interval") ?? "hour") as keyof typeof MINUTES);
  }
  return {
    batches: paged(batches),
    imports: paged([imported]),
    codes: paged(codes, true),
  }[part];
}

async function answer(route: Route): Promise<void> {
  const url = new URL(route.request().url());
  if (url.pathname === "/console" || url.pathname.startsWith("/assets/")) {
    const file = url.pathname === "/console" ? "console.html" : url.pathname;
    return route.fulfill({ path: path.join(ASSETS_FOLDER, file) });
  }
  if (url.pathname.endsWith("/live")) {
    const told = `event: stock\ndata: ${JSON.stringify(live)}\n\n`;
    const body = `${told}event: end\ndata: {"reason":"time"}\n\n`;
    return route.fulfill({ contentType: "text/event-stream", body });
  }
  const json = answerTo(url);
  return json === undefined ? route.abort() : route.fulfill({ json });
}

let browser: Browser;
let page: Page;

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(() => browser.close());

beforeEach(async () => {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    timezoneId: "Europe/Berlin",
    locale: "en-GB",
  });
  page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  // The codes of a preview, too, are the same each time.
  await page.addInitScript(`crypto.getRandomValues = (bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 37 + 11) % 250;
    return bytes;
  }`);
  await page.route("**", answer);
});

afterEach(() => page.context().close());

async function open(hash: string, heading: string): Promise<void> {
  await page.goto(`${ORIGIN}/console#/${hash}`);
  await page.getByRole("heading", { level: 1, name: heading }).waitFor();
}

describe("the console", () => {
  it("looks as it did: the list of campaigns", async () => {
    await open("campaigns", "Campaigns");
    await page.getByText("5,340 of 10,000 left").waitFor();
    await page.locator("tbody tr").last().scrollIntoViewIfNeeded();
    await page.getByText("0 of 500 left").waitFor();
    await holdScreenshots(page, "campaigns");
  });

  it("looks as it did: a campaign, and before it is ended", async () => {
    await open("campaigns/cmp_1", "Spring sale");
    await page.getByText("Live", { exact: true }).waitFor();
    await page.locator(".plot canvas").waitFor();
    await holdScreenshots(page, "campaign");
    await page.getByRole("button", { name: "End" }).click();
    await holdScreenshots(page, "campaign-end", { mask: [".plot"] });
  });

  it("looks as it did: a campaign without codes", async () => {
    await page.route("**/live", (route) => route.abort());
    await open("campaigns/cmp_4", "Trial run");
    await page.getByText("No codes yet").waitFor();
    await holdScreenshots(page, "campaign-empty");
  });

  it("looks as it did: the form, with what is wrong", async () => {
    await open("campaigns/new", "New campaign");
    await page.getByText("Consent and contact data").click();
    await page.getByLabel("Ask users whether").check();
    await page.getByRole("button", { name: "Make campaign" }).click();
    await page.getByText("Give it a name.").first().waitFor();
    // As high as the page: what sticks to the foot of the window is at the foot of the form.
    for (const width of [375, 1280]) {
      await resize(page, { width, height: 800 });
      const height = await page.evaluate<number>("document.documentElement.scrollHeight");
      await holdScreenshots(page, "campaign-new", { widths: [width], height });
    }
  });

  it("looks as it did: batches, imports and the report of one", async () => {
    await open("campaigns/cmp_1/batches", "Spring sale");
    await page.getByRole("progressbar").waitFor();
    await holdScreenshots(page, "campaign-batches");
    await open("campaigns/cmp_1/imports", "Spring sale");
    await page.getByText("12,480").waitFor();
    await holdScreenshots(page, "campaign-imports");
    await open("campaigns/cmp_1/imports/imp_1", "Spring sale");
    await page.getByText("Show more").waitFor();
    await holdScreenshots(page, "campaign-import");
  });

  it("looks as it did: codes and exports", async () => {
    await open("campaigns/cmp_1/codes", "Spring sale");
    await page.getByText("Show more").waitFor();
    await holdScreenshots(page, "campaign-codes");
    await open("campaigns/cmp_1/exports", "Spring sale");
    await page.getByLabel("Which codes").waitFor();
    await holdScreenshots(page, "campaign-exports");
  });

  it("says in words what cannot be had at present, and offers to try again", async () => {
    await page.route("**/v1/campaigns?**", (route) =>
      route.fulfill({
        status: 500,
        contentType: "application/problem+json",
        json: {
          type: "https://console.example/problems/internal-error",
          title: "Something went wrong on our side",
          status: 500,
          detail: "Repeat the request.",
          request_id: "0190a5ab-0000-7000-8000-000000000000",
        },
      }),
    );
    await open("campaigns", "Campaigns");
    await page.getByRole("button", { name: "Try again" }).waitFor();
    expect(await page.getByRole("alert").innerText()).toContain("0190a5ab");
  });
});
