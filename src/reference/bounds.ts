/**
 * How long, how many and how large values of the reference can be, where the schemas that validate
 * do not say so: those that are answered, and those that are read by other means. Most of what is
 * answered was asked for once, and is bounded as that was.
 */

import { BATCH_COUNT_MAX } from "../domain/batch.ts";
import { OPAQUE_LENGTH, prefixes, type IdKind } from "../domain/id.ts";
import { IMPORT_BYTES_MAX } from "../domain/import.ts";
import { IMPORTED_CODE_LENGTH_MAX } from "../domain/imported-code.ts";
import { ORIGIN_MAX } from "../domain/origin.ts";
import { SCOPES } from "../domain/scope.ts";
import { SLUG } from "../domain/slug.ts";
import { TARGET_LENGTH_MAX } from "../domain/target.ts";
import { USER_EMAIL_MAX, USER_ID_MAX } from "../domain/user.ts";
import { TOKEN_LENGTH_MAX } from "../identity/user-token.ts";
import { ANSWER_CHARS_MAX } from "../webhooks/attempt.ts";
import { ATTEMPTS_KEPT } from "../webhooks/deliveries.ts";
import { AMOUNT_MAX } from "../http/campaign-schemas.ts";
import { ERRORS_SHOWN_MAX } from "../http/import-schemas.ts";
import { CURSOR_MAX, LIMIT_MAX } from "../http/paging.ts";
import { FIELD_ERRORS_MAX } from "../http/problem-response.ts";
import { BODY_BYTES_MAX, FIT } from "../http/schemas.ts";
import { INTERVALS_MAX } from "../http/stats-schemas.ts";

export interface Bounds {
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
}

const DIGIT = "[0-9a-hjkmnp-tv-z]";
const SLUG_LENGTH = 63;
const SLUG_TEXT = SLUG.source.slice(1, -1);
/** As the caller sent it, or made here. */
const REQUEST_ID = { maxLength: 255, pattern: "^[\\w=-]+$" };
const CURSOR = { maxLength: CURSOR_MAX, pattern: "^[\\w-]+$" };
const TARGET = "^[Hh][Tt][Tt][Pp][Ss]?:[^\\s\\\\]+$";
const ORIGIN = "^https?://[^/]+$";
const HASH = { maxLength: 64, pattern: "^[0-9a-f]{64}$" };
const KEY_TEXT = { maxLength: 45, pattern: "^cd[kp]_(?:live|test)_[0-9A-Za-z]{36}$" };

/** Of ids that say where a thing is kept: what follows the opaque part, and its length at most. */
const TAILS: Partial<Record<IdKind, [pattern: string, length: number]>> = {
  claim: [`${DIGIT}{26}(?:0|[1-9][0-9]?)`, 28],
  redemption: [`[01]${DIGIT}[1-9][0-9]{0,14}`, 17],
  hold: [`[01]${DIGIT}[1-9][0-9]{0,14}`, 17],
  event: [`${DIGIT}{7}`, 7],
  delivery: [`[0-7]${DIGIT}{10}`, 11],
};

function idText(kind: IdKind): [pattern: string, length: number] {
  const [tail, length] = TAILS[kind] ?? ["", 0];
  const prefix = `${prefixes[kind]}_`;
  return [`${prefix}${DIGIT}{${OPAQUE_LENGTH}}${tail}`, prefix.length + OPAQUE_LENGTH + length];
}

function id(...kinds: [IdKind, ...IdKind[]]): Bounds {
  const texts = kinds.map(idText);
  const pattern = texts.map(([text]) => text).join("|");
  return {
    maxLength: Math.max(...texts.map(([, length]) => length)),
    pattern: texts.length === 1 ? `^${pattern}$` : `^(?:${pattern})$`,
  };
}

function idOrSlug(kind: IdKind): Bounds {
  return { maxLength: SLUG_LENGTH, pattern: `^(?:${idText(kind)[0]}|${SLUG_TEXT})$` };
}

/** A field named `id`, by the prefix that its example has. */
export function idBounds(example: unknown): Bounds {
  const kinds = Object.keys(prefixes) as IdKind[];
  const kind = kinds.find((one) => String(example).startsWith(`${prefixes[one]}_`));
  return kind === undefined ? {} : id(kind);
}

const line = (maxLength: number): Bounds => ({ maxLength, pattern: FIT });
const counted = (maximum: number, minimum = 0): Bounds => ({ minimum, maximum });
/** Of claims_per_user: a user has no more of a campaign. */
const CLAIMS_PER_USER_MAX = 100;

/** Answers that are bounded like the requests that made them, field by field. */
export const ASKED_AS: Record<string, string> = {
  ApiKey: "NewApiKey",
  ApiKeyWithText: "NewApiKey",
  Batch: "NewBatch",
  Brand: "NewBrand",
  BrandWithKeys: "NewBrand",
  Campaign: "NewCampaign",
  Challenge: "NewChallenge",
  Claim: "NewCampaign",
  Identity: "NewIdentity",
  PublicCampaign: "NewCampaign",
  WebhookEndpoint: "NewWebhookEndpoint",
  WebhookEndpointWithSecret: "NewWebhookEndpoint",
};

const KEY_HINT = { maxLength: 4, pattern: "^[0-9A-Za-z]{4}$" };
const SCOPE_NAMES = { maxItems: SCOPES.length, maxLength: 63, pattern: "^[a-z:]+$" };

/**
 * By the component's name and the field's, or by the field's; a list's are its items', too. A text
 * names a field of a request with the same bounds.
 */
export const FIELDS: Record<string, Bounds | string> = {
  "ApiKey.hint": KEY_HINT,
  "ApiKey.scopes": SCOPE_NAMES,
  "ApiKeyWithText.hint": KEY_HINT,
  "ApiKeyWithText.scopes": SCOPE_NAMES,
  "AuditEntry.action": { maxLength: 64, pattern: "^[A-Za-z]+$" },
  // More than any request has. Of an entry that somebody spoilt it is the text that is there.
  "AuditEntry.fields": { maxItems: 100, maxLength: BODY_BYTES_MAX },
  // A rotation names both keys.
  "AuditEntry.target": { maxLength: 64, pattern: "^[\\w/]+$" },
  "Batch.created": counted(BATCH_COUNT_MAX),
  "Batch.requested": "NewBatch.count",
  "BrandWithKeys.secret": KEY_TEXT,
  "BulkRedemption.data": "NewBulkRedemption.redemptions",
  "BulkValidation.data": "NewBulkValidation.codes",
  "CodeRedemption.code": "NewValidation.code",
  "CodeValidation.code": "NewValidation.code",
  "CodeVerdict.code": "NewValidation.code",
  "Delivery.answer": { maxLength: ANSWER_CHARS_MAX },
  "Delivery.attempts": { maxItems: ATTEMPTS_KEPT },
  // A test is not in the log, and has an id without a sequence.
  "Delivery.event_id": {
    ...id("event"),
    pattern: `^evt_${DIGIT}{${OPAQUE_LENGTH}}(?:${DIGIT}{7})?$`,
  },
  "Delivery.status": counted(599, 100),
  "Discount.currency": { maxLength: 3 },
  "Event.attributes": "NewClaim.user.attributes.*",
  "Event.created": counted(BATCH_COUNT_MAX),
  "Event.max_claims_per_minute": "NewCampaign.max_claims_per_minute",
  "Event.name": "NewClaim.user.name",
  "Event.threshold": { ...counted(BATCH_COUNT_MAX, 1), maxLength: 3, pattern: "^[1-9][0-9]?%$" },
  "Event.version": "Consent.version",
  "Import.errors": { maxItems: ERRORS_SHOWN_MAX },
  "ImportError.detail": line(255),
  "ImportError.line": counted(Number.MAX_SAFE_INTEGER, 1),
  "Order.currency": { maxLength: 3 },
  "Problem.detail": { maxLength: 4_096, pattern: FIT },
  "Problem.errors": { maxItems: FIELD_ERRORS_MAX },
  // Each character of a field's name may be escaped by two.
  "Problem.pointer": { maxLength: 2 * BODY_BYTES_MAX },
  "Problem.reason": { maxLength: 63, pattern: "^[a-z-]+$" },
  "Problem.status": counted(599, 400),
  "Problem.title": line(100),
  "Problem.type": { maxLength: TARGET_LENGTH_MAX, pattern: "^https?://[^/]+/problems/[a-z0-9-]+$" },
  "Revocation.data": "NewRevocation.codes",
  "Stats.series": { maxItems: INTERVALS_MAX },
  "UserInCampaign.claims": { maxItems: CLAIMS_PER_USER_MAX },
  "WebhookEndpoint.events": { pattern: "^(?:[*]|[a-z_.]+)$", maxLength: 63 },
  "WebhookEndpointWithSecret.events": { pattern: "^(?:[*]|[a-z_.]+)$", maxLength: 63 },
  "NewRevocation.codes": { pattern: FIT },
  actor: { ...id("apiKey"), pattern: `^(?:${idText("apiKey")[0]}|operator)$` },
  allowed_origins: { pattern: ORIGIN },
  address_prefix: { maxLength: 43, pattern: "^[0-9a-f.:]+/[0-9]+$" },
  batch_id: id("batch", "import"),
  campaign_id: id("campaign"),
  claim_id: id("claim"),
  claim_ids: { maxItems: CLAIMS_PER_USER_MAX, ...id("claim") },
  code: line(IMPORTED_CODE_LENGTH_MAX),
  data: { maxItems: LIMIT_MAX },
  discount_amount: counted(AMOUNT_MAX),
  email: { maxLength: USER_EMAIL_MAX, pattern: "^[^@]+@[^@]+$" },
  endpoint_id: id("webhookEndpoint"),
  hash: HASH,
  import_id: id("import"),
  jwks_url: { pattern: TARGET },
  key: KEY_TEXT,
  low_stock_thresholds: { maxLength: 3 },
  next_cursor: CURSOR,
  number: counted(Number.MAX_SAFE_INTEGER, 1),
  order_id: "NewHold.order_id",
  previous_hash: HASH,
  publishable: KEY_TEXT,
  reason: "NewRollback.reason",
  redemption_id: id("redemption"),
  request_id: REQUEST_ID,
  revoked_reason: "NewRevocation.reason",
  rollback_reason: "NewRollback.reason",
  secret: { maxLength: 64, pattern: "^[\\w+/=-]+$" },
  sequence: counted(Number.MAX_SAFE_INTEGER, 1),
  shop_url: { pattern: "^[Hh][Tt][Tt][Pp][Ss]?:" },
  slug: { maxLength: SLUG_LENGTH },
  url: { pattern: TARGET },
  user_id: line(USER_ID_MAX),
};

/** Of parameters, in paths, queries and headers. */
export const PARAMETERS: Record<string, Bounds> = {
  after: { maxLength: idText("event")[1], pattern: `^(?:[0-9]{1,15}|${idText("event")[0]})$` },
  batch: id("batch"),
  batch_id: id("batch", "import"),
  brand: idOrSlug("brand"),
  campaign: idOrSlug("campaign"),
  campaign_id: idOrSlug("campaign"),
  claim: id("claim"),
  "codedrop-user-token": { maxLength: TOKEN_LENGTH_MAX, pattern: "^[\\w-]+\\.[\\w-]+\\.[\\w-]+$" },
  cursor: CURSOR,
  delivery: id("delivery"),
  endpoint: id("webhookEndpoint"),
  endpoint_id: id("webhookEndpoint"),
  erasure: id("erasure"),
  hash: HASH,
  hold: id("hold"),
  // In the draft's form it stands in quotes.
  "idempotency-key": { maxLength: 257, pattern: "^[!-~]+$" },
  import: id("import"),
  key: id("apiKey"),
  number: counted(Number.MAX_SAFE_INTEGER, 1),
  redemption: id("redemption"),
  slug: { maxLength: 63, pattern: "^[a-z0-9-]+$" },
  user_id: line(USER_ID_MAX),
  "webhook-id": id("event"),
  "webhook-signature": {
    maxLength: 95,
    pattern: "^v1,[0-9A-Za-z+/]{43}=(?: v1,[0-9A-Za-z+/]{43}=)?$",
  },
  "webhook-timestamp": { maxLength: 12, pattern: "^[0-9]+$" },
};

/** Of headers of answers. */
export const HEADERS: Record<string, Bounds> = {
  Allow: { maxLength: 100, pattern: "^[A-Z]+(?:, ?[A-Z]+)*$" },
  Location: { maxLength: TARGET_LENGTH_MAX, pattern: "^/v1/[\\w/-]+$" },
  RateLimit: { maxLength: 100, pattern: '^"[\\w-]+";r=[0-9]+;t=[0-9]+$' },
  "RateLimit-Policy": { maxLength: 100, pattern: '^"[\\w-]+";q=[0-9]+;w=[0-9]+$' },
  "Retry-After": { maxLength: 10, pattern: "^[0-9]+$" },
  "WWW-Authenticate": { maxLength: 100, pattern: "^Bearer" },
  "X-Request-Id": REQUEST_ID,
};

/** Where a page's key is taken, and a page asked. */
export const PAGE_ORIGIN = {
  description: "The page's origin, where it is one of the key's.",
  schema: { type: "string", maxLength: ORIGIN_MAX, pattern: ORIGIN },
};

/** Of a request that is a text as a whole; each code of it may be as long as that. */
export const FILE = { maxLength: IMPORT_BYTES_MAX };
/** Of a time in an answer, `2026-11-23T15:04:05.678Z`. */
export const ANSWERED_TIME = { maxLength: 24 };
/** Of a count of which nothing more is known: what a number in JSON holds exactly. */
export const COUNT = counted(Number.MAX_SAFE_INTEGER);
