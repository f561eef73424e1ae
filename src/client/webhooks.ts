/** Webhooks as a receiver gets them: signed after Standard Webhooks 1.0.0. */

import type { Event, WebhookTest } from "./event-types.ts";

/** How far the sender's clock, and the way, may be off before a call counts as an old one. */
const TOLERANCE_SECONDS = 300;
/** The standard's shortest secret. A shorter one is a text that was cut off, or none at all. */
const SECRET_BYTES_MIN = 24;

/** `Headers`, Node's `request.headers`, or pairs of name and value. Case does not count. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | Iterable<readonly [string, string]>
  | { readonly [name: string]: string | readonly string[] | undefined };

export interface ReceivedWebhook {
  /** As it came, not JSON that was parsed and written anew. */
  body: string | Uint8Array;
  headers: WebhookHeaders;
  /** `whsec_…`, or several of which any may have signed. */
  secret: string | readonly string[];
  /** Unix milliseconds to judge its age by, for one that was kept; the present unless you say. */
  nowMs?: number;
}

/** What an endpoint is sent. Switch on `type`; a newer service may send more types. */
export type WebhookEvent = Event | WebhookTest;

/** The call is not one that Codedrop made just now: answer 400, and do nothing of what it says. */
export class CodedropWebhookError extends Error {
  override readonly name = "CodedropWebhookError";
  /** The check that failed. All but `no-event` can be anybody's doing. */
  readonly reason:
    | "header-missing"
    | "header-malformed"
    | "too-old"
    | "too-new"
    | "signature-wrong"
    | "no-event";

  constructor(reason: CodedropWebhookError["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

const encoder = new TextEncoder();

/**
 * The event, if one of the secrets signed it within the last 5 minutes; otherwise throws a
 * CodedropWebhookError. The same event may come again: take each `id` once.
 */
export async function verifyWebhook(received: ReceivedWebhook): Promise<WebhookEvent> {
  const { headers, secret, nowMs = Date.now() } = received;
  const body = bytesOf(received.body);
  const keys = (typeof secret === "string" ? [secret] : secret).map(keyOf);
  if (keys.length === 0) throw new TypeError("secret must name at least one.");
  const id = headerOf(headers, "webhook-id");
  const timestamp = headerOf(headers, "webhook-timestamp");
  const signatures = headerOf(headers, "webhook-signature").split(" ");
  checkAge(timestamp, nowMs);
  const head = encoder.encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  // Each secret signs once, however many signatures came: they cost the caller nothing.
  const right = await Promise.all(keys.map((key) => signatureOf(key, signed)));
  const isSigned = signatures.some((given) => right.some((own) => isSame(own, given)));
  if (!isSigned) {
    const message = "No secret gives a signature that came. Is the body the text that was sent?";
    throw new CodedropWebhookError("signature-wrong", message);
  }
  return eventOf(body);
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  if (typeof body === "string") return encoder.encode(body);
  if (body instanceof Uint8Array) return body;
  throw new TypeError("body must be the text that came, or its bytes, before it is parsed.");
}

/** The bytes of a secret. (Whatever is wrong with one, no message repeats it.) */
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const [, base64 = ""] = /^(?:whsec_)?([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const key = decoded(base64);
  if (key.length < SECRET_BYTES_MIN) {
    throw new TypeError("secret must be the endpoint's, whole: whsec_ and what follows.");
  }
  return key;
}

function decoded(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** A header's value; values of the same name in one, as HTTP joins them. */
function headerOf(headers: WebhookHeaders, name: string): string {
  const value = valuesOf(headers, name).join(", ");
  if (value !== "") return value;
  throw new CodedropWebhookError("header-missing", `The header ${name} is missing.`);
}

function valuesOf(headers: WebhookHeaders, name: string): string[] {
  if (!(Symbol.iterator in headers) && typeof headers.get === "function") {
    return [headers.get(name) ?? ""];
  }
  const pairs: Iterable<readonly [string, string | readonly string[] | undefined]> =
    Symbol.iterator in headers
      ? (headers as Iterable<readonly [string, string]>)
      : Object.entries(headers as Record<string, string>);
  const found: string[] = [];
  for (const [key, value = []] of pairs) {
    if (key.toLowerCase() === name) found.push(...(typeof value === "string" ? [value] : value));
  }
  return found;
}

function checkAge(timestamp: string, nowMs: number): void {
  if (!/^\d{1,15}$/.test(timestamp)) {
    const message = "The header webhook-timestamp is no whole number of seconds.";
    throw new CodedropWebhookError("header-malformed", message);
  }
  const age = Math.floor(nowMs / 1_000) - Number(timestamp);
  if (age > TOLERANCE_SECONDS) {
    throw new CodedropWebhookError("too-old", `It was sent ${age} s ago: perhaps a replay.`);
  }
  if (age < -TOLERANCE_SECONDS) {
    const message = `It was sent ${-age} s from now: one of the clocks is wrong.`;
    throw new CodedropWebhookError("too-new", message);
  }
}

async function signatureOf(
  key: Uint8Array<ArrayBuffer>,
  signed: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const hmac = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  const digest = new Uint8Array(await crypto.subtle.sign("HMAC", hmac, signed));
  return `v1,${btoa(String.fromCharCode(...digest))}`;
}

/** Takes as long wherever they differ, so that nobody finds a signature piece by piece. */
function isSame(own: string, given: string): boolean {
  if (own.length !== given.length) return false;
  let difference = 0;
  for (let i = 0; i < own.length; i++) difference |= own.charCodeAt(i) ^ given.charCodeAt(i);
  return difference === 0;
}

function eventOf(body: Uint8Array): WebhookEvent {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const event = JSON.parse(decoder.decode(body)) as unknown;
    if (isEvent(event)) return event;
  } catch {
    // No text, or not JSON: told below.
  }
  const message = "It is signed, but holds no event: does another service have the same secret?";
  throw new CodedropWebhookError("no-event", message);
}

function isEvent(value: unknown): value is WebhookEvent {
  if (typeof value !== "object" || value === null) return false;
  const { id, type } = value as Partial<WebhookEvent>;
  return typeof id === "string" && typeof type === "string";
}
