/** News on their way from the queue to the senders. */

import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { News, NewsFrom } from "../../src/domain/news.ts";
import { announceNews, dispatchNews } from "../../src/webhooks/dispatch.ts";
import { faultyD1 } from "../support/faulty-d1.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { Receiver } from "../support/receiver.ts";
import { idsOf, logEvents, newEndpoint, NOBODY_LISTENS, Sender } from "../support/webhooks.ts";
import { api } from "../support/worker-api.ts";

const from = (number: number): NewsFrom => ({ campaignId: "cmp_1", shard: 0, number });

/** What becomes of the messages, and which news were confirmed. */
async function dispatch(
  news: News[],
  bindings: Partial<Env> = {},
  fails: (from: NewsFrom) => boolean = () => false,
) {
  const messages = news.map((body, i) => ({
    id: `${i}`,
    timestamp: new Date(),
    attempts: 1,
    body,
  }));
  const batch = createMessageBatch<News>("codedrop-news", messages);
  const confirmed: number[] = [];
  await dispatchNews(batch, { ...env, ...bindings }, async (told) => {
    if (fails(told)) throw new Error("The pool does not answer");
    confirmed.push(told.number);
  });
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
    const result = await dispatch(news, {}, ({ number }) => number === 1);
    expect(result).toEqual({ acked: ["1", "2"], retried: ["0"], confirmed: [2] });
  });

  it("that are announced go through the queue to the receiver", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 0);
    const receiver = await Receiver.thatAnswers("200");
    const sender = new Sender(await newEndpoint(brand, receiver.url));
    const ids = await logEvents(campaign, 2);
    await announceNews(env, brand.id);
    await sender.settled(2);
    expect(idsOf(await receiver.received()).toSorted()).toEqual(ids.toSorted());
  });
});
