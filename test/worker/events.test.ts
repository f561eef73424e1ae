import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { hashKey } from "../../src/db/api-keys.ts";
import { database } from "../../src/db/database.ts";
import { eventToInsert } from "../../src/db/events.ts";
import { newId, randomBytes } from "../../src/db/new-id.ts";
import { formatApiKey } from "../../src/domain/api-key.ts";
import { formatEventId, type NewEvent } from "../../src/domain/event.ts";
import type { Brand } from "../support/api.ts";
import { api } from "../support/worker-api.ts";

interface EventBody {
  id: string;
  type: string;
  timestamp: string;
  campaign_id: string;
  sequence: number;
  data: object;
}

function erased(campaignId: string, claim: string): NewEvent {
  return {
    id: newId("event"),
    campaignId,
    type: "user.erased",
    timestamp: Date.now(),
    data: { claim_ids: [claim] },
  };
}

function tripped(campaignId: string): NewEvent {
  return {
    id: newId("event"),
    campaignId,
    type: "campaign.breaker_tripped",
    timestamp: Date.now(),
    data: { max_claims_per_minute: 5, tripped_at: new Date().toISOString() },
  };
}

async function enter(...events: [NewEvent, ...NewEvent[]]): Promise<void> {
  const [first, ...rest] = events.map((event) => eventToInsert(env.DB, event));
  if (first !== undefined) await database(env.DB).batch([first, ...rest]);
}

async function testKeyOf(brand: Brand): Promise<string> {
  const key = formatApiKey("secret", "test", randomBytes);
  await env.DB.prepare(
    `INSERT INTO api_keys (id, brand_id, kind, mode, name, hash, hint, created_at)
     VALUES (?, ?, 'secret', 'test', 'Test', ?, 'test', 0)`,
  )
    .bind(newId("apiKey"), brand.id, await hashKey(key))
    .run();
  return key;
}

const eventsOf = (brand: Brand, query = "", limit = 100) =>
  api.listAll<EventBody>(brand.secret, `/v1/events${query}`, limit);

describe("the event log", () => {
  it("tells what happened in a campaign, numbered from 1 without a gap", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const first = erased(campaign, "clm_1");
    await enter(first);
    await enter(erased(campaign, "clm_2"), erased(campaign, "clm_3"));
    const seen = await eventsOf(brand, `?campaign_id=${campaign}`);
    expect(seen.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(seen[0]).toEqual({
      id: formatEventId(campaign, 1),
      type: "user.erased",
      timestamp: new Date(first.timestamp).toISOString(),
      campaign_id: campaign,
      sequence: 1,
      data: { claim_ids: ["clm_1"] },
    });
    expect(await eventsOf(brand, `?campaign_id=${campaign}&after=1`)).toEqual(seen.slice(1));
    expect(await eventsOf(brand, `?campaign_id=${campaign}&after=1`, 1)).toEqual(seen.slice(1));
    expect(await eventsOf(brand, `?campaign_id=${campaign}&after=3`)).toEqual([]);
  });

  it("takes an event once, however often it is sent, and leaves no gap for it", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const event = erased(campaign, "clm_1");
    await Promise.all(Array.from({ length: 5 }, () => enter(event)));
    await enter(event, event, erased(campaign, "clm_2"));
    const seen = await eventsOf(brand, `?campaign_id=${campaign}`);
    expect(seen.map(({ sequence, data }) => [sequence, data])).toEqual([
      [1, { claim_ids: ["clm_1"] }],
      [2, { claim_ids: ["clm_2"] }],
    ]);
  });

  it("numbers events of many writers at once without gap or clash", async () => {
    const brand = await api.newBrand();
    const campaigns = [await api.newCampaign(brand, 0), await api.newCampaign(brand, 0)];
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => enter(erased(campaigns[i % 2] ?? "", `clm_${i}`))),
    );
    const all = await eventsOf(brand);
    expect(all.length).toBe(40);
    for (const campaign of campaigns) {
      const own = all.filter(({ campaign_id: id }) => id === campaign);
      expect(own.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 20 }, (_, i) => i + 1),
      );
      expect(await eventsOf(brand, `?campaign_id=${campaign}`, 3)).toEqual(own);
    }
  });

  it("is paged without skip or repeat while events enter, also those that happened before", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const late = erased(campaign, "late");
    for (let i = 0; i < 4; i++) await enter(erased(campaign, `clm_${i}`));
    const page = async (query: string) =>
      (
        await api.send<{ data: EventBody[]; next_cursor: string | null }>(
          brand.secret,
          `GET /v1/events?limit=3${query}`,
        )
      ).body;
    const first = await page("");
    await enter(late);
    const rest = await page(`&cursor=${first.next_cursor}`);
    expect(rest.next_cursor).toBeNull();
    expect([...first.data, ...rest.data].map(({ data }) => data)).toEqual(
      ["clm_0", "clm_1", "clm_2", "clm_3", "late"].map((id) => ({ claim_ids: [id] })),
    );
    // A cursor is good for its list only.
    const other = await api.send(
      brand.secret,
      `GET /v1/events?type=user.erased&cursor=${first.next_cursor}`,
    );
    expect([other.status, other.body["type"]]).toEqual([
      400,
      expect.stringMatching(/invalid-cursor$/),
    ]);
  });

  it("has a page behind each full one, though the cursor lies at a run's end", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    for (let i = 0; i < 9; i++) await enter(erased(campaign, `clm_${i}`));
    const all = await eventsOf(brand);
    expect(all.length).toBe(9);
    for (const limit of [1, 2, 3, 4]) expect(await eventsOf(brand, "", limit)).toEqual(all);
    const behind = `?after=${all[1]?.id}`;
    for (const limit of [1, 3, 7]) {
      expect(await eventsOf(brand, behind, limit)).toEqual(all.slice(2));
    }
  });

  it("gives one type where it is asked for", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    await enter(erased(campaign, "clm_1"), tripped(campaign), erased(campaign, "clm_2"));
    const query = "?type=campaign.breaker_tripped";
    for (const filter of [query, `${query}&campaign_id=${campaign}`]) {
      expect((await eventsOf(brand, filter)).map(({ sequence }) => sequence)).toEqual([2]);
    }
    const unknown = await api.send(brand.secret, "GET /v1/events?type=campaign.opened");
    expect(unknown.status).toBe(422);
  });

  it("shows no event of another brand, and to a test key those of test campaigns only", async () => {
    const brand = await api.newBrand();
    const rival = await api.newBrand();
    const live = await api.newCampaign(brand, 0);
    const test = await api.newCampaign(brand, 0, { mode: "test" });
    await enter(erased(live, "clm_live"), erased(test, "clm_test"));
    expect((await eventsOf(brand)).length).toBe(2);
    expect(await eventsOf(rival)).toEqual([]);
    const theirs = await api.send(rival.secret, `GET /v1/events?campaign_id=${live}`);
    expect(theirs.status).toBe(404);
    const key = await testKeyOf(brand);
    expect(await api.listAll<EventBody>(key, "/v1/events")).toMatchObject([{ campaign_id: test }]);
    expect((await api.send(key, `GET /v1/events?campaign_id=${live}`)).status).toBe(404);
    expect((await api.send(key, `GET /v1/events?campaign_id=${test}`)).status).toBe(200);
  });

  it("takes after only with a campaign, and only a sequence", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    for (const query of [
      "after=1",
      `campaign_id=${campaign}&after=x`,
      `campaign_id=${campaign}&after=-1`,
    ]) {
      const answer = await api.send(brand.secret, `GET /v1/events?${query}`);
      expect([query, answer.status]).toEqual([query, 422]);
      expect(answer.body["errors"]).toMatchObject([{ in: "query", pointer: "/after" }]);
    }
  });
});
