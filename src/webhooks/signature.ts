/** Signatures of Standard Webhooks 1.0.0, by which a receiver knows that a call is ours. */

import type { WebhookSecret } from "../db/schema.ts";

const encoder = new TextEncoder();

/** What is signed: exactly the bytes that are sent, under the id and time that are sent. */
export interface Signed {
  /** Of the event. Holds no dot, which would let one part pass for another. */
  id: string;
  /** Unix seconds of the attempt. */
  timestamp: number;
  body: string;
}

async function sign(secret: string, { id, timestamp, body }: Signed): Promise<string> {
  const bytes = Uint8Array.from(atob(secret.replace(/^whsec_/, "")), (char) => char.charCodeAt(0));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
  const input = encoder.encode(`${id}.${timestamp}.${body}`);
  const digest = new Uint8Array(await crypto.subtle.sign("HMAC", key, input));
  return `v1,${btoa(String.fromCharCode(...digest))}`;
}

/** One signature for each secret that signs at `now`, newest first: receivers try them all. */
export async function signatureHeader(
  secrets: readonly WebhookSecret[],
  signed: Signed,
  now: number,
): Promise<string> {
  const live = secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
  return (await Promise.all(live.map(({ secret }) => sign(secret, signed)))).join(" ");
}
