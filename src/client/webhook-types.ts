/** What travels of webhooks, as types.ts has the rest. */

import type { Event } from "./event-types.ts";

/** What an endpoint may ask for. */
export type WebhookEventType = Event["type"];

export interface NewWebhookEndpoint {
  url: string;
  /** `["*"]`: all, those to come included. */
  events: (WebhookEventType | "*")[];
  /** By id or slug; all when null or left out. */
  campaign_ids?: string[] | null;
  description?: string | null;
  /** Of the campaigns whose events it gets; the key's when left out. */
  mode?: "live" | "test";
}

export interface WebhookEndpointUpdate {
  url?: string;
  events?: (WebhookEventType | "*")[];
  /** Null: all. */
  campaign_ids?: string[] | null;
  description?: string | null;
  status?: "enabled" | "disabled";
}

export interface SecretRotation {
  /** How long the old secret signs, too. */
  overlap_seconds: number;
}

export interface WebhookEndpoint {
  id: string;
  url: string;
  mode: "live" | "test";
  /** `["*"]`: all. */
  events: string[];
  /** Null: all. */
  campaign_ids: string[] | null;
  description: string | null;
  status: "enabled" | "disabled";
  /** By you, by its own answer 410, or because it answered nothing good for too long. */
  disabled_reason: "requested" | "gone" | "failing" | null;
  disabled_at: string | null;
  /** Until then the secret before the last rotation signs, too. */
  previous_secret_expires_at: string | null;
  created_at: string;
}

export interface WebhookEndpointWithSecret extends WebhookEndpoint {
  /** Shown this once. */
  secret: string;
}
