/**
 * What travels, in requests and answers: the names and shapes of the OpenAPI document, which a test
 * holds these against. Times are RFC 3339 in UTC; amounts are whole minor units.
 */

export interface Page<Row> {
  data: Row[];
  /** Null on the last page. */
  next_cursor: string | null;
}

/** What every list takes. */
export interface Paging {
  /** Rows in one page, 1–100. */
  limit?: number;
  /** `next_cursor` of the page before. */
  cursor?: string;
}

export interface Brand {
  id: string;
  slug: string;
  name: string;
  status: "active" | "suspended";
  created_at: string;
  identity: Identity | null;
}

/** Who says, by signed user tokens, who the brand's users are. */
export interface Identity {
  issuer: string;
  audience: string;
  jwks_url?: string;
  algorithm?: "HS256";
  /**
   * Only in the answer of the call that made it. Sign with it as it stands: the key is the text's
   * UTF-8 bytes.
   */
  secret?: string;
}

/** Either `jwks_url`, or `algorithm` to have a shared secret made. */
export interface NewIdentity {
  issuer: string;
  audience: string;
  /** Where the issuer's public keys are. */
  jwks_url?: string;
  algorithm?: "HS256";
}

export interface NewBrand {
  name: string;
  slug?: string;
}

export interface BrandWithKeys extends Brand {
  /** Shown this once: only their hashes are stored. */
  keys: { secret: string; publishable: string };
}

export interface BrandChange {
  name?: string;
  status?: "active" | "suspended";
}

export interface ProfileChange {
  name?: string;
  /** Null takes it away. */
  identity?: NewIdentity | null;
}

export interface Discount {
  type: "percentage" | "fixed_amount" | "free_shipping" | "other";
  /** A percentage of at most 100, or an amount in minor units. */
  value?: number;
  /** ISO 4217, of the amounts; an order in another is refused. */
  currency?: string;
  /** Minor units that an order must come to. */
  minimum_order_amount?: number;
  /** Minor units that a percentage takes off at most. */
  maximum_discount_amount?: number;
  description?: string;
}

/** What the user agrees to before getting a code. */
export interface ConsentTerms {
  required: boolean;
  text: string;
  version: string;
}

/** How generated codes look. */
export interface CodeFormat {
  pattern?: string;
  length?: number;
  alphabet?: string;
  prefix?: string;
  suffix?: string;
}

/** What pages must prove before they claim. */
export interface Challenge {
  type: "turnstile";
  site_key: string;
}

export interface NewChallenge extends Challenge {
  /** Kept to verify with, and never shown. */
  secret: string;
}

/** Fields that can be set at any time; null takes an optional one away. */
export interface CampaignUpdate {
  name?: string;
  slug?: string;
  discount?: Discount | null;
  starts_at?: string | null;
  ends_at?: string | null;
  /** May be raised later, not lowered. */
  claims_per_user?: number;
  /** Counted from the claim. */
  code_lifetime_seconds?: number | null;
  /** Counted from the claim; null keeps contact data until it is erased. */
  contact_retention_days?: number | null;
  code_format?: CodeFormat | null;
  /** Lifts the floor under how hard a code is to guess. */
  accept_guessable?: boolean;
  consent?: ConsentTerms | null;
  challenge?: NewChallenge | null;
  shop_url?: string | null;
  /** New claims within a minute; one more pauses the campaign. */
  max_claims_per_minute?: number | null;
  /** Numbers of codes, or parts of all that were made such as "10%": told once no more are left. */
  low_stock_thresholds?: (number | string)[] | null;
  /** When a claim shows its code; on_demand: when it is revealed. */
  reveal?: "at_claim" | "on_demand";
  /** 10–604,800; how long a reserved code can be revealed. */
  reveal_within_seconds?: number;
  /** Only the user who holds a code redeems it. */
  holder_only?: boolean;
  /** Codes that were handed out elsewhere may be redeemed too. */
  redeem_unclaimed?: boolean;
  /** A code may live on after ends_at. */
  codes_outlive_campaign?: boolean;
  metadata?: Record<string, string>;
}

export interface NewCampaign extends CampaignUpdate {
  name: string;
  mode?: "live" | "test";
  /** Pools that share the claims, 1–64, fixed for good. */
  shards?: number;
}

export interface Campaign {
  id: string;
  slug: string;
  name: string;
  mode: "live" | "test";
  status: "active" | "paused" | "ended";
  discount: Discount | null;
  starts_at: string | null;
  ends_at: string | null;
  claims_per_user: number;
  code_lifetime_seconds: number | null;
  contact_retention_days: number | null;
  code_format: CodeFormat | null;
  accept_guessable: boolean;
  consent: ConsentTerms | null;
  challenge: Challenge | null;
  shop_url: string | null;
  shards: number;
  max_claims_per_minute: number | null;
  /** When max_claims_per_minute paused it, until it is resumed. */
  breaker_tripped_at: string | null;
  low_stock_thresholds: (number | string)[] | null;
  reveal: "at_claim" | "on_demand";
  reveal_within_seconds: number;
  holder_only: boolean;
  redeem_unclaimed: boolean;
  codes_outlive_campaign: boolean;
  metadata: Record<string, string>;
  created_at: string;
}

/** What a publishable key is shown of a campaign. */
export interface PublicCampaign {
  id: string;
  slug: string;
  name: string;
  status: "active" | "paused" | "ended";
  discount: Discount | null;
  starts_at: string | null;
  ends_at: string | null;
  /** Whether codes are left; low: a tenth of them or less. Some seconds behind. */
  availability: "available" | "low" | "exhausted";
  consent: ConsentTerms | null;
  challenge: Challenge | null;
  shop_url: string | null;
}

export interface NewBatch {
  count: number;
}

export interface Batch {
  id: string;
  campaign_id: string;
  status: "running" | "complete" | "cancelled" | "failed";
  requested: number;
  created: number;
  created_at: string;
  finished_at: string | null;
}

/** When the new keys of check characters are used. */
export interface CheckKeyRotation {
  shapes: number;
  in_use_from: string;
}

/** What a secret key may do; writing includes reading. */
export type Scope =
  | "audit:read"
  | `${"brand" | "campaigns" | "claims" | "codes" | "keys" | "redemptions" | "users" | "webhooks"}:${"read" | "write"}`
  | "events:read";

export interface NewApiKey {
  kind: "secret" | "publishable";
  mode: "live" | "test";
  name: string;
  /** Secret keys only; all when left out. */
  scopes?: Scope[];
  /** Publishable keys only: the pages it may be used from. */
  allowed_origins?: string[];
  expires_at?: string | null;
}

export interface KeyUpdate {
  name?: string;
  allowed_origins?: string[];
}

export interface KeyRotation {
  /** How long the old key stays good. */
  overlap_seconds: number;
}

export interface ApiKey {
  id: string;
  kind: "secret" | "publishable";
  mode: "live" | "test";
  name: string;
  /** The key's last 4 characters. */
  hint: string;
  /** Null: all. */
  scopes: string[] | null;
  allowed_origins: string[];
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  /** Some 5 minutes behind at most. */
  last_used_at: string | null;
}

export interface ApiKeyWithText extends ApiKey {
  /** Shown this once. */
  key: string;
}

/** Who changed what: an entry of the audit log. */
export interface AuditEntry {
  id: string;
  /** 1, 2, 3, … without a gap. */
  number: number;
  at: string;
  /** The id of the key, or `operator`. */
  actor: string;
  action: string;
  target: string;
  /** Names of the fields that were set. */
  fields: string[];
  request_id: string;
  /** /24 of IPv4, /48 of IPv6. */
  address_prefix: string | null;
  previous_hash: string | null;
  hash: string;
}

export interface AuditVerdict {
  ok: boolean;
  entries: number;
  /** Keep it, and pass it the next time. */
  head: { number: number; hash: string } | null;
  /** The first number at which the log is not what was written. */
  broken_at: number | null;
  checked_at: string;
}
