/** One event on its way to one webhook endpoint: its number, its id, its attempts. */

import { base32Number, base32Value, isId, OPAQUE_LENGTH } from "./id.ts";

export const DELIVERY_STATUSES = ["pending", "delivered", "failed"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Why an attempt brought no answer that counts. */
export type AttemptError =
  /** None was made, it was lost, or what came over it was no answer, such as endless headers. */
  | "connection"
  | "timeout"
  | "redirect"
  | "refused-target"
  /** The log no longer has the event, so there was nothing to send. */
  | "event-gone";

/** One POST of a delivery. `at` in Unix milliseconds. */
export interface Attempt {
  at: number;
  /** Of HTTP, or null where no answer came. */
  status: number | null;
  error: AttemptError | null;
  durationMs: number;
  /** How the answer's body begins. */
  answer: string | null;
}

/**
 * Numbers of one endpoint's deliveries grow, and begin with the time, so that lists of several
 * endpoints merge by them. A millisecond has room for so many; when it is full the next one's are
 * taken.
 */
const PER_MS = 1_024;

export function nextDeliveryNumber(last: number, now: number): number {
  return Math.max(last + 1, now * PER_MS);
}

/** When it was made, to the millisecond as a rule. */
export function deliveryMadeAt(number: number): number {
  return Math.floor(number / PER_MS);
}

/** The number that a delivery made at that time, or later, has at least. */
export function deliveryNumberAt(timeMs: number): number {
  return timeMs * PER_MS;
}

export interface DeliveryAddress {
  endpointId: string;
  number: number;
}

/** Base 32 characters of a number: up to 2^53 - 1, which a double holds exactly. */
const NUMBER_CHARS = 11;

/** A delivery's id says where it is kept, so that reading one back needs no index. */
export function formatDeliveryId({ endpointId, number }: DeliveryAddress): string {
  return `dlv_${endpointId.slice(4)}${base32Number(number, NUMBER_CHARS)}`;
}

export function parseDeliveryId(id: string): DeliveryAddress | null {
  const digit = "[0-9a-hjkmnp-tv-z]";
  const [, endpoint, number] =
    new RegExp(`^(${digit}{${OPAQUE_LENGTH}})([0-7]${digit}{${NUMBER_CHARS - 1}})$`).exec(
      id.slice(4),
    ) ?? [];
  if (!isId("delivery", id) || endpoint === undefined || number === undefined) return null;
  return { endpointId: `whe_${endpoint}`, number: base32Value(number) };
}
