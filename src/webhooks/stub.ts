/** How the rest of the Worker reaches the senders of webhooks. */

import { callObject } from "../objects/call.ts";
import { answered } from "../db/database.ts";
import { listEnabledEndpointIds } from "../db/webhook-senders.ts";
import type { WebhookSender } from "./webhook-sender.ts";

type Methods = "wake" | "list" | "find" | "retry" | "ping" | "forget";

/** The object as seen from outside. RPC's own types turn a union of results into promises. */
export type Sender = {
  [Method in Methods]: (
    ...args: Parameters<WebhookSender[Method]>
  ) => Promise<Awaited<ReturnType<WebhookSender[Method]>>>;
};

/** Calls an endpoint's sender. Safe to repeat; a ping that is repeated may ring twice. */
export function callSender<T>(
  env: Env,
  endpointId: string,
  method: (sender: Sender) => Promise<T>,
): Promise<T> {
  const sender = () => env.WEBHOOK_SENDER.getByName(endpointId) as unknown as Sender;
  return callObject(sender, method);
}

/** Wakes the senders of a brand; rejects unless each of them will look. */
export async function wakeSenders(env: Env, brandId: string): Promise<void> {
  const ids = await answered(listEnabledEndpointIds(env.DB, brandId));
  const woken = await Promise.allSettled(
    ids.map((id) => answered(callSender(env, id, (sender) => sender.wake()))),
  );
  const failed = woken.filter(({ status }) => status === "rejected").length;
  if (failed > 0) throw new Error(`${failed} of ${ids.length} senders did not answer`);
}
