/** What a made-up brand's service answers: always the same, so that its pages look the same. */

import type {
  ApiKey,
  AuditEntry,
  Brand,
  Campaign,
  CodeHistory,
  Delivery,
  Event,
  Page,
  UserInCampaign,
  Validation,
  WebhookEndpoint,
} from "../../src/client/client.ts";

const at = (time: string) => `2026-03-${time}.000Z`;
const page = <Row>(data: Row[]): Page<Row> => ({ data, next_cursor: null });

const brand: Brand = {
  id: "brd_1m84hj99m7x32y96r3bk",
  slug: "acme",
  name: "Acme Shoes",
  status: "active",
  created_at: at("01T08:00:00"),
  identity: {
    issuer: "https://login.partner.example/",
    audience: "codedrop",
    jwks_url: "https://login.partner.example/.well-known/jwks.json",
  },
};

const key: ApiKey = {
  id: "key_1m84hj99m7x32y96r3b1",
  kind: "secret",
  mode: "live",
  name: "Back office",
  hint: "pZ4k",
  scopes: null,
  allowed_origins: [],
  created_at: at("01T08:00:00"),
  expires_at: null,
  revoked_at: null,
  last_used_at: at("20T17:45:00"),
};

const keys: ApiKey[] = [
  {
    ...key,
    id: "key_1m84hj99m7x32y96r3b3",
    kind: "publishable",
    name: "Partner site",
    hint: "WhjA",
    allowed_origins: ["https://partner.example", "https://www.partner.example"],
  },
  {
    ...key,
    id: "key_1m84hj99m7x32y96r3b2",
    name: "Reporting",
    hint: "yKtA",
    scopes: ["campaigns:read", "codes:read"],
    last_used_at: null,
    expires_at: "2099-01-01T00:00:00.000Z",
  },
  key,
  {
    ...key,
    id: "key_1m84hj99m7x32y96r3b0",
    mode: "test",
    name: "Old checkout",
    hint: "0wQy",
    revoked_at: at("05T12:00:00"),
  },
];

const campaign = {
  id: "cmp_1m84hj99m7x32y96r3bk",
  slug: "spring",
  name: "Spring drop",
} as Campaign;
const code = "6R7T-NGXY-WMDR";
const discount = { type: "percentage", value: 15 } as const;
const order = { amount: 8_990, currency: "EUR" };
const ofCode = { claim_id: "clm_1m84hj99m7x32y96r3bkb3fm6nbk", code, user_id: "u-1042" };

const history: CodeHistory = {
  ...ofCode,
  status: "redeemed",
  campaign_id: campaign.id,
  batch_id: "bat_1m84hj99m7x32y96r3bk",
  claimed_at: at("18T09:12:03"),
  expires_at: at("28T09:12:03"),
  redemption_id: "rdm_1m84hj99m7x32y96r3bk002",
  order_id: "o-1002",
  redeemed_at: at("20T16:40:55"),
  revoked_at: null,
  revoked_reason: null,
  history: [
    { at: at("02T10:00:00"), event: "made" },
    { at: at("18T09:12:03"), event: "claimed" },
    { at: at("19T11:30:41"), event: "redeemed" },
    { at: at("19T15:02:10"), event: "rolled_back" },
    { at: at("20T16:40:55"), event: "redeemed" },
  ],
};

const available: CodeHistory = {
  ...history,
  code: "X4KD-93TM-PW7C",
  status: "claimed",
  redemption_id: null,
  order_id: null,
  redeemed_at: null,
  history: history.history.slice(0, 2),
};

const redemption = {
  ...ofCode,
  campaign_id: campaign.id,
  order,
  discount,
  discount_amount: 1_348,
  rollback_reason: null,
};

const user: UserInCampaign = {
  campaign_id: campaign.id,
  claims: [
    {
      id: ofCode.claim_id,
      campaign_id: campaign.id,
      code,
      user_id: "u-1042",
      status: "redeemed",
      discount,
      claimed_at: at("18T09:12:03"),
      reveal_by: null,
      expires_at: at("28T09:12:03"),
      shop_url: null,
      consent: { share_contact: true, version: "2026-01" },
      contact: { name: "Ann Archer", email: "ann@shop.example" },
    },
  ],
  redemptions: [
    {
      ...redemption,
      id: "rdm_1m84hj99m7x32y96r3bk001",
      order_id: "o-1001",
      status: "rolled_back",
      redeemed_at: at("19T11:30:41"),
      rolled_back_at: at("19T15:02:10"),
      rollback_reason: "Sent back",
    },
    {
      ...redemption,
      id: "rdm_1m84hj99m7x32y96r3bk002",
      order_id: "o-1002",
      status: "redeemed",
      redeemed_at: at("20T16:40:55"),
      rolled_back_at: null,
    },
  ],
};

export const ENDPOINT = "whe_1m84hj99m7x32y96r3bk";

const endpoint: WebhookEndpoint = {
  id: ENDPOINT,
  url: "https://hooks.shop.example/codedrop",
  mode: "live",
  events: ["claim.created", "code.redeemed", "redemption.rolled_back"],
  campaign_ids: null,
  description: "Back office",
  status: "enabled",
  disabled_reason: null,
  disabled_at: null,
  previous_secret_expires_at: at("21T08:00:00"),
  created_at: at("02T08:00:00"),
};

const endpoints: WebhookEndpoint[] = [
  endpoint,
  {
    ...endpoint,
    id: "whe_1m84hj99m7x32y96r3b0",
    url: "https://alerts.shop.example/low-stock",
    events: ["*"],
    description: null,
    status: "disabled",
    disabled_reason: "failing",
    disabled_at: at("15T08:00:00"),
  },
];

export const DELIVERY = "dlv_1m84hj99m7x32y96r3bk1m84hj99m7x";

const delivery: Delivery = {
  id: DELIVERY,
  endpoint_id: ENDPOINT,
  event_id: "evt_1m84hj99m7x32y96r3bk0000042",
  event_type: "code.redeemed",
  campaign_id: campaign.id,
  sequence: 42,
  status: "failed",
  attempts: [
    {
      at: at("20T16:40:56"),
      status: 500,
      error: null,
      duration_ms: 112,
      answer: "<h1>Internal error</h1> The database is away.",
    },
    { at: at("20T16:41:01"), status: null, error: "timeout", duration_ms: 15_000, answer: null },
  ],
  next_attempt_at: null,
  created_at: at("20T16:40:55"),
};

const deliveries: Delivery[] = [
  delivery,
  {
    ...delivery,
    id: `${DELIVERY.slice(0, -1)}w`,
    event_type: "claim.created",
    sequence: 41,
    status: "delivered",
    attempts: [{ at: at("18T09:12:04"), status: 204, error: null, duration_ms: 48, answer: null }],
    created_at: at("18T09:12:03"),
  },
];

const event = { campaign_id: campaign.id, timestamp: at("18T09:12:03") };

const events: Event[] = [
  {
    ...event,
    id: "evt_1m84hj99m7x32y96r3bk0000001",
    type: "batch.completed",
    sequence: 1,
    data: { batch_id: history.batch_id, created: 250_000 },
  },
  {
    ...event,
    id: "evt_1m84hj99m7x32y96r3bk0000002",
    type: "claim.created",
    sequence: 2,
    data: {
      ...ofCode,
      contact: { name: "Ann Archer", email: "ann@shop.example" },
      consent: { share_contact: true, version: "2026-01" },
      claimed_at: at("18T09:12:03"),
      expires_at: at("28T09:12:03"),
    },
  },
  {
    ...event,
    id: "evt_1m84hj99m7x32y96r3bk0000003",
    type: "code.redeemed",
    sequence: 3,
    timestamp: at("20T16:40:55"),
    data: {
      ...ofCode,
      redemption_id: "rdm_1m84hj99m7x32y96r3bk002",
      order_id: "o-1002",
      order,
      discount,
      discount_amount: 1_348,
      redeemed_at: at("20T16:40:55"),
    },
  },
  {
    ...event,
    id: "evt_1m84hj99m7x32y96r3bk0000004",
    type: "campaign.low_stock",
    sequence: 4,
    timestamp: at("20T16:41:10"),
    data: { threshold: "10%", available: 25_000, codes: 250_000 },
  },
];

const entry: AuditEntry = {
  id: "aud_1m84hj99m7x32y96r3b3",
  number: 3,
  at: at("20T17:45:00"),
  actor: key.id,
  action: "rotateWebhookSecret",
  target: ENDPOINT,
  fields: ["overlap_seconds"],
  request_id: "8fa266aa780a49929bd55681",
  address_prefix: "203.0.113.0/24",
  previous_hash: "0".repeat(64),
  hash: "1".repeat(64),
};

const entries: AuditEntry[] = [
  entry,
  {
    ...entry,
    id: "aud_2",
    number: 2,
    action: "createCampaign",
    target: campaign.id,
    fields: ["name", "discount"],
  },
  {
    ...entry,
    id: "aud_1",
    number: 1,
    action: "createBrand",
    target: brand.id,
    actor: "operator",
    fields: ["name"],
  },
];

const validation: Validation = { valid: true, reason: null, campaign_id: campaign.id, discount };

/** By method and path; `body` is what was sent. */
export const ANSWERS: Record<string, (body: string) => unknown> = {
  "GET /console/session": () => ({ brand, key, expires_at: "2099-01-01T00:00:00.000Z" }),
  "POST /v1/codes/lookup": (body) => (body.includes(available.code) ? available : history),
  "POST /v1/codes/validate": (body) =>
    body.includes(available.code)
      ? validation
      : ({ ...validation, valid: false, reason: "redeemed" } satisfies Validation),
  "GET /v1/users/u-1042": () => page([user]),
  [`GET /v1/campaigns/${campaign.id}`]: () => campaign,
  "GET /v1/campaigns": () => page([campaign]),
  "GET /v1/webhook-endpoints": () => page(endpoints),
  [`GET /v1/webhook-endpoints/${ENDPOINT}`]: () => endpoint,
  "GET /v1/deliveries": () => page(deliveries),
  [`GET /v1/deliveries/${DELIVERY}`]: () => delivery,
  "GET /v1/keys": () => page(keys),
  [`GET /v1/keys/${key.id}`]: () => key,
  "POST /v1/keys": () => ({ ...key, key: "cdk_live_Q7mTzW3kR9xVb2LhYp5NcD8sFgJ4aK6eUt1o" }),
  "GET /v1/brand": () => brand,
  "GET /v1/events": () => page(events),
  "GET /v1/audit-log": () => page(entries),
  "GET /v1/audit-log/verify": () => ({
    ok: true,
    entries: 3,
    head: { number: 3, hash: entry.hash },
    broken_at: null,
    checked_at: at("21T09:00:00"),
  }),
};
