/** What a brand is told of, and what is said of it. */

import type { KeyMode } from "./api-key.ts";
import type { Discount } from "./discount.ts";
import { base32Number, base32Value, OPAQUE_LENGTH } from "./id.ts";
import type { Order } from "./redemption.ts";

/** What a user let the brand know, on the terms of `consent`. */
export interface ToldContact {
  email?: string | undefined;
  name?: string | undefined;
  attributes?: Record<string, string> | undefined;
}

/** The `data` of each type of event, as on the wire. */
export interface EventData {
  "claim.created": {
    claim_id: string;
    code: string;
    /** Null once the user was erased; `contact` too, and where the user did not consent. */
    user_id: string | null;
    contact: ToldContact | null;
    consent: { share_contact: boolean; version: string } | null;
    claimed_at: string;
    expires_at: string | null;
  };
  /** `claim_id`: null of a code that was handed out elsewhere. */
  "code.redeemed": {
    redemption_id: string;
    claim_id: string | null;
    code: string;
    user_id: string | null;
    order_id: string;
    order: Order | null;
    discount: Discount | null;
    discount_amount: number | null;
    redeemed_at: string;
  };
  "redemption.rolled_back": {
    redemption_id: string;
    claim_id: string | null;
    code: string;
    user_id: string | null;
    order_id: string;
    reason: string;
    rolled_back_at: string;
  };
  /** Its life ended, and it was not spent. Told once of a code. */
  "code.expired": {
    claim_id: string | null;
    code: string;
    user_id: string | null;
    expired_at: string;
  };
  /** `claim_id`: null when nobody had the code. */
  "code.revoked": { code: string; claim_id: string | null; revoked_at: string };
  /** `threshold`: as the campaign has it. */
  "campaign.low_stock": { threshold: number | string; available: number; codes: number };
  "campaign.exhausted": { codes: number; claimed: number };
  "campaign.started": { starts_at: string };
  "campaign.ended": { ended_at: string; reason: "time" | "request" };
  "campaign.breaker_tripped": { max_claims_per_minute: number; tripped_at: string };
  "batch.completed": { batch_id: string; created: number };
  "import.completed": { import_id: string; accepted: number; duplicates: number; rejected: number };
  /** Not who it was: the log outlives the erasure. A claim's id tells nothing of its user. */
  "user.erased": { claim_ids: string[] };
  /** Of the brand, not of a campaign. `failing_since`: null when the endpoint asked for it. */
  "webhook_endpoint.disabled": {
    endpoint_id: string;
    reason: "gone" | "failing";
    failing_since: string | null;
  };
}

export type EventType = keyof EventData;

export const EVENT_TYPES = [
  "batch.completed",
  "campaign.breaker_tripped",
  "campaign.ended",
  "campaign.exhausted",
  "campaign.low_stock",
  "campaign.started",
  "claim.created",
  "code.expired",
  "code.redeemed",
  "code.revoked",
  "import.completed",
  "redemption.rolled_back",
  "user.erased",
  "webhook_endpoint.disabled",
] as const satisfies EventType[];

/** An event as it is told; `sequence` counts within its campaign, or within the brand's own. */
export type ToldEvent = {
  [Type in EventType]: {
    id: string;
    type: Type;
    timestamp: string;
    campaign_id: string | null;
    sequence: number;
    data: EventData[Type];
  };
}[EventType];

/**
 * An event on its way into the log, which gives it its sequence. `id` names what it tells of within
 * its campaign: an event that is sent again enters once. `timestamp` in milliseconds.
 */
export type NewEvent = {
  [Type in EventType]: {
    id: string;
    campaignId: string;
    type: Type;
    timestamp: number;
    data: EventData[Type];
  };
}[EventType];

/** The same of what is the brand's own. */
export type NewBrandEvent = Omit<
  Extract<NewEvent, { type: "webhook_endpoint.disabled" }>,
  "campaignId"
> & {
  brandId: string;
  mode: KeyMode;
};

/** Characters of a sequence in an event's id: 2^35 events of one campaign. */
const SEQUENCE_CHARS = 7;

/** An event's id says which it is, of its campaign or of its brand. */
export function formatEventId(subjectId: string, sequence: number): string {
  return `evt_${subjectId.slice(4)}${base32Number(sequence, SEQUENCE_CHARS)}`;
}

/** Which event an id names: its subject's id without the prefix, and its sequence. */
export function parseEventId(id: string): { subject: string; sequence: number } | null {
  const subject = `[0-9a-hjkmnp-tv-z]{${OPAQUE_LENGTH}}`;
  const sequence = `[0-9a-hjkmnp-tv-z]{${SEQUENCE_CHARS}}`;
  const parts = new RegExp(`^evt_(${subject})(${sequence})$`).exec(id);
  if (parts === null) return null;
  return { subject: parts[1] ?? "", sequence: base32Value(parts[2] ?? "") };
}
