/** The typed client in workerd, against the service itself. */

import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  Codedrop,
  CodedropError,
  type ExportedClaim,
  type ExportedCode,
  type ExportedRedemption,
  type StatsWindow,
} from "../../src/client/client.ts";
import { unique } from "../support/api.ts";

const baseUrl = "http://codedrop.test";
const clientOf = (key: string) =>
  new Codedrop({
    baseUrl,
    key,
    fetch: (url, init) => exports.default.fetch(new Request(url, init)),
  });
const operator = clientOf(env.OPERATOR_TOKEN);

async function newBrand(): Promise<Codedrop> {
  const { keys } = await operator.brands.create({ name: unique("brand") });
  return clientOf(keys.secret);
}

describe("the client", () => {
  it("leads a campaign from its first code to its proof", async () => {
    const codedrop = await newBrand();
    const discount = { type: "percentage", value: 15 } as const;
    const { slug } = await codedrop.campaigns.create({ name: "Spring", slug: "spring", discount });
    expect(await codedrop.batches.create(slug, { count: 250 })).toMatchObject({
      status: "complete",
      created: 250,
    });
    const [first, second, again] = [
      await codedrop.claims.create(slug, { user: { id: "u-1" } }),
      await codedrop.claims.create(slug, { user: { id: "u-2" } }),
      await codedrop.claims.create(slug, { user: { id: "u-1" } }),
    ];
    expect(again).toEqual(first);
    expect(second.code).not.toBe(first.code);
    expect(await codedrop.claims.get(first.id)).toEqual(first);
    expect((await codedrop.claims.list(slug, { user_id: "u-2" }).page()).data).toEqual([second]);

    const codes = new Set<string>();
    for await (const { code } of codedrop.codes.list(slug)) codes.add(code);
    expect(codes.size).toBe(250);
    expect(codes).toContain(first.code);
    expect((await codedrop.stats(slug)).totals).toMatchObject({ codes: 250, claimed: 2 });
    expect(await codedrop.integrity(slug)).toMatchObject({ ok: true, claimed: 2 });
  });

  it("exports rows of the fields that its types have, and no other", async () => {
    const codedrop = await newBrand();
    const { id } = await codedrop.campaigns.create({ name: "Exported" });
    const batch = await codedrop.batches.create(id, { count: 1 });
    const claim = await codedrop.claims.create(id, { user: { id: "u-1" } });
    const code = claim.code ?? "";
    const spent = await codedrop.redemptions.create({ code, order_id: "o-1" });
    const { claimed_at } = claim;
    const of = { code, claim_id: claim.id, user_id: "u-1" };
    const codeRow: ExportedCode = {
      ...of,
      status: "redeemed",
      batch_id: batch.id,
      claimed_at,
      redeemed_at: spent.redeemed_at,
      expires_at: null,
      revoked_at: null,
    };
    const claimRow: ExportedClaim = {
      id: claim.id,
      code,
      user_id: "u-1",
      status: "redeemed",
      claimed_at,
      expires_at: null,
      consent_version: null,
      email: null,
      name: null,
    };
    const redemptionRow: ExportedRedemption = {
      ...of,
      id: spent.id,
      order_id: "o-1",
      order_amount: null,
      order_currency: null,
      discount_amount: null,
      redeemed_at: spent.redeemed_at,
      status: "redeemed",
      rolled_back_at: null,
    };
    const exported = async () => [
      await Array.fromAsync(codedrop.codes.export(id)),
      await Array.fromAsync(codedrop.claims.export(id)),
      await Array.fromAsync(codedrop.redemptions.export(id)),
    ];
    // D1, which they are of, is a moment behind the pools.
    await expect.poll(exported).toEqual([[codeRow], [claimRow], [redemptionRow]]);
  });

  it("reveals, holds, redeems and rolls back", async () => {
    const codedrop = await newBrand();
    const { id } = await codedrop.campaigns.create({ name: "Shown late", reveal: "on_demand" });
    await codedrop.batches.create(id, { count: 3 });
    const reserved = await codedrop.claims.create(id, { user: { id: "u-1" } });
    expect(reserved).toMatchObject({ code: null, status: "reserved" });
    const claim = await codedrop.claims.reveal(reserved.id);
    expect(claim).toMatchObject({ id: reserved.id, status: "claimed", reveal_by: null });
    const code = claim.code ?? "";
    const order = { code, order_id: "o-1" };

    const hold = await codedrop.holds.create({ ...order, ttl_seconds: 600 });
    expect(await codedrop.holds.get(hold.id)).toEqual(hold);
    const asked = { codes: [{ code }, order, { code: "NONE-SUCH" }] };
    const { data: verdicts } = await codedrop.codes.validateMany(asked);
    expect(verdicts.map(({ reason }) => reason)).toEqual(["held", null, "unknown"]);
    await codedrop.holds.release(hold.id);
    expect(await codedrop.holds.get(hold.id)).toMatchObject({ status: "released" });

    const spent = await codedrop.redemptions.create(order);
    const reason = "The order was cancelled.";
    const rolledBack = { ...spent, status: "rolled_back", rollback_reason: reason };
    const undone = await codedrop.redemptions.rollBack(spent.id, { reason });
    expect(undone).toEqual({ ...rolledBack, rolled_back_at: expect.any(String) });
    const orders = [order, order, { code, order_id: "o-2" }];
    const { data: made } = await codedrop.redemptions.createMany({ redemptions: orders });
    expect(made.map(({ result }) => result)).toEqual(["redeemed", "repeated", "refused"]);
    const { history } = await codedrop.codes.lookup(code);
    const since = ["claimed", "redeemed", "rolled_back", "redeemed"];
    expect(history.map(({ event }) => event)).toEqual(["made", ...since]);
  });

  it("watches a campaign's stock until the campaign ends, or the caller has seen enough", async () => {
    const codedrop = await newBrand();
    const { id } = await codedrop.campaigns.create({ name: "Watched" });
    await codedrop.batches.create(id, { count: 3 });
    const seen: number[] = [];
    for await (const { available, claimed } of codedrop.campaigns.live(id)) {
      expect(available).toBe(3 - claimed);
      seen.push(available);
      if (available === 3) await codedrop.claims.create(id, { user: { id: "u-1" } });
      else await codedrop.campaigns.end(id);
    }
    expect(seen).toEqual([3, 2]);
    for await (const { available } of codedrop.campaigns.live(id)) {
      expect(available).toBe(2);
      break;
    }
    await expect(codedrop.campaigns.live("nope").next()).rejects.toMatchObject({
      slug: "not-found",
    });
  });

  it("asks for the course of a campaign in the intervals that the caller names", async () => {
    const codedrop = await newBrand();
    const { id } = await codedrop.campaigns.create({ name: "Course" });
    const window = { interval: "day", from: "2026-01-01T00:00:00Z", to: "2026-01-03T00:00:00Z" };
    const { series } = await codedrop.stats(id, window as StatsWindow);
    expect(series.map(({ start }) => start)).toEqual([
      "2026-01-01T00:00:00.000Z",
      "2026-01-02T00:00:00.000Z",
    ]);
  });

  it("gives a user of several codes one with each call", async () => {
    const codedrop = await newBrand();
    const campaign = await codedrop.campaigns.create({ name: "Two", claims_per_user: 2 });
    await codedrop.batches.create(campaign.id, { count: 5 });
    const user = { id: "u-1" };
    const first = await codedrop.claims.create(campaign.id, { user }, { idempotencyKey: "a" });
    const repeated = await codedrop.claims.create(campaign.id, { user }, { idempotencyKey: "a" });
    const second = await codedrop.claims.create(campaign.id, { user });
    expect(repeated.code).toBe(first.code);
    expect(second.code).not.toBe(first.code);
  });

  it("throws the service's problems", async () => {
    const codedrop = await newBrand();
    const { id } = await codedrop.campaigns.create({ name: "Spring" });
    await codedrop.campaigns.pause(id);
    const claim = codedrop.claims.create(id, { user: { id: "u-1" } });
    const error = await claim.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CodedropError);
    expect(error).toMatchObject({
      slug: "campaign-not-open",
      status: 409,
      detail: "The campaign is paused.",
      requestId: expect.any(String),
    });
    await codedrop.campaigns.resume(id);
    await expect(codedrop.claims.create(id, { user: { id: "u-1" } })).rejects.toMatchObject({
      slug: "codes-exhausted",
    });
    await expect(operator.campaigns.get(id)).rejects.toMatchObject({ slug: "forbidden" });
  });
});
