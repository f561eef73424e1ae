/**
 * A valid call of every administrative route, for what must be true of all of them. A route of the
 * OpenAPI document that has none here fails the tests that are made from it.
 */

import type { Answer, Api, Brand } from "./api.ts";
import { unique } from "./api.ts";

export interface Call {
  bearer: string;
  /** The path, with ids in it. */
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

interface World {
  api: Api;
  operatorToken: string;
  brand: Brand;
}

/** Makes what the route needs, and answers the call that changes it. */
type Make = (world: World) => Promise<Call> | Call;

async function idOf(answer: Promise<Answer>): Promise<string> {
  const { body, status, text } = await answer;
  if (status > 299) throw new Error(text);
  return String(body["id"]);
}

const newKey = { kind: "secret", mode: "live", name: "Till" };
const aKey = ({ api, brand }: World) => idOf(api.send(brand.secret, "POST /v1/keys", newKey));
const aCampaign = ({ api, brand }: World) => api.newCampaign(brand, 0);

const onCampaign =
  (suffix: string, rest: Omit<Call, "bearer" | "path"> = {}): Make =>
  async (world) => ({
    bearer: world.brand.secret,
    path: `/v1/campaigns/${await aCampaign(world)}${suffix}`,
    ...rest,
  });
const onKey =
  (suffix: string, body?: unknown): Make =>
  async (world) => ({
    bearer: world.brand.secret,
    path: `/v1/keys/${await aKey(world)}${suffix}`,
    ...(body === undefined ? {} : { body }),
  });

const newEndpoint = { url: "https://hooks.shop.example/", events: ["*"] };
const onEndpoint =
  (suffix: string, body?: unknown): Make =>
  async ({ api, brand: { secret: bearer } }) => {
    const id = await idOf(api.send(bearer, "POST /v1/webhook-endpoints", newEndpoint));
    const path = `/v1/webhook-endpoints/${id}${suffix}`;
    return { bearer, path, ...(body === undefined ? {} : { body }) };
  };

export const CALLS: Record<string, Make> = {
  "POST /v1/brands": ({ operatorToken }) => ({
    bearer: operatorToken,
    path: "/v1/brands",
    body: { name: "Acme", slug: unique("acme") },
  }),
  "PATCH /v1/brands/{brand}": ({ operatorToken, brand }) => ({
    bearer: operatorToken,
    path: `/v1/brands/${brand.id}`,
    body: { name: "Acme Shoes" },
  }),
  "PATCH /v1/brand": ({ brand }) => ({
    bearer: brand.secret,
    path: "/v1/brand",
    body: { name: "Acme Stores" },
  }),
  "POST /v1/brand/rotate-check-key": async (world) => {
    await world.api.newCampaign(world.brand, 1);
    return { bearer: world.brand.secret, path: "/v1/brand/rotate-check-key" };
  },
  "POST /v1/keys": ({ brand }) => ({ bearer: brand.secret, path: "/v1/keys", body: newKey }),
  "PATCH /v1/keys/{key}": onKey("", { name: "Checkout" }),
  "POST /v1/keys/{key}/rotate": onKey("/rotate", { overlap_seconds: 60 }),
  "DELETE /v1/keys/{key}": onKey(""),
  "POST /v1/campaigns": ({ brand }) => ({
    bearer: brand.secret,
    path: "/v1/campaigns",
    body: { name: "Spring", slug: unique("spring") },
  }),
  "PATCH /v1/campaigns/{campaign}": onCampaign("", { body: { name: "Summer" } }),
  "POST /v1/campaigns/{campaign}/pause": onCampaign("/pause"),
  "POST /v1/campaigns/{campaign}/resume": async (world) => {
    const { api, brand } = world;
    const id = await aCampaign(world);
    await api.send(brand.secret, `POST /v1/campaigns/${id}/pause`);
    return { bearer: brand.secret, path: `/v1/campaigns/${id}/resume` };
  },
  "POST /v1/campaigns/{campaign}/end": onCampaign("/end"),
  "POST /v1/campaigns/{campaign}/batches": onCampaign("/batches", { body: { count: 3 } }),
  "POST /v1/batches/{batch}/cancel": async (world) => {
    const { api, brand } = world;
    const route = `POST /v1/campaigns/${await aCampaign(world)}/batches`;
    const id = await idOf(api.send(brand.secret, route, { count: 2_000_000 }));
    return { bearer: brand.secret, path: `/v1/batches/${id}/cancel` };
  },
  "POST /v1/campaigns/{campaign}/imports": onCampaign("/imports", {
    body: "code\nOWN-1\nOWN-2\n",
    headers: { "Content-Type": "text/csv" },
  }),
  "POST /v1/webhook-endpoints": ({ brand }) => ({
    bearer: brand.secret,
    path: "/v1/webhook-endpoints",
    body: newEndpoint,
  }),
  "PATCH /v1/webhook-endpoints/{endpoint}": onEndpoint("", { status: "disabled" }),
  "POST /v1/webhook-endpoints/{endpoint}/rotate-secret": onEndpoint("/rotate-secret", {
    overlap_seconds: 60,
  }),
  "DELETE /v1/webhook-endpoints/{endpoint}": onEndpoint(""),
  "DELETE /v1/users/{user_id}": ({ brand }) => ({
    bearer: brand.secret,
    path: `/v1/users/${unique("u")}`,
  }),
  "POST /v1/codes/revoke": async ({ api, brand }) => {
    const id = await api.newCampaign(brand, 1);
    const [first] = await api.listAll<{ code: string }>(
      brand.secret,
      `/v1/campaigns/${id}/codes`,
      1,
    );
    const body = { codes: [first?.code], reason: "leaked" };
    return { bearer: brand.secret, path: "/v1/codes/revoke", body };
  },
};

/**
 * Routes that change something and are no administration: the pools keep the ledger of those, and
 * what was sent to an endpoint is kept with its deliveries.
 */
export const NOT_ADMINISTRATIVE = [
  "POST /v1/campaigns/{campaign}/claims",
  "POST /v1/claims/{claim}/reveal",
  "POST /v1/codes/validate",
  "POST /v1/codes/bulk-validate",
  "POST /v1/codes/bulk-redeem",
  "POST /v1/holds",
  "DELETE /v1/holds/{hold}",
  "POST /v1/redemptions",
  "POST /v1/redemptions/{redemption}/rollback",
  "POST /v1/deliveries/{delivery}/retry",
  "POST /v1/webhook-endpoints/{endpoint}/test",
];

/** Makes the call of a route, as often as it is called with `call`. */
export function callOf(world: World, route: string): Promise<Call> | Call {
  const make = CALLS[route];
  if (make === undefined) throw new Error(`administration.ts has no call of ${route}`);
  return make(world);
}

export function sendCall(
  api: Api,
  route: string,
  call: Call,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const method = route.slice(0, route.indexOf(" "));
  return api.send(call.bearer, `${method} ${call.path}`, call.body, {
    ...call.headers,
    ...headers,
  });
}
