/** An event, as it is told. */

import * as z from "zod";
import type { EventRow } from "../db/events.ts";
import { EVENT_TYPES, type EventData, type EventType } from "../domain/event.ts";
import { pageQuery } from "./paging.ts";
import { AnsweredTime, toWireTime } from "./schemas.ts";

function eventOf<Type extends EventType, Data extends z.ZodType<EventData[Type]>>(
  type: Type,
  data: Data,
) {
  return z.strictObject({
    id: z.string().meta({ example: "evt_01k3q9m7x2v8d4t6w5ab" }),
    type: z.enum([type]),
    timestamp: AnsweredTime.meta({ description: "When it happened." }),
    campaign_id: z.string(),
    sequence: z.int().meta({ description: "1, 2, 3, … within the campaign, without a gap." }),
    data,
  });
}

export const Event = z
  .union([
    eventOf(
      "campaign.breaker_tripped",
      z.strictObject({ max_claims_per_minute: z.int(), tripped_at: AnsweredTime }),
    ),
    eventOf("user.erased", z.strictObject({ claim_ids: z.array(z.string()) })),
  ])
  .meta({ id: "Event" });

export const EventsQuery = z.strictObject({
  ...pageQuery,
  campaign_id: z
    .string()
    .optional()
    .meta({ description: "Of this campaign only, by its id or slug." }),
  type: z.enum(EVENT_TYPES).optional(),
  after: z
    .string()
    .regex(/^[0-9]{1,15}$/, "Must be a sequence.")
    .transform(Number)
    .optional()
    .meta({
      description: "With campaign_id: events above this sequence.",
      type: "integer",
      minimum: 0,
      example: 41,
    }),
});

export function presentEvent(event: EventRow): z.infer<typeof Event> {
  // Each row was written with the data of its type.
  return {
    id: event.id,
    type: event.type,
    timestamp: toWireTime(event.timestamp),
    campaign_id: event.campaignId,
    sequence: event.sequence,
    data: event.data,
  } as z.infer<typeof Event>;
}
