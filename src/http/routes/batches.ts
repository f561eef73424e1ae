/** Batches of generated codes. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { makeBatch } from "../../batch-runner/stub.ts";
import type { MakeOutcome } from "../../batch-runner/batch-runner.ts";
import { ClashError } from "../../db/alongside.ts";
import { findBatch, listBatches, type BatchRow } from "../../db/batches.ts";
import type { CampaignRow } from "../../db/campaigns.ts";
import { repeated } from "../../db/database.ts";
import { newId } from "../../db/new-id.ts";
import { BATCH_AT_ONCE_MAX, BATCH_COUNT_MAX } from "../../domain/batch.ts";
import { shapeOf } from "../../domain/code-format.ts";
import { codeSpaceOf } from "../../domain/code-space.ts";
import { inventoryOf } from "../../domain/inventory.ts";
import { endBatch, type BatchToMake } from "../../inventory/batches.ts";
import { shapeForCodes } from "../../inventory/shapes.ts";
import { forSecretKey } from "../auth.ts";
import { noBody, readableBody } from "../body.ts";
import { change } from "../change.ts";
import type { HttpEnv } from "../http-env.ts";
import { IdempotencyHeader } from "../idempotency.ts";
import { ONCE_PROBLEMS, onceOver, settle, type Resumed } from "../once.ts";
import { pageAsked, pageFound, pageOf, pageQuery } from "../paging.ts";
import { ProblemError } from "../problems.ts";
import {
  AnsweredTime,
  BODY_PROBLEMS,
  created,
  json,
  jsonBody,
  KEY_PROBLEMS,
  located,
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
    status: z.enum(["running", "complete", "cancelled", "failed"]).meta({
      description:
        "failed: nearly all texts of the format are codes of the brand already, its own among them. Only codes of the campaign's mode count.",
    }),
    requested: z.int(),
    created: z.int().meta({ description: "Codes made so far; they can be claimed." }),
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

export const batchRoutes = new OpenAPIHono<HttpEnv>();

/** The refusal of a batch for which the campaign's format has no room, with the numbers. */
function tooSmall(campaign: CampaignRow, count: number, live: number): ProblemError {
  const { texts, codesMax } = codeSpaceOf(shapeOf(campaign.codeFormat), campaign.acceptGuessable);
  const number = (value: number) => value.toLocaleString("en");
  const left = Math.max(0, codesMax - live);
  const room =
    left === 0 ? "there is no room for any more" : `there is room for ${number(left)} more`;
  return new ProblemError("code-space-too-small", {
    detail:
      `The format gives ${number(texts)} different texts, of which ${number(live)} are codes. ` +
      `With ${number(count)} more, 1 guess in ${number(Math.max(1, Math.round(texts / (live + count))))} would be a code. ` +
      `At most ${number(codesMax)} may be codes, so ${room}.`,
    extra: { texts, codes: live, requested: count, codes_max: codesMax },
  });
}

/** Longer than the codes of one request take on a slow day, and than D1 is asked again. */
const MAKE_TIMEOUT_MS = 60_000;

type Begun = Exclude<MakeOutcome, { kind: "clash" }>;
type Noted = Extract<MakeOutcome, { batch: BatchRow }>;

/** Makes the batch, or begins it. */
async function begin(env: Env, batch: BatchToMake): Promise<Begun> {
  const outcome = await makeBatch(env, batch);
  if (outcome.kind === "clash") throw new ClashError(outcome.clash);
  return outcome;
}

/** How far a batch is that was noted. */
async function findOutcome(db: D1Database, id: string): Promise<Noted> {
  const batch = await repeated(() => findBatch(db, id));
  if (batch === null) throw new Error(`Batch ${id} vanished`);
  return { kind: batch.status === "running" ? "running" : "made", batch };
}

function answerWith(batch: BatchRow) {
  const status = batch.status === "running" ? (202 as const) : (201 as const);
  return { status, location: `/v1/batches/${batch.id}`, body: presentBatch(batch) };
}

/** So long after its beginning a batch may still be on its way to a 201. */
const YOUNG_MS = 5_000;

/** What becomes of a batch whose request was not answered: its runner goes on with it. */
async function resume(c: Context<HttpEnv>, id: string, begunAt: number): Promise<Resumed> {
  const { batch } = await findOutcome(c.env.DB, id);
  const isYoung = Date.now() - begunAt < YOUNG_MS;
  if (batch.status === "running" && isYoung) return { kind: "under-way" };
  return { kind: "answered", answer: answerWith(batch) };
}

batchRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/campaigns/{campaign}/batches",
    operationId: "createBatch",
    summary: "Make codes for a campaign",
    description: `Exactly as many as asked for, whatever crashes on the way. Up to ${BATCH_AT_ONCE_MAX} are made within the request; more are made after the answer, and can be claimed as they come.`,
    tags: ["Codes"],
    ...forSecretKey("codes:write", readableBody, onceOver({ resume })),
    request: {
      params: z.object({ campaign: PathKey }),
      query: NoQuery,
      headers: IdempotencyHeader,
      body: jsonBody(NewBatch),
    },
    responses: {
      201: created(Batch, "The batch is complete, or failed"),
      202: located(Batch, "The batch runs; its `created` tells how far it is"),
      ...problemResponses(
        "not-found",
        "campaign-ended",
        "code-space-too-small",
        "pool-overloaded",
        ...ONCE_PROBLEMS,
        ...KEY_PROBLEMS,
        ...BODY_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    const campaign = await requireCampaign(c);
    requireNotEnded(campaign);
    const fields = c.req.valid("json");
    const { count } = fields;
    const { id: campaignId, brandId, mode, shards } = campaign;
    const shape = await shapeForCodes(c.env.DB, inventoryOf(brandId, mode), campaign.codeFormat);
    const { codesMax } = codeSpaceOf(shape, campaign.acceptGuessable);
    const wanted = { id: newId("batch"), campaignId, brandId, shards, count, shape, codesMax };
    const outcome = await change(
      c,
      {
        action: "createBatch",
        target: wanted.id,
        fields,
        made: (): Promise<Begun> => findOutcome(c.env.DB, wanted.id),
        timeoutMs: MAKE_TIMEOUT_MS,
      },
      (along) => begin(c.env, { ...wanted, along }),
    );
    if (outcome.kind === "too-many") throw tooSmall(campaign, count, outcome.live);
    const answer = answerWith(outcome.batch);
    await settle(c, wanted.id, answer);
    c.header("Location", answer.location);
    return c.json(answer.body, answer.status);
  },
);

batchRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/campaigns/{campaign}/batches",
    operationId: "listBatches",
    summary: "List a campaign's batches, newest first",
    tags: ["Codes"],
    ...forSecretKey("codes:read"),
    request: { params: z.object({ campaign: PathKey }), query: z.strictObject(pageQuery) },
    responses: {
      200: json(pageOf(Batch, "BatchPage"), "A page of batches"),
      ...problemResponses("not-found", "invalid-cursor", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const campaign = await requireCampaign(c);
    const list = `batches:${campaign.id}`;
    const page = pageAsked(c.req.valid("query"), list, ["string"], ([id]) => String(id));
    const found = await listBatches(c.env.DB, campaign.id, page);
    return c.json(
      pageFound(page, found, (batch) => [batch.id], presentBatch),
      200,
    );
  },
);

/** The batch in the path, if the key may see it. */
async function requireBatch(c: {
  env: Env;
  var: HttpEnv["Variables"];
  req: { param: (name: "batch") => string | undefined };
}): Promise<BatchRow> {
  const batch = await findBatch(c.env.DB, c.req.param("batch") ?? "", c.var.scope);
  if (batch === null) throw new ProblemError("not-found");
  return batch;
}

batchRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/batches/{batch}",
    operationId: "getBatch",
    summary: "Read a batch",
    tags: ["Codes"],
    ...forSecretKey("codes:read"),
    request: { params: z.object({ batch: PathId }), query: NoQuery },
    responses: { 200: json(Batch, "The batch"), ...problemResponses("not-found", ...KEY_PROBLEMS) },
  }),
  async (c) => c.json(presentBatch(await requireBatch(c)), 200),
);

batchRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/batches/{batch}/cancel",
    operationId: "cancelBatch",
    summary: "Stop making a batch's codes",
    description: "Codes made until then stay. Cancelling twice changes nothing.",
    tags: ["Codes"],
    ...forSecretKey("codes:write", noBody),
    request: { params: z.object({ batch: PathId }), query: NoQuery },
    responses: {
      200: json(Batch, "The batch as it is now"),
      ...problemResponses("not-found", "batch-finished", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const seen = await requireBatch(c);
    await change(c, { action: "cancelBatch", target: seen.id, made: () => undefined }, (along) =>
      endBatch(c.env.DB, seen.id, "cancelled", along),
    );
    const batch = await requireBatch(c);
    if (batch.status !== "cancelled") throw new ProblemError("batch-finished");
    return c.json(presentBatch(batch), 200);
  },
);
