/** Batches of generated codes. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { tellOfStock } from "../../code-pool/stub.ts";
import { findBatch, type BatchRow } from "../../db/batches.ts";
import { BATCH_COUNT_MAX } from "../../domain/batch.ts";
import { makeBatch } from "../../inventory/batches.ts";
import { secretKey } from "../auth.ts";
import { readableBody } from "../body.ts";
import type { HttpEnv } from "../http-env.ts";
import { ProblemError } from "../problems.ts";
import {
  AnsweredTime,
  BODY_PROBLEMS,
  created,
  json,
  jsonBody,
  KEY_PROBLEMS,
  NoQuery,
  PathId,
  PathKey,
  problemResponses,
  toWireTime,
} from "../schemas.ts";
import { requireCampaign, requireNotEnded } from "../require-campaign.ts";

const NewBatch = z
  .strictObject({
    count: z
      .int()
      .min(1)
      .max(BATCH_COUNT_MAX)
      .meta({ description: `Codes to make, 1–${BATCH_COUNT_MAX}.` }),
  })
  .meta({ id: "NewBatch", example: { count: 1000 } });

const Batch = z
  .strictObject({
    id: z.string().meta({ example: "bat_01k3q9m7x2v8d4t6w5ab" }),
    campaign_id: z.string(),
    status: z.enum(["running", "complete", "cancelled", "failed"]),
    requested: z.int(),
    created: z.int(),
    created_at: AnsweredTime,
    finished_at: AnsweredTime.nullable(),
  })
  .meta({ id: "Batch" });

function presentBatch(batch: BatchRow): z.infer<typeof Batch> {
  return {
    id: batch.id,
    campaign_id: batch.campaignId,
    status: batch.status,
    requested: batch.requested,
    created: batch.created,
    created_at: toWireTime(batch.createdAt),
    finished_at: toWireTime(batch.finishedAt),
  };
}

const security = [{ secretKey: [] }];

export const batchRoutes = new OpenAPIHono<HttpEnv>();

batchRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/campaigns/{campaign}/batches",
    operationId: "createBatch",
    summary: "Make codes for a campaign",
    description: "Exactly as many as asked for, or none: a batch is one transaction.",
    tags: ["Codes"],
    security,
    middleware: [secretKey, readableBody] as const,
    request: { params: z.object({ campaign: PathKey }), query: NoQuery, body: jsonBody(NewBatch) },
    responses: {
      201: created(Batch, "The batch; its codes can be claimed from now on"),
      ...problemResponses("not-found", "campaign-ended", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const campaign = await requireCampaign(c);
    requireNotEnded(campaign);
    const batch = await makeBatch(c.env.DB, {
      campaignId: campaign.id,
      brandId: campaign.brandId,
      count: c.req.valid("json").count,
    });
    await tellOfStock(c.env, campaign);
    c.header("Location", `/v1/batches/${batch.id}`);
    return c.json(presentBatch(batch), 201);
  },
);

batchRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/batches/{batch}",
    operationId: "getBatch",
    summary: "Read a batch",
    tags: ["Codes"],
    security,
    middleware: [secretKey] as const,
    request: { params: z.object({ batch: PathId }), query: NoQuery },
    responses: { 200: json(Batch, "The batch"), ...problemResponses("not-found", ...KEY_PROBLEMS) },
  }),
  async (c) => {
    const batch = await findBatch(c.env.DB, c.req.valid("param").batch, c.var.scope);
    if (batch === null) throw new ProblemError("not-found");
    return c.json(presentBatch(batch), 200);
  },
);
