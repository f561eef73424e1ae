/** A checkout over TCP, served by workerd itself: many orders at once, and a process that dies. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Brand } from "../support/api.ts";
import { Shop, statuses } from "../support/checkout.ts";
import { prepared } from "../support/prepared.ts";
import { Runtime } from "../support/runtime.ts";

const work = mkdtempSync(path.join(tmpdir(), "codedrop-checkout-"));
const stateDir = path.join(work, "state");
let bundle = "";
let runtime: Runtime | null = null;
let brand: Brand | null = null;
let campaign = "";

beforeAll(async () => {
  bundle = prepared(stateDir);
  runtime = await Runtime.start({ bundle, stateDir, log: "record" });
  brand = await runtime.api.newBrand();
  campaign = await runtime.api.newCampaign(brand, 50, { shards: 2 });
});

afterAll(async () => {
  await runtime?.kill();
  rmSync(work, { recursive: true, force: true });
});

function shopNow(): Shop {
  if (runtime === null || brand === null) throw new Error("Not started");
  return new Shop(runtime.api, brand);
}

async function killAndRestart(): Promise<void> {
  await runtime?.kill();
  runtime = await Runtime.start({ bundle, stateDir, log: "record" });
}

const HUNDRED = Array.from({ length: 100 }, (_, i) => i);

it("a code that 100 orders bring at once is spent by one of them", async () => {
  const shop = shopNow();
  const code = await shop.codeFor(campaign, "u-1");
  const answers = await Promise.all(HUNDRED.map((i) => shop.redeem(code, `o-${i}`)));
  expect(statuses(answers)).toEqual({ 201: 1, 409: 99 });
  const won = answers.find(({ status }) => status === 201)?.body;
  const again = await Promise.all(HUNDRED.map(() => shop.redeem(code, won?.order_id ?? "")));
  expect(statuses(again)).toEqual({ 200: 100 });
  for (const { body } of again) expect(body).toEqual(won);
});

it("an order that comes 100 times at once spends its code once", async () => {
  const shop = shopNow();
  const code = await shop.codeFor(campaign, "u-2");
  const answers = await Promise.all(HUNDRED.map(() => shop.redeem(code, "o-1")));
  expect(statuses(answers)).toEqual({ 200: 99, 201: 1 });
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
});

it("two holds at once are one, and when it lapses the next order comes in at that moment", async () => {
  const shop = shopNow();
  const code = await shop.codeFor(campaign, "u-3");
  const two = await Promise.all([shop.hold(code, "o-1", 1), shop.hold(code, "o-2", 1)]);
  expect(statuses(two)).toEqual({ 201: 1, 409: 1 });
  const held = two.find(({ status }) => status === 201)?.body;
  const end = Date.parse(held?.expires_at ?? "");
  const seen: { status: number; sent: number; answered: number }[] = [];
  while (seen.at(-1)?.status !== 201) {
    const sent = Date.now();
    const { status } = await shop.redeem(code, "o-3");
    seen.push({ status, sent, answered: Date.now() });
  }
  // The clocks are one: what was answered before the end was refused, what was sent after it not.
  for (const { status, sent, answered } of seen) {
    if (answered < end) expect(status).toBe(409);
    if (sent > end) expect(status).toBe(201);
  }
  expect(seen.length).toBeGreaterThan(2);
});

it("what was answered is there after a kill: held, spent, undone, revealed", async () => {
  const reserving = await shopNow().send<{ id: string }>("POST /v1/campaigns", {
    name: "On demand",
    reveal: "on_demand",
  });
  if (runtime === null || brand === null) throw new Error("Not started");
  await runtime.api.addCodes(brand, reserving.body.id, 5);
  const reserve = (user: string) =>
    shopNow().send<{ id: string; code: string | null }>(
      `POST /v1/campaigns/${reserving.body.id}/claims`,
      { user: { id: user } },
    );
  const reveal = (id: string) => shopNow().send<{ code: string }>(`POST /v1/claims/${id}/reveal`);
  const code = await shopNow().codeFor(campaign, "k-1");
  const held = await shopNow().hold(code, "o-1");
  const claim = await reserve("r-1");
  await killAndRestart();
  expect((await shopNow().redeem(code, "o-2")).status).toBe(409);
  const spent = await shopNow().redeem(code, "o-9", { hold_id: held.body.id });
  expect(spent.status).toBe(201);
  const shown = await reveal(claim.body.id);
  await killAndRestart();
  expect((await shopNow().redeem(code, "o-9")).body).toEqual(spent.body);
  expect((await reveal(claim.body.id)).body).toEqual(shown.body);
  const undone = await shopNow().rollBack(spent.body.id, "first");
  await killAndRestart();
  expect((await shopNow().rollBack(spent.body.id, "second")).body).toEqual(undone.body);
  expect((await shopNow().redeem(code, "o-3")).status).toBe(201);
  if (runtime === null || brand === null) throw new Error("Not started");
  expect((await runtime.api.integrity(brand, campaign)).ok).toBe(true);
  expect((await runtime.api.integrity(brand, reserving.body.id)).ok).toBe(true);
});
