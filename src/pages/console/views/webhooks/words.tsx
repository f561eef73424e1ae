/** States of endpoints and deliveries, as people read them. */

import type { Delivery, DeliveryAttempt, WebhookEndpoint } from "../../../../client/client.ts";
import { Badge } from "../../parts/words.tsx";

const WHY: Record<string, string> = {
  requested: "by you",
  gone: "its server answered 410 Gone",
  failing: "it has answered nothing good for five days",
};

/** Undefined while it is enabled. */
function whyDisabled(endpoint: WebhookEndpoint): string | undefined {
  return endpoint.disabled_reason === null ? undefined : WHY[endpoint.disabled_reason];
}

export function EndpointState({ of: endpoint }: { of: WebhookEndpoint }) {
  const why = whyDisabled(endpoint);
  return (
    <span>
      <Badge of={endpoint.status} />
      {why !== undefined && <span class="quiet"> {why}</span>}
    </span>
  );
}

const ERRORS: Record<string, string> = {
  connection: "No connection",
  timeout: "No answer in time",
  redirect: "Answered with a redirect, which is not followed",
  "refused-target": "The address is not one that may be called",
  "event-gone": "The log no longer has the event",
};

export function attemptWords({ status, error }: DeliveryAttempt): string {
  if (error !== null) return ERRORS[error] ?? error;
  return status === null ? "No answer" : `Answered ${status}`;
}

export function lastAttemptWords(delivery: Delivery): string {
  const last = delivery.attempts.at(-1);
  return last === undefined ? "Not tried yet" : attemptWords(last);
}

export const duration = (ms: number) => (ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`);
