/** What the build adds to the OpenAPI document. */

import { describe, expect, it } from "vitest";
import { formatApiKey } from "../../src/domain/api-key.ts";
import { formatClaimId } from "../../src/domain/claim.ts";
import { formatDeliveryId } from "../../src/domain/delivery.ts";
import { formatEventId } from "../../src/domain/event.ts";
import { base32, formatId, ID_RANDOM_BYTES, type IdKind } from "../../src/domain/id.ts";
import { formatHoldId, formatRedemptionId } from "../../src/domain/redemption.ts";
import { formatWebhookSecret, WEBHOOK_SECRET_BYTES } from "../../src/domain/webhook-secret.ts";
import { completeDocument, type Document, type Schema } from "../../src/reference/complete.ts";
import { generatedDocument } from "../../src/reference/document.ts";

const made = generatedDocument() as unknown as Document;
const text = JSON.stringify(made);
const document = completeDocument(made);
const { schemas } = document.components;

const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
const idOf = (kind: IdKind) => formatId(kind, Date.now(), random(ID_RANDOM_BYTES));

/** Every schema of a type, and where it stands. */
function typed(value: unknown, at = ""): [place: string, schema: Schema][] {
  if (typeof value !== "object" || value === null) return [];
  const isSchema = "type" in value && !/\/(properties|securitySchemes\/\w+)$/.test(at);
  const deeper = Object.entries(value).filter(([key]) => key !== "example");
  return [
    ...(isSchema ? [[at, value as Schema] satisfies [string, Schema]] : []),
    ...deeper.flatMap(([key, held]) => typed(held, `${at}/${key}`)),
  ];
}

/** Grow with each redemption that is rolled back. */
const UNLIMITED = [
  "/components/schemas/UserInCampaign/properties/redemptions",
  "/components/schemas/CodeHistory/properties/history",
];

function fieldOf(component: string, ...fields: string[]): Schema {
  let schema = schemas[component];
  for (const field of fields) schema = schema?.properties?.[field];
  if (schema === undefined) throw new Error(`No ${component}.${fields.join(".")}`);
  return schema;
}

function allows({ pattern = "", maxLength = 0 }: Schema, value: string): boolean {
  return new RegExp(pattern, "u").test(value) && value.length <= maxLength;
}

describe("the completed document", () => {
  it("bounds every text, integer and list that no list of values bounds", () => {
    const unbounded = typed(document).filter(([, { type, enum: listed, ...bounds }]) => {
      const types = new Set([type].flat());
      if (listed !== undefined || "const" in bounds) return false;
      if (types.has("string")) return bounds.maxLength === undefined;
      if (types.has("array")) return bounds.maxItems === undefined;
      const isOpen = bounds.minimum === undefined || bounds.maximum === undefined;
      return types.has("integer") && isOpen;
    });
    expect(unbounded.map(([place]) => place).toSorted()).toEqual(UNLIMITED.toSorted());
  });

  it("bounds what is answered as what was asked for, and changes no bound that is there", () => {
    expect(fieldOf("Campaign", "claims_per_user")).toMatchObject({ minimum: 1, maximum: 100 });
    expect(fieldOf("Claim", "shop_url").maxLength).toBe(2_048);
    const before = new Map(typed(made));
    for (const [place, schema] of typed(document))
      expect(schema).toMatchObject(before.get(place) ?? {});
  });

  it("describes every tag and every call, and names every webhook", () => {
    for (const tag of document.tags ?? [])
      expect([tag.name, tag.description]).not.toContain(undefined);
    const calls = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    for (const call of calls) expect([call.operationId, call.description]).not.toContain(undefined);
    const hooks = Object.values(document.webhooks).flatMap((methods) => Object.values(methods));
    const ids = [...calls, ...hooks].map(({ operationId }) => operationId);
    expect(ids).toContain("onClaimCreated");
    expect(new Set(ids).size).toBe(calls.length + hooks.length);
  });

  it("names the page's origin where a page may call, and nowhere else", () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { security = [], responses }] of Object.entries(methods)) {
        const isForPages = security.some((entry) => "publishableKey" in entry);
        for (const [status, { headers = {} }] of Object.entries(responses)) {
          const isNamed = "Access-Control-Allow-Origin" in headers;
          expect([path, method, status, isNamed]).toEqual([path, method, status, isForPages]);
        }
      }
    }
  });

  it("leaves the one that it was given as it is", () => {
    expect(JSON.stringify(made)).toBe(text);
  });
});

describe("the pattern of an id", () => {
  const campaignId = idOf("campaign");
  const first = { campaignId, shard: 0, number: 1 };
  const last = { campaignId, shard: 63, number: 999_999_999_999_999 };
  const userKey = base32(random(16));
  const eventId = formatEventId(campaignId, 2 ** 35 - 1);

  it.each([
    ["Campaign", "id", [campaignId]],
    ["ApiKey", "id", [idOf("apiKey")]],
    ["Code", "batch_id", [idOf("batch"), idOf("import")]],
    ["Claim", "id", [0, 9, 99].map((nth) => formatClaimId({ campaignId, userKey, nth }))],
    ["Redemption", "id", [first, last].map(formatRedemptionId)],
    ["Hold", "id", [first, last].map(formatHoldId)],
    ["Delivery", "event_id", [formatEventId(campaignId, 1), eventId, idOf("event")]],
    [
      "Delivery",
      "id",
      [0, Number.MAX_SAFE_INTEGER].map((number) =>
        formatDeliveryId({ endpointId: idOf("webhookEndpoint"), number }),
      ),
    ],
  ])("is that of %s.%s as they are made", (component, field, ids) => {
    const schema = fieldOf(component, field);
    for (const id of ids) expect([id, allows(schema, id)]).toEqual([id, true]);
    for (const id of [`${ids[0]}/`, `x${ids[0]}`, "cmp_", ""]) {
      expect([id, allows(schema, id)]).toEqual([id, false]);
    }
  });

  it("is that of keys and secrets as they are made", () => {
    const key = fieldOf("BrandWithKeys", "keys", "secret");
    expect(allows(key, formatApiKey("secret", "live", random))).toBe(true);
    expect(allows(key, "cdk_live_x")).toBe(false);
    const secret = fieldOf("WebhookEndpointWithSecret", "secret");
    expect(allows(secret, formatWebhookSecret(random(WEBHOOK_SECRET_BYTES)))).toBe(true);
  });
});
