/** Where a brand wants to be told of events: made, changed and deleted. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { newId, randomBytes } from "../../db/new-id.ts";
import {
  createEndpoint,
  deleteEndpoint,
  ENDPOINTS_MAX,
  findEndpoint,
  listEndpoints,
  rotateSecret,
  updateEndpoint,
  type EndpointRow,
  type NewEndpoint,
} from "../../db/webhook-endpoints.ts";
import { refusedTarget } from "../../domain/target.ts";
import { formatWebhookSecret, WEBHOOK_SECRET_BYTES } from "../../domain/webhook-secret.ts";
import { callSender, type Sender } from "../../webhooks/stub.ts";
import { forSecretKey } from "../auth.ts";
import { noBody, readableBody } from "../body.ts";
import { change } from "../change.ts";
import { allowsLoopback, type HttpEnv } from "../http-env.ts";
import { IdempotencyHeader, replayable } from "../idempotency.ts";
import { once, ONCE_PROBLEMS } from "../once.ts";
import { requireCampaigns } from "../require-campaign.ts";
import { pageAsked, pageFound, pageOf, pageQuery } from "../paging.ts";
import { invalidField } from "../problem-response.ts";
import { ProblemError } from "../problems.ts";
import {
  BODY_PROBLEMS,
  created,
  definedOnly,
  json,
  jsonBody,
  KEY_PROBLEMS,
  NoQuery,
  PathId,
  problemResponses,
  toWireTime,
} from "../schemas.ts";
import {
  NewWebhookEndpoint,
  presentEndpoint,
  SecretRotation,
  toEvents,
  WebhookEndpoint,
  WebhookEndpointUpdate,
  WebhookEndpointWithSecret,
} from "../webhook-schemas.ts";

const params = z.object({ endpoint: PathId });

/** The endpoint in the path, if the key may see it. */
async function requireEndpoint(c: Context<HttpEnv>): Promise<EndpointRow> {
  const id = c.req.param("endpoint") ?? "";
  const endpoint = await findEndpoint(c.env.DB, c.var.scope, id);
  if (endpoint === null) throw new ProblemError("not-found");
  return endpoint;
}

/** The address as it is called. Its host is ASCII then, so that none looks like another. */
function urlOf(c: Context<HttpEnv>, asked: string): string {
  const how = { allowsLoopback: allowsLoopback(c.env), ownAddress: c.req.url };
  const href = URL.parse(asked)?.href ?? asked;
  // What is escaped grows, and may be too long only then.
  const reason = refusedTarget(asked, how) ?? refusedTarget(href, how);
  if (reason !== null) throw invalidField("/url", reason);
  return href;
}

const newSecret = () => formatWebhookSecret(randomBytes(WEBHOOK_SECRET_BYTES));

export const webhookEndpointRoutes = new OpenAPIHono<HttpEnv>();

webhookEndpointRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/webhook-endpoints",
    operationId: "createWebhookEndpoint",
    summary: "Have events sent to an address",
    description:
      "Those that enter the log from now on. The answer is the only sight of the secret that they are signed with.",
    tags: ["Webhooks"],
    ...forSecretKey("webhooks:write", readableBody, once),
    request: { query: NoQuery, headers: IdempotencyHeader, body: jsonBody(NewWebhookEndpoint) },
    responses: {
      201: created(WebhookEndpointWithSecret, "The endpoint, with the only sight of its secret"),
      ...problemResponses("limit-reached", ...ONCE_PROBLEMS, ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const asked = c.req.valid("json");
    const { campaign_ids: named } = asked;
    const mode = asked.mode ?? c.var.key.mode;
    if (c.var.key.mode === "test" && mode === "live") {
      throw new ProblemError("forbidden", { detail: "A test key makes test endpoints only." });
    }
    const [id, secret, now] = [newId("webhookEndpoint"), newSecret(), Date.now()];
    const row: NewEndpoint = {
      id,
      brandId: c.var.brand.id,
      mode,
      url: urlOf(c, asked.url),
      events: toEvents(asked.events),
      campaignIds: (named && (await requireCampaigns(c, mode, named))) ?? null,
      description: asked.description ?? null,
      secrets: [{ secret, expiresAt: null }],
      status: "enabled",
      disabledReason: null,
      disabledAt: null,
      createdAt: now,
    };
    const body = { ...presentEndpoint(row, now), secret };
    const answer = { status: 201 as const, location: `/v1/webhook-endpoints/${id}`, body };
    const isMade = await change(
      c,
      { action: "createWebhookEndpoint", target: id, fields: asked, answer, made: () => true },
      (along) => createEndpoint(c.env.DB, row, along),
    );
    if (!isMade) {
      throw new ProblemError("limit-reached", {
        detail: `A brand has ${ENDPOINTS_MAX} webhook endpoints of a mode at most.`,
      });
    }
    c.header("Location", answer.location);
    return c.json(body, 201);
  },
);

webhookEndpointRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/webhook-endpoints",
    operationId: "listWebhookEndpoints",
    summary: "List webhook endpoints, newest first",
    tags: ["Webhooks"],
    ...forSecretKey("webhooks:read"),
    request: { query: z.strictObject(pageQuery) },
    responses: {
      200: json(pageOf(WebhookEndpoint, "WebhookEndpointPage"), "A page of endpoints"),
      ...problemResponses("invalid-cursor", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const list = `webhook-endpoints:${c.var.brand.id}`;
    const page = pageAsked(c.req.valid("query"), list, ["string"], ([id]) => String(id));
    const found = await listEndpoints(c.env.DB, c.var.scope, page);
    const now = Date.now();
    return c.json(
      pageFound(
        page,
        found,
        ({ id }) => [id],
        (endpoint) => presentEndpoint(endpoint, now),
      ),
      200,
    );
  },
);

webhookEndpointRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/webhook-endpoints/{endpoint}",
    operationId: "getWebhookEndpoint",
    summary: "Read a webhook endpoint",
    tags: ["Webhooks"],
    ...forSecretKey("webhooks:read"),
    request: { params, query: NoQuery },
    responses: {
      200: json(WebhookEndpoint, "The endpoint, without its secret"),
      ...problemResponses("not-found", ...KEY_PROBLEMS),
    },
  }),
  async (c) => c.json(presentEndpoint(await requireEndpoint(c), Date.now()), 200),
);

webhookEndpointRoutes.openapi(
  createRoute({
    method: "patch",
    path: "/v1/webhook-endpoints/{endpoint}",
    operationId: "updateWebhookEndpoint",
    summary: "Change, disable or enable a webhook endpoint",
    description: "Its secret stays, also with another address.",
    tags: ["Webhooks"],
    ...forSecretKey("webhooks:write", readableBody),
    request: { params, query: NoQuery, body: jsonBody(WebhookEndpointUpdate) },
    responses: {
      200: json(WebhookEndpoint, "The endpoint as it is now"),
      ...problemResponses("not-found", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const fields = c.req.valid("json");
    const { id, ...endpoint } = await requireEndpoint(c);
    const { events, campaign_ids: named, ...rest } = fields;
    const set = definedOnly({
      ...rest,
      url: rest.url === undefined ? undefined : urlOf(c, rest.url),
      events: events && toEvents(events),
      campaignIds: named && (await requireCampaigns(c, endpoint.mode, named)),
    });
    if (Object.keys(set).length === 0) {
      return c.json(presentEndpoint({ id, ...endpoint }, Date.now()), 200);
    }
    const updated = await change(
      c,
      {
        action: "updateWebhookEndpoint",
        target: id,
        fields,
        made: () => findEndpoint(c.env.DB, c.var.scope, id),
      },
      (along) => updateEndpoint(c.env.DB, id, set, along),
    );
    if (updated === null) throw new ProblemError("not-found");
    tellSender(c, id, (sender) => sender.wake());
    return c.json(presentEndpoint(updated, Date.now()), 200);
  },
);

webhookEndpointRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/webhook-endpoints/{endpoint}/rotate-secret",
    operationId: "rotateWebhookSecret",
    summary: "Sign with a new secret",
    description:
      "The answer is the only sight of it. The old one signs, too, for overlap_seconds more, so that the receiver can be changed over. At most two secrets sign: another rotation within the overlap ends the oldest.",
    tags: ["Webhooks"],
    ...forSecretKey("webhooks:write", readableBody, once),
    request: { params, query: NoQuery, headers: IdempotencyHeader, body: jsonBody(SecretRotation) },
    responses: {
      200: replayable(
        json(WebhookEndpointWithSecret, "The endpoint, with the only sight of its new secret"),
      ),
      ...problemResponses("not-found", ...ONCE_PROBLEMS, ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const asked = c.req.valid("json");
    const before = await requireEndpoint(c);
    const { id } = before;
    const [secret, now] = [newSecret(), Date.now()];
    const previousUntil = asked.overlap_seconds > 0 ? now + asked.overlap_seconds * 1000 : null;
    const body = {
      ...presentEndpoint(before, now),
      previous_secret_expires_at: toWireTime(previousUntil),
      secret,
    };
    const answer = { status: 200 as const, location: null, body };
    const isRotated = await change(
      c,
      { action: "rotateWebhookSecret", target: id, fields: asked, answer, made: () => true },
      (along) => rotateSecret(c.env.DB, id, { secret, previousUntil }, along),
    );
    if (!isRotated) throw new ProblemError("not-found");
    return c.json(body, 200);
  },
);

webhookEndpointRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/webhook-endpoints/{endpoint}",
    operationId: "deleteWebhookEndpoint",
    summary: "Delete a webhook endpoint",
    description: "For good. Nothing is sent there any more.",
    tags: ["Webhooks"],
    ...forSecretKey("webhooks:write", noBody),
    request: { params, query: NoQuery },
    responses: {
      204: { description: "It is deleted" },
      ...problemResponses("not-found", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const { id: target } = await requireEndpoint(c);
    await change(c, { action: "deleteWebhookEndpoint", target, made: () => undefined }, (along) =>
      deleteEndpoint(c.env.DB, target, along),
    );
    tellSender(c, target, (sender) => sender.forget());
    return c.body(null, 204);
  },
);

/** Its sender reads D1 before each round: it would see the change by itself, some minutes later. */
function tellSender(c: Context<HttpEnv>, id: string, tell: (sender: Sender) => Promise<void>) {
  c.executionCtx.waitUntil(callSender(c.env, id, tell).catch(() => undefined));
}
