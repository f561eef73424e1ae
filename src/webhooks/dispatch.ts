/**
 * The queue of news, from pools to senders. Many shards of many campaigns have news several times a
 * second; the queue gathers them, so that a sender is woken once for all, and takes the waking off
 * the pools' hands. A message that is lost does no harm: the log is the truth, and a pool repeats
 * its word until it is confirmed, which it is once every sender of the brand has been woken.
 */

import { answered } from "../db/database.ts";
import { listEnabledEndpointIds } from "../db/webhook-senders.ts";
import type { News, NewsFrom } from "../domain/news.ts";
import { callSender } from "./stub.ts";

/** A brand's news that could not be passed on come again after so long. */
const RETRY_SECONDS = 5;

/** Word that a brand's log has something new, from whoever does not wait for it to be taken. */
export async function announceNews(env: Env, brandId: string): Promise<void> {
  await env.NEWS.send({ brandId, from: null } satisfies News);
}

/** Wakes the senders of a brand; rejects unless each of them will look. */
async function wakeSenders(env: Env, brandId: string): Promise<void> {
  const ids = await answered(listEnabledEndpointIds(env.DB, brandId));
  const woken = await Promise.allSettled(
    ids.map((id) => answered(callSender(env, id, (sender) => sender.wake()))),
  );
  const failed = woken.filter(({ status }) => status === "rejected").length;
  if (failed > 0) throw new Error(`${failed} of ${ids.length} senders did not answer`);
}

async function passOn(
  messages: Message<News>[],
  brandId: string,
  env: Env,
  confirm: (from: NewsFrom) => Promise<void>,
): Promise<void> {
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
      if (message.body.from !== null) await answered(confirm(message.body.from));
      message.ack();
    } catch {
      message.retry({ delaySeconds: RETRY_SECONDS });
    }
  };
  await Promise.all(messages.map(confirmMessage));
}

/**
 * The queue's consumer. Each brand stands for itself: one whose senders cannot be woken holds up no
 * other's news. `confirm` tells a pool that its news were taken.
 */
export async function dispatchNews(
  batch: MessageBatch<News>,
  env: Env,
  confirm: (from: NewsFrom) => Promise<void>,
): Promise<void> {
  const byBrand = Map.groupBy(batch.messages, ({ body }) => body.brandId);
  await Promise.all(
    Array.from(byBrand, ([brandId, messages]) => passOn(messages, brandId, env, confirm)),
  );
}
