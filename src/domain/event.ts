/** What a brand is told of, and what is said of it. */

/** The `data` of each type of event, as on the wire. */
export interface EventData {
  "campaign.breaker_tripped": { max_claims_per_minute: number; tripped_at: string };
  /** Not who it was: the log outlives the erasure. A claim's id tells nothing of its user. */
  "user.erased": { claim_ids: string[] };
}

export type EventType = keyof EventData;

export const EVENT_TYPES = [
  "campaign.breaker_tripped",
  "user.erased",
] as const satisfies EventType[];

/** An event on its way into the log, which gives it its sequence. `timestamp` in milliseconds. */
export type NewEvent = {
  [Type in EventType]: {
    id: string;
    campaignId: string;
    type: Type;
    timestamp: number;
    data: EventData[Type];
  };
}[EventType];
