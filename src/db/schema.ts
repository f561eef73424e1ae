/**
 * The tables that drizzle reads and writes. The migrations are the authority; a test compares the
 * two.
 */

import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { CodeFormat, CodeShape } from "../domain/code-format.ts";
import type { Discount } from "../domain/discount.ts";
import type { Scope } from "../domain/scope.ts";
import type { EventType } from "../domain/event.ts";
import type { Identity } from "../domain/identity.ts";
import type { InventoryId } from "../domain/inventory.ts";
import type { Threshold } from "../domain/low-stock.ts";

/** What a user must agree to before they get a code, as on the wire. */
export interface ConsentTerms {
  required: boolean;
  text: string;
  version: string;
}

/** What a page must prove before it claims. The secret is never shown. */
export interface Challenge {
  type: "turnstile";
  siteKey: string;
  secret: string;
}

/** `whsec_…`. Of a rotated one it is known when it stops to sign, in Unix milliseconds. */
export interface WebhookSecret {
  secret: string;
  expiresAt: number | null;
}

export const brands = sqliteTable("brands", {
  id: text().primaryKey(),
  slug: text().notNull(),
  name: text().notNull(),
  status: text({ enum: ["active", "suspended"] }).notNull(),
  createdAt: integer().notNull(),
  identity: text({ mode: "json" }).$type<Identity>(),
});

export const apiKeys = sqliteTable("api_keys", {
  id: text().primaryKey(),
  brandId: text().notNull(),
  kind: text({ enum: ["secret", "publishable"] }).notNull(),
  mode: text({ enum: ["live", "test"] }).notNull(),
  name: text().notNull(),
  hash: text().notNull(),
  hint: text().notNull(),
  createdAt: integer().notNull(),
  expiresAt: integer(),
  revokedAt: integer(),
  scopes: text({ mode: "json" }).$type<Scope[]>(),
  allowedOrigins: text({ mode: "json" }).$type<string[]>().notNull().default([]),
  lastUsedAt: integer(),
});

export const consoleSessions = sqliteTable("console_sessions", {
  hash: text().primaryKey(),
  keyId: text().notNull(),
  expiresAt: integer().notNull(),
});

export const keyOrigins = sqliteTable("key_origins", {
  origin: text().notNull(),
  keyId: text().notNull(),
});

export const campaigns = sqliteTable("campaigns", {
  id: text().primaryKey(),
  brandId: text().notNull(),
  slug: text().notNull(),
  name: text().notNull(),
  mode: text({ enum: ["live", "test"] }).notNull(),
  status: text({ enum: ["active", "paused", "ended"] }).notNull(),
  version: integer().notNull().default(1),
  discount: text({ mode: "json" }).$type<Discount>(),
  startsAt: integer(),
  endsAt: integer(),
  claimsPerUser: integer().notNull().default(1),
  codeLifetimeSeconds: integer(),
  contactRetentionDays: integer(),
  consent: text({ mode: "json" }).$type<ConsentTerms>(),
  codeFormat: text({ mode: "json" }).$type<CodeFormat>(),
  challenge: text({ mode: "json" }).$type<Challenge>(),
  acceptGuessable: integer({ mode: "boolean" }).notNull().default(false),
  shopUrl: text(),
  metadata: text({ mode: "json" }).$type<Record<string, string>>().notNull().default({}),
  shards: integer().notNull().default(1),
  userKeySecret: text().notNull(),
  claimsPerMinuteMax: integer(),
  breakerTrippedAt: integer(),
  breakerCountsFrom: integer().notNull().default(0),
  lowStockThresholds: text({ mode: "json" }).$type<Threshold[]>(),
  reveal: text({ enum: ["at_claim", "on_demand"] })
    .notNull()
    .default("at_claim"),
  revealWithinSeconds: integer().notNull().default(900),
  holderOnly: integer({ mode: "boolean" }).notNull().default(false),
  redeemUnclaimed: integer({ mode: "boolean" }).notNull().default(false),
  codesOutliveCampaign: integer({ mode: "boolean" }).notNull().default(true),
  createdAt: integer().notNull(),
});

export const campaignClock = sqliteTable("campaign_clock", {
  campaignId: text().notNull(),
  type: text({ enum: ["campaign.started", "campaign.ended"] }).notNull(),
  at: integer().notNull(),
  brandId: text().notNull(),
  isTold: integer({ mode: "boolean" }).notNull().default(false),
});

export const codeShapes = sqliteTable("code_shapes", {
  id: text().primaryKey(),
  inventory: text().$type<InventoryId>().notNull(),
  number: integer().notNull(),
  template: text({ mode: "json" }).$type<CodeShape["template"]>().notNull(),
  alphabet: text().notNull(),
  checkKey: text().notNull(),
  createdAt: integer().notNull(),
  usableFrom: integer().notNull(),
  uncheckedFrom: integer(),
});

export const batches = sqliteTable("batches", {
  id: text().primaryKey(),
  campaignId: text().notNull(),
  status: text({ enum: ["running", "complete", "cancelled", "failed"] }).notNull(),
  requested: integer().notNull(),
  created: integer().notNull().default(0),
  leased: integer().notNull().default(0),
  createdAt: integer().notNull(),
  finishedAt: integer(),
  shapeId: text(),
});

export const imports = sqliteTable("imports", {
  id: text().primaryKey(),
  campaignId: text().notNull(),
  status: text({ enum: ["running", "complete", "failed"] }).notNull(),
  dryRun: integer({ mode: "boolean" }).notNull(),
  rows: integer().notNull().default(0),
  accepted: integer().notNull().default(0),
  duplicates: integer().notNull().default(0),
  rejected: integer().notNull().default(0),
  createdAt: integer().notNull(),
  touchedAt: integer().notNull(),
  finishedAt: integer(),
});

export const auditLog = sqliteTable("audit_log", {
  brandId: text().notNull(),
  number: integer().notNull(),
  id: text().notNull(),
  at: integer().notNull(),
  actor: text().notNull(),
  action: text().notNull(),
  target: text().notNull(),
  fields: text().notNull(),
  requestId: text().notNull(),
  addressPrefix: text(),
  previousHash: text(),
  hash: text().notNull(),
});

export const idempotencyRecords = sqliteTable("idempotency_records", {
  scopeHash: text().primaryKey(),
  fingerprint: text().notNull(),
  target: text(),
  status: integer(),
  answer: text(),
  madeAt: integer().notNull(),
});

export const codes = sqliteTable("codes", {
  batchId: text().notNull(),
  ordinal: integer().notNull(),
  inventory: text().$type<InventoryId>().notNull(),
  code: text().notNull(),
  matchKey: text().notNull(),
  claimId: text(),
  userId: text(),
  claimedAt: integer(),
  expiresAt: integer(),
  redeemedAt: integer(),
  revokedAt: integer(),
  revokedReason: text(),
  outsideShard: integer(),
});

export const webhookEndpoints = sqliteTable("webhook_endpoints", {
  id: text().primaryKey(),
  brandId: text().notNull(),
  mode: text({ enum: ["live", "test"] }).notNull(),
  url: text().notNull(),
  events: text({ mode: "json" }).$type<EventType[]>(),
  campaignIds: text({ mode: "json" }).$type<string[]>(),
  description: text(),
  secrets: text({ mode: "json" }).$type<WebhookSecret[]>().notNull(),
  status: text({ enum: ["enabled", "disabled"] }).notNull(),
  disabledReason: text({ enum: ["requested", "gone", "failing"] }),
  disabledAt: integer(),
  fromPosition: integer().notNull(),
  createdAt: integer().notNull(),
});

export const eventRuns = sqliteTable("event_runs", {
  subjectId: text().notNull(),
  firstSequence: integer().notNull(),
  count: integer().notNull(),
  brandId: text().notNull(),
  mode: text({ enum: ["live", "test"] }).notNull(),
  position: integer().notNull(),
  type: text().$type<EventType>().notNull(),
  source: text().notNull(),
  shard: integer(),
  fromNumber: integer(),
  toNumber: integer(),
  enteredAt: integer().notNull(),
  data: text(),
});

export const campaignStock = sqliteTable("campaign_stock", {
  campaignId: text().primaryKey(),
  claimed: integer().notNull().default(0),
  codes: integer().notNull().default(0),
  withdrawn: integer().notNull().default(0),
  most: integer().notNull().default(0),
  isDue: integer({ mode: "boolean" }).notNull().default(false),
  told: text().notNull().default("{}"),
});
