/** Types of event, in plain words. */

import { EVENT_TYPES, type EventType } from "../../../domain/event.ts";

export const EVENT_WORDS: Record<EventType, string> = {
  "batch.completed": "A batch of codes is made",
  "campaign.breaker_tripped": "A campaign was paused by its limit of claims a minute",
  "campaign.ended": "A campaign has ended",
  "campaign.exhausted": "The last code is given away",
  "campaign.low_stock": "Few codes are left",
  "campaign.started": "A campaign has started",
  "claim.created": "A user got a code",
  "code.expired": "A claimed code expired unspent",
  "code.redeemed": "A code was spent on an order",
  "code.revoked": "A code was revoked",
  "import.completed": "A file of codes is imported",
  "redemption.rolled_back": "A redemption was undone",
  "user.erased": "A user was erased",
  "webhook_endpoint.disabled": "A webhook endpoint was disabled",
};

/** Those of users first: they are why most endpoints are there. */
const FIRST: readonly EventType[] = ["claim.created", "code.redeemed", "redemption.rolled_back"];

export const EVENT_CHOICES = [...FIRST, ...EVENT_TYPES.filter((type) => !FIRST.includes(type))].map(
  (value) => ({ value, name: value, hint: EVENT_WORDS[value] }),
);
