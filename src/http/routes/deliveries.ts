/** Events on their way to webhook endpoints: what became of each, and another try. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { listEndpointIds } from "../../db/webhook-senders.ts";
import { formatDeliveryId, parseDeliveryId, type DeliveryStatus } from "../../domain/delivery.ts";
import type { Delivery as StoredDelivery } from "../../webhooks/deliveries.ts";
import { callSender, type Sender } from "../../webhooks/stub.ts";
import { forSecretKey } from "../auth.ts";
import { noBody } from "../body.ts";
import {
  DeliveriesQuery,
  Delivery,
  presentDelivery,
  type PlacedDelivery,
} from "../delivery-schemas.ts";
import type { HttpEnv } from "../http-env.ts";
import { pageAsked, pageFound, pageOf } from "../paging.ts";
import { ProblemError } from "../problems.ts";
import {
  BODY_PROBLEMS,
  json,
  KEY_PROBLEMS,
  located,
  NoQuery,
  PathId,
  problemResponses,
} from "../schemas.ts";

const params = z.object({ delivery: PathId });

async function requireEndpoint(c: Context<HttpEnv>, id: string): Promise<void> {
  const [found] = await listEndpointIds(c.env.DB, c.var.scope, id);
  if (found === undefined) throw new ProblemError("not-found");
}

/** What `ask` says of the delivery in the path, if the caller's key may see it. */
async function requireDelivery(
  c: Context<HttpEnv>,
  ask: (sender: Sender, number: number) => Promise<StoredDelivery | null>,
): Promise<PlacedDelivery> {
  const address = parseDeliveryId(c.req.param("delivery") ?? "");
  if (address === null) throw new ProblemError("not-found");
  const { endpointId, number } = address;
  await requireEndpoint(c, endpointId);
  const found = await callSender(c.env, endpointId, (sender) => ask(sender, number));
  if (found === null) throw new ProblemError("not-found");
  return { ...found, endpointId };
}

/** By number, and where two endpoints have the same by the endpoint: a place in every list. */
interface Place {
  number: number;
  endpointId: string;
}

function newestFirst(a: Place, b: Place): number {
  return b.number - a.number || (a.endpointId < b.endpointId ? 1 : -1);
}

/** The newest of all these endpoints' deliveries, those behind `after`. */
async function listAcross(
  env: Env,
  endpointIds: string[],
  { after, limit, status }: { after: Place | null; limit: number; status: DeliveryStatus | null },
): Promise<PlacedDelivery[]> {
  const lists = await Promise.all(
    endpointIds.map(async (endpointId) => {
      const isBehind = after !== null && endpointId < after.endpointId;
      const before = after === null ? Number.MAX_SAFE_INTEGER : after.number + Number(isBehind);
      const page = { before, limit, status };
      const found = await callSender(env, endpointId, (sender) => sender.list(page));
      return found.map((delivery) => Object.assign(delivery, { endpointId }));
    }),
  );
  return lists.flat().sort(newestFirst).slice(0, limit);
}

export const deliveryRoutes = new OpenAPIHono<HttpEnv>();

deliveryRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/deliveries",
    operationId: "listDeliveries",
    summary: "List deliveries, newest first",
    description: "What ended is kept for 30 days.",
    tags: ["Webhooks"],
    ...forSecretKey("webhooks:read"),
    request: { query: DeliveriesQuery },
    responses: {
      200: json(pageOf(Delivery, "DeliveryPage"), "A page of deliveries"),
      ...problemResponses("not-found", "invalid-cursor", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const { endpoint_id: endpoint, status = null, ...paging } = c.req.valid("query");
    const { scope } = c.var;
    const list = `deliveries:${scope.brandId}:${scope.mode}:${endpoint}:${status}`;
    const page = pageAsked(paging, list, ["number", "string"], ([number, id]) => ({
      number: Number(number),
      endpointId: String(id),
    }));
    if (endpoint !== undefined) await requireEndpoint(c, endpoint);
    const ids = await listEndpointIds(c.env.DB, scope, endpoint);
    const found = await listAcross(c.env, ids, { ...page, status });
    return c.json(
      pageFound(page, found, ({ number, endpointId }) => [number, endpointId], presentDelivery),
      200,
    );
  },
);

deliveryRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/deliveries/{delivery}",
    operationId: "getDelivery",
    summary: "Read a delivery with its attempts",
    tags: ["Webhooks"],
    ...forSecretKey("webhooks:read"),
    request: { params, query: NoQuery },
    responses: {
      200: json(Delivery, "The delivery"),
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const delivery = await requireDelivery(c, (sender, number) => sender.find(number));
    return c.json(presentDelivery(delivery), 200);
  },
);

deliveryRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/deliveries/{delivery}/retry",
    operationId: "retryDelivery",
    summary: "Send a delivery again",
    description:
      "At once, with all attempts of a new delivery before it, whatever became of it; its attempts so far stay. With the same webhook-id, so a receiver that had it knows. To a disabled endpoint once it is enabled.",
    tags: ["Webhooks"],
    ...forSecretKey("webhooks:write", noBody),
    request: { params, query: NoQuery },
    responses: {
      202: located(Delivery, "The delivery, pending"),
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const delivery = await requireDelivery(c, (sender, number) => sender.retry(number));
    c.header("Location", `/v1/deliveries/${formatDeliveryId(delivery)}`);
    return c.json(presentDelivery(delivery), 202);
  },
);

deliveryRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/webhook-endpoints/{endpoint}/test",
    operationId: "testWebhookEndpoint",
    summary: "Send an event to an endpoint that tests it",
    description:
      "A `webhook.test`, signed like all others, sent once and at once, also to a disabled endpoint. The answer is its delivery, with what the receiver said: up to 15 seconds later.",
    tags: ["Webhooks"],
    ...forSecretKey("webhooks:write", noBody),
    request: { params: z.object({ endpoint: PathId }), query: NoQuery },
    responses: {
      200: json(Delivery, "The delivery, with its one attempt"),
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const endpointId = c.req.valid("param").endpoint;
    await requireEndpoint(c, endpointId);
    const delivery = await callSender(c.env, endpointId, (sender) => sender.ping());
    if (delivery === null) throw new ProblemError("not-found");
    return c.json(presentDelivery({ ...delivery, endpointId }), 200);
  },
);
