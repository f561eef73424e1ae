/** News on their way from the queue to the senders. */

import {
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  getQueueResult,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { News, NewsFrom } from "../../src/domain/news.ts";
import { dispatchNews } from "../../src/webhooks/dispatch.ts";
import { faultyD1 } from "../support/faulty-d1.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { Receiver } from "../support/receiver.ts";
import { idsOf, newEndpoint, NOBODY_LISTENS, Sender } from "../support/webhooks.ts";
import { api } from "../support/worker-api.ts";

const from = (number: number): NewsFrom => ({ campaignId: "cmp_1", shard: 0, number });

/** What becomes of the messages, and which news were confirmed. */
async function dispatch(
  news: News[],
  bindings: Partial<Env> = {},
  fails: (number: number) => boolean = () => false,
) {
  const messages = news.map((body, i) => ({
    id: `${i}`,
    timestamp: new Date(),
    attempts: 1,
    body,
  }));
  const batch = createMessageBatch<News>("codedrop-news", messages);
  const confirmed: number[] = [];
  const newsHeard = async (number: number) => {
    if (fails(number)) throw new Error("The pool does not answer");
    confirmed.push(number);
  };
  const CODE_POOL = { getByName: () => ({ newsHeard }) } as unknown as Env["CODE_POOL"];
  await dispatchNews(batch, { ...env, CODE_POOL, ...bindings });
  const result = await getQueueResult(batch, createExecutionContext());
  return {
    acked: result.explicitAcks,
    retried: result.retryMessages.map(({ msgId }) => msgId),
    confirmed,
  };
}

/** Senders of which some cannot be reached; notes who was called. */
function sendersWithout(dead: string[], called: string[]): Env["WEBHOOK_SENDER"] {
  return {
    getByName: (id: string) => {
      called.push(id);
      if (dead.includes(id)) throw new Error("The object does not answer");
      return env.WEBHOOK_SENDER.getByName(id);
    },
  } as unknown as Env["WEBHOOK_SENDER"];
}

afterEach(() => {
  vi.useRealTimers();
});

describe("news", () => {
  it("wake each enabled endpoint of the brand once, and are confirmed then", async () => {
    const brand = await api.newBrand();
    const rival = await api.newBrand();
    const [one, two] = [
      await newEndpoint(brand, NOBODY_LISTENS),
      await newEndpoint(brand, NOBODY_LISTENS, { mode: "test" }),
    ];
    const disabled = { status: "disabled", disabledReason: "requested", disabledAt: 1 } as const;
    await newEndpoint(brand, NOBODY_LISTENS, disabled);
    await newEndpoint(rival, NOBODY_LISTENS);
    const called: string[] = [];
    let asked = 0;
    const result = await dispatch(
      [1, 2, 3].map((number) => ({ brandId: brand.id, from: from(number) })),
      {
        WEBHOOK_SENDER: sendersWithout([], called),
        DB: interceptedD1(env.DB, (_, call) => {
          asked += 1;
          return call();
        }),
      },
    );
    expect(result).toEqual({ acked: ["0", "1", "2"], retried: [], confirmed: [1, 2, 3] });
    expect(called.toSorted()).toEqual([one.id, two.id].toSorted());
    expect(asked).toBe(1);
  });

  it("are not confirmed and come again unless every sender of the brand was woken", async () => {
    const brand = await api.newBrand();
    const other = await api.newBrand();
    const [good, dead] = [
      await newEndpoint(brand, NOBODY_LISTENS),
      await newEndpoint(brand, NOBODY_LISTENS),
    ];
    const theirs = await newEndpoint(other, NOBODY_LISTENS);
    const called: string[] = [];
    const result = await dispatch(
      [
        { brandId: brand.id, from: from(1) },
        { brandId: other.id, from: from(2) },
        { brandId: brand.id, from: null },
      ],
      { WEBHOOK_SENDER: sendersWithout([dead.id], called) },
    );
    expect(result).toEqual({
      acked: ["1"],
      retried: ["0", "2"],
      confirmed: [2],
    });
    expect(called.toSorted()).toEqual([good.id, dead.id, theirs.id].toSorted());
  });

  it("come again when D1 does not say whom to wake", async () => {
    const brand = await api.newBrand();
    await newEndpoint(brand, NOBODY_LISTENS);
    const DB = faultyD1(env.DB, [{ when: "before", sql: /webhook_endpoints/, times: 1 }]);
    const result = await dispatch([{ brandId: brand.id, from: from(1) }], { DB });
    expect(result).toEqual({ acked: [], retried: ["0"], confirmed: [] });
  });

  it("come again when the pool does not hear that they were taken, those only", async () => {
    const brand = await api.newBrand();
    const news = [from(1), from(2), null].map((one) => ({ brandId: brand.id, from: one }));
    const result = await dispatch(news, {}, (number) => number === 1);
    expect(result).toEqual({ acked: ["1", "2"], retried: ["0"], confirmed: [2] });
  });

  it("of a claim go by themselves from the pool to the receiver, and are confirmed", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    const receiver = await Receiver.thatAnswers("200");
    const fields = { events: ["claim.created" as const] };
    const sender = new Sender(await newEndpoint(brand, receiver.url, fields));
    const claim = await api.claim(brand, campaign, "u-1");
    await sender.settled(1);
    const events = await api.listAll<{ id: string; data: { claim_id?: string } }>(
      brand.secret,
      "/v1/events?type=claim.created",
    );
    expect(events.map(({ data }) => data.claim_id)).toEqual([claim.body.id]);
    expect(idsOf(await receiver.received())).toEqual(events.map(({ id }) => id));
    const pool = env.CODE_POOL.getByName(`${campaign}/0`);
    const news = () =>
      runInDurableObject(pool, (_, { storage }) =>
        storage.sql
          .exec<{ news: number; heard: number }>("SELECT news, news_confirmed AS heard FROM pool")
          .one(),
      );
    while ((await news()).heard === 0) await scheduler.wait(20);
    expect(await news()).toEqual({ news: 1, heard: 1 });
  });

  it("are not sent where nobody listens", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    await api.claim(brand, campaign, "u-1");
    await api.send(brand.secret, `GET /v1/campaigns/${campaign}/stats`);
    const pool = env.CODE_POOL.getByName(`${campaign}/0`);
    const { news } = await runInDurableObject(pool, (_, { storage }) =>
      storage.sql.exec<{ news: number }>("SELECT news FROM pool").one(),
    );
    expect(news).toBe(0);
  });

  it("are sent again until they are confirmed, though the first word was lost", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    await newEndpoint(brand, NOBODY_LISTENS);
    await api.claim(brand, campaign, "u-1");
    const pool = env.CODE_POOL.getByName(`${campaign}/0`);
    const sent: News[] = [];
    const NEWS = { send: async (news: News) => void sent.push(news) };
    await runInDurableObject(pool, (object) => {
      Object.assign(object, { env: { ...env, NEWS } });
    });
    for (let i = 0; i < 3; i++) {
      await pool.showClaims();
      await pool.showClaims();
      vi.setSystemTime(Date.now() + 60_000);
    }
    const word = { brandId: brand.id, from: { campaignId: campaign, shard: 0, number: 1 } };
    expect(sent).toEqual([word, word, word]);
    await pool.newsHeard(1);
    vi.setSystemTime(Date.now() + 600_000);
    await pool.showClaims();
    expect(sent.length).toBe(3);
  });

  it("are sent again by an object that was evicted before they were confirmed", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 3);
    await api.claim(brand, campaign, "u-1");
    await api.send(brand.secret, `GET /v1/campaigns/${campaign}/stats`);
    const pool = env.CODE_POOL.getByName(`${campaign}/0`);
    await runInDurableObject(pool, async (_, { storage }) => {
      storage.sql.exec("UPDATE pool SET news = news + 1");
      await storage.deleteAlarm();
    });
    await evictDurableObject(pool);
    const heard = () =>
      runInDurableObject(pool, (_, { storage }) =>
        storage.sql.exec<{ heard: number }>("SELECT news_confirmed AS heard FROM pool").one(),
      );
    while ((await heard()).heard === 0) await scheduler.wait(20);
    expect(await heard()).toEqual({ heard: 1 });
  });
});
