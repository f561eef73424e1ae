/** What travels of deliveries, as types.ts has the rest. */

import type { Event } from "./event-types.ts";

/** One POST of a delivery. */
export interface DeliveryAttempt {
  at: string;
  /** Of the answer; null where none came. */
  status: number | null;
  error: "connection" | "timeout" | "redirect" | "refused-target" | "event-gone" | null;
  duration_ms: number;
  /** How the answer's body begins. */
  answer: string | null;
}

/** One event on its way to one webhook endpoint. */
export interface Delivery {
  id: string;
  endpoint_id: string;
  /** The webhook-id that is sent; null before the first attempt. */
  event_id: string | null;
  event_type: Event["type"] | "webhook.test";
  campaign_id: string | null;
  /** Null of a test. */
  sequence: number | null;
  status: "pending" | "delivered" | "failed";
  /** Oldest first, the last 16. */
  attempts: DeliveryAttempt[];
  /** Not before then; later while the endpoint fails, or is disabled. */
  next_attempt_at: string | null;
  created_at: string;
}
