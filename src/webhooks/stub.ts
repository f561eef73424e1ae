/** How the rest of the Worker reaches the senders of webhooks. */

import { callObject } from "../code-pool/stub.ts";
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
