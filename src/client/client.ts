/**
 * `codedrop/client`: every call of the service, typed. For Node 20 and newer, Workers and browsers;
 * it needs nothing but fetch. A call that the service refuses throws a CodedropError, one that
 * brings no answer a CodedropConnectionError. transport.ts says what is tried again by itself.
 * `verifyWebhook` is for what the service sends by itself.
 */

import { AuditLog } from "./audit-log.ts";
import { Brands, Profile } from "./brands.ts";
import { Batches, Campaigns } from "./campaigns.ts";
import { Claims, Holds, Redemptions } from "./claims.ts";
import type { Integrity, Stats, StatsWindow } from "./code-types.ts";
import { Codes, Imports } from "./codes.ts";
import { Deliveries } from "./deliveries.ts";
import { Keys } from "./keys.ts";
import { Events } from "./events.ts";
import type { ClientOptions } from "./options.ts";
import { path, Transport, type CallOptions } from "./transport.ts";
import { Users } from "./users.ts";
import { WebhookEndpoints } from "./webhook-endpoints.ts";

export { CodedropConnectionError, CodedropError } from "./errors.ts";
export type { FieldError, Problem, ProblemSlug } from "./errors.ts";
export type { Export, ExportFormat, List } from "./lists.ts";
export type { ClientOptions, Fetch, Retry } from "./options.ts";
export type { CallOptions, CreateOptions } from "./transport.ts";
export type { UserOptions, UserToken } from "./user-token.ts";
export type { ImportType } from "./codes.ts";
export type { Upload } from "./upload.ts";
export { CodedropWebhookError, verifyWebhook } from "./webhooks.ts";
export type { ReceivedWebhook, WebhookEvent, WebhookHeaders } from "./webhooks.ts";
export type * from "./checkout-types.ts";
export type * from "./code-types.ts";
export type * from "./event-types.ts";
export type * from "./delivery-types.ts";
export type * from "./types.ts";
export type * from "./webhook-types.ts";

/** The proof reads every claim: minutes for millions. */
const INTEGRITY_TIMEOUT_MS = 300_000;

export class Codedrop {
  readonly #transport: Transport;
  readonly brand: Profile;
  readonly brands: Brands;
  readonly keys: Keys;
  readonly campaigns: Campaigns;
  readonly batches: Batches;
  readonly imports: Imports;
  readonly codes: Codes;
  readonly claims: Claims;
  readonly holds: Holds;
  readonly redemptions: Redemptions;
  readonly events: Events;
  readonly webhookEndpoints: WebhookEndpoints;
  readonly deliveries: Deliveries;
  readonly auditLog: AuditLog;
  readonly users: Users;

  constructor(options: ClientOptions) {
    const transport = new Transport(options);
    this.#transport = transport;
    this.brand = new Profile(transport);
    this.brands = new Brands(transport);
    this.keys = new Keys(transport);
    this.campaigns = new Campaigns(transport);
    this.batches = new Batches(transport);
    this.imports = new Imports(transport);
    this.codes = new Codes(transport);
    this.claims = new Claims(transport);
    this.holds = new Holds(transport);
    this.redemptions = new Redemptions(transport);
    this.events = new Events(transport);
    this.webhookEndpoints = new WebhookEndpoints(transport);
    this.deliveries = new Deliveries(transport);
    this.auditLog = new AuditLog(transport);
    this.users = new Users(transport);
  }

  /** A campaign's codes by status, and how it went in the last 24 hours unless you say. */
  stats(campaign: string, query: StatsWindow = {}, options: CallOptions = {}): Promise<Stats> {
    const route = `GET ${path`/v1/campaigns/${campaign}/stats`}` as const;
    return this.#transport.json({ route, query, isRepeatable: true, options });
  }

  /** Holds a campaign's ledger of claims against its codes. */
  integrity(campaign: string, options: CallOptions = {}): Promise<Integrity> {
    const call = { timeoutMs: INTEGRITY_TIMEOUT_MS, ...options };
    return this.#transport.get(path`/v1/campaigns/${campaign}/integrity`, call);
  }
}
