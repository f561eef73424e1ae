/** A delivery, as it is answered. */

import * as z from "zod";
import { DELIVERY_STATUSES, deliveryMadeAt, formatDeliveryId } from "../domain/delivery.ts";
import { EVENT_TYPES } from "../domain/event.ts";
import { isId } from "../domain/id.ts";
import { TEST, type Delivery as StoredDelivery } from "../webhooks/deliveries.ts";
import { pageQuery } from "./paging.ts";
import { AnsweredTime, toWireTime } from "./schemas.ts";

const DeliveryAttempt = z.strictObject({
  at: AnsweredTime,
  status: z.int().nullable().meta({ description: "Of the answer; null where none came." }),
  error: z
    .enum(["connection", "timeout", "redirect", "refused-target", "event-gone"])
    .nullable()
    .meta({
      description:
        "refused-target: the address is not public, and was not called. event-gone: the log no longer has the event.",
    }),
  duration_ms: z.int(),
  answer: z.string().nullable().meta({ description: "How the answer's body begins." }),
});

export const Delivery = z
  .strictObject({
    id: z.string().meta({ example: "dlv_01k3q9m7x2v8d4t6w5ab1kz0m3q8r00" }),
    endpoint_id: z.string(),
    event_id: z.string().nullable().meta({
      description: "The webhook-id that is sent; null before the first attempt.",
    }),
    event_type: z.enum([...EVENT_TYPES, TEST]),
    campaign_id: z.string().nullable(),
    sequence: z.int().nullable().meta({ description: "Of the event; null of a test." }),
    status: z.enum(DELIVERY_STATUSES),
    attempts: z.array(DeliveryAttempt).meta({ description: "Oldest first, the last 16." }),
    next_attempt_at: AnsweredTime.nullable().meta({
      description: "Not before then. Later while the endpoint fails, or is disabled.",
    }),
    created_at: AnsweredTime,
  })
  .meta({ id: "Delivery" });

export const DeliveriesQuery = z.strictObject({
  ...pageQuery,
  endpoint_id: z.string().optional().meta({ description: "Of this endpoint only." }),
  status: z.enum(DELIVERY_STATUSES).optional(),
});

/** A delivery with the endpoint that it is for. */
export interface PlacedDelivery extends StoredDelivery {
  endpointId: string;
}

export function presentDelivery(delivery: PlacedDelivery): z.infer<typeof Delivery> {
  const { number, type, subject, status, dueAt } = delivery;
  const madeAt = deliveryMadeAt(number);
  return {
    id: formatDeliveryId(delivery),
    endpoint_id: delivery.endpointId,
    event_id: delivery.eventId,
    event_type: type,
    campaign_id: isId("campaign", subject) ? subject : null,
    sequence: type === TEST ? null : delivery.sequence,
    status,
    attempts: delivery.attempts.map(({ at, durationMs, ...rest }) => ({
      at: toWireTime(at),
      duration_ms: durationMs,
      ...rest,
    })),
    next_attempt_at: toWireTime(status === "pending" ? (dueAt ?? madeAt) : null),
    created_at: toWireTime(madeAt),
  };
}
