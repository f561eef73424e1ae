/**
 * The queue of news, from pools to senders. Many shards of many campaigns have news several times a
 * second; the queue gathers them, so that a sender is woken once for all, and takes the waking off
 * the pools' hands. A message that is lost does no harm: the log is the truth, and a pool repeats
 * its word until it is confirmed, which it is once every sender of the brand has been woken.
 */

import { poolOfShard } from "../code-pool/stub.ts";
import { answered } from "../db/database.ts";
import type { News, NewsFrom } from "../domain/news.ts";
import { wakeSenders } from "./stub.ts";

/** A brand's news that could not be passed on come again after so long. */
const RETRY_SECONDS = 5;

async function passOn(messages: Message<News>[], brandId: string, env: Env): Promise<void> {
  try {
    await wakeSenders(env, brandId);
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    console.warn({ message: "News were not passed on", brand_id: brandId, error: String(cause) });
    for (const message of messages) message.retry({ delaySeconds: RETRY_SECONDS });
    return;
  }
  const confirmMessage = async (message: Message<News>) => {
    try {
      if (message.body.from !== null) await answered(confirm(env, message.body.from));
      message.ack();
    } catch {
      message.retry({ delaySeconds: RETRY_SECONDS });
    }
  };
  await Promise.all(messages.map(confirmMessage));
}

/** Tells a pool that its news were taken. */
function confirm(env: Env, { campaignId, shard, number }: NewsFrom): Promise<void> {
  const { call } = poolOfShard(env, { id: campaignId }, shard);
  return call((pool) => pool.newsHeard(number));
}

/**
 * The queue's consumer. Each brand stands for itself: one whose senders cannot be woken holds up no
 * other's news.
 */
export async function dispatchNews(batch: MessageBatch<News>, env: Env): Promise<void> {
  const byBrand = Map.groupBy(batch.messages, ({ body }) => body.brandId);
  await Promise.all(Array.from(byBrand, ([brandId, messages]) => passOn(messages, brandId, env)));
}
