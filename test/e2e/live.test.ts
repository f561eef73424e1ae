/** Watching a campaign over real HTTP, on the runtime itself: objects sleep as they do there. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Codedrop } from "../../src/client/client.ts";
import type { Brand } from "../support/api.ts";
import { Feed } from "../support/feed.ts";
import { prepared } from "../support/prepared.ts";
import { bundle, Runtime } from "../support/runtime.ts";

/** An object that is let alone for 10 s sleeps, if nothing keeps it awake. */
const ASLEEP_MS = 14_000;

const folder = mkdtempSync(path.join(tmpdir(), "codedrop-live-"));
let runtime: Runtime;
let brand: Brand;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function watch(campaign: string): Promise<{ feed: Feed; hangUp: () => void }> {
  const connection = new AbortController();
  const answer = await fetch(`${runtime.address}/v1/campaigns/${campaign}/live`, {
    headers: { Authorization: `Bearer ${brand.secret}` },
    signal: connection.signal,
  });
  expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "text/event-stream"]);
  return { feed: new Feed(answer.body), hangUp: () => connection.abort() };
}

/** What the pool says of itself, without its claims. */
async function pool(campaign: string): Promise<{ born: string; sockets: number }> {
  const answer = await fetch(`${runtime.address}/watched/${campaign}`);
  return (await answer.json()) as { born: string; sockets: number };
}

let users = 0;

async function claimAll(campaign: string, count: number, inFlight = 20): Promise<number> {
  const began = performance.now();
  let left = count;
  const work = async () => {
    while (left-- > 0) {
      const { status } = await runtime.api.claim(brand, campaign, `u-${users++}`);
      expect(status).toBe(201);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return performance.now() - began;
}

beforeAll(async () => {
  prepared(folder);
  const entry = path.resolve(import.meta.dirname, "../support/watched-worker.ts");
  bundle(path.join(folder, "bundle"), { entry });
  runtime = await Runtime.start({
    bundle: path.join(folder, "bundle"),
    stateDir: folder,
    log: "record",
  });
  brand = await runtime.api.newBrand();
});

afterAll(async () => {
  await runtime?.kill();
  rmSync(folder, { recursive: true, force: true });
});

describe("a feed over HTTP", () => {
  it("follows a burst to its end, closes its sockets when hung up, and is the client's iterator", async () => {
    const campaign = await runtime.api.newCampaign(brand, 500, { shards: 4 });
    const { feed, hangUp } = await watch(campaign);
    await feed.until(({ available }) => available === 500);
    await claimAll(campaign, 400);
    await feed.until(({ claimed }) => claimed === 400);
    for (const [i, { available, codes, claimed }] of feed.told.entries()) {
      expect(available).toBe(codes - claimed);
      expect(available).toBeLessThanOrEqual(feed.told[i - 1]?.available ?? 500);
    }
    const codedrop = new Codedrop({ baseUrl: runtime.address, key: brand.secret });
    const { totals } = await codedrop.stats(campaign);
    expect(feed.told.at(-1)).toMatchObject({ available: totals.available, claimed: 400 });

    for await (const stock of codedrop.campaigns.live(campaign)) {
      expect(stock).toMatchObject({ codes: 500, available: 100 });
      break;
    }
    expect((await pool(campaign)).sockets).toBeLessThanOrEqual(2);
    hangUp();
    // The runtime sees that a reader is gone when it has something for them.
    await claimAll(campaign, 8);
    await expect.poll(async () => (await pool(campaign)).sockets, { timeout: 5_000 }).toBe(0);
  });

  it("lets the pool sleep while nothing happens, and hears of the next claim", async () => {
    const campaign = await runtime.api.newCampaign(brand, 10);
    await claimAll(campaign, 1);
    const { feed, hangUp } = await watch(campaign);
    await feed.until(({ available }) => available === 9);
    const { born } = await pool(campaign);
    await wait(ASLEEP_MS);
    await claimAll(campaign, 1);
    await feed.until(({ available }) => available === 8);
    const after = await pool(campaign);
    // Made anew, with the socket of before, while the feed stayed open and said nothing.
    expect(after.born).not.toBe(born);
    expect([after.sockets, feed.told.length, feed.reason]).toEqual([1, 2, null]);
    hangUp();
  });

  it("costs claims nothing that can be seen", async () => {
    const campaign = await runtime.api.newCampaign(brand, 9_000);
    await claimAll(campaign, 300);
    const spent = { without: 0, watched: 0 };
    // In turn, so that the machine's mood meets both.
    for (let round = 0; round < 6; round++) {
      spent.without += await claimAll(campaign, 300);
      const { feed, hangUp } = await watch(campaign);
      await feed.until(() => true);
      spent.watched += await claimAll(campaign, 300);
      expect(feed.told.length).toBeGreaterThan(0);
      hangUp();
    }
    // What a shared machine may do to either; a feed that claims waited for would be times slower.
    expect(spent.watched).toBeLessThan(spent.without * 1.4);
    console.info(`claims watched / not watched: ${(spent.without / spent.watched).toFixed(2)}`);
  });
});
