/**
 * The Worker as deployed, with routes beside it that only the benchmark knows. Nothing on the way
 * of a claim is changed.
 *
 * Four routes show what a claim is measured against:
 *  - POST /bench/ceiling/{campaign} only calls the object, outside the app: the most that this
 *    runtime serves.
 *  - POST /v1/bench/noop/{campaign} is "the same Worker's route that calls the object and does
 *    nothing", by which the budget is judged: the app's middlewares, the look-up of the key and the
 *    body's schema are those of a claim, and then the same object is called and does nothing. It
 *    looks up no campaign and hashes no user: those are a claim's own work.
 *  - POST /v1/bench/echo/{campaign} is a claim but for deciding and storing it: the copy of the
 *    campaign, the user's hash, the request to the object, its answer presented.
 *  - POST /v1/bench/write/{campaign} is that route with one row written: what of a claim is commit.
 * And one is a rival: POST /v1/bench/rival/{campaign} is that route with the claim decided by D1.
 */

import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { CodePool as RealPool } from "../../src/code-pool/code-pool.ts";
import type { ClaimOutcome, ClaimRequest } from "../../src/code-pool/messages.ts";
import { poolCampaign, userKeyOf } from "../../src/code-pool/stub.ts";
import { findCampaignNear } from "../../src/directory/directory.ts";
import { drawCodes, shapeOf } from "../../src/domain/code-format.ts";
import { SIPHASH_KEY_BYTES } from "../../src/domain/siphash.ts";
import { poolName } from "../../src/domain/claim.ts";
import { newId, randomBytes } from "../../src/db/new-id.ts";
import { createApp } from "../../src/http/app.ts";
import { forSecretKeyNear } from "../../src/http/auth.ts";
import { readableBody } from "../../src/http/body.ts";
import { NewClaim, presentClaim } from "../../src/http/claim-schemas.ts";
import { near, type HttpEnv } from "../../src/http/http-env.ts";
import { IdempotencyHeader } from "../../src/http/idempotency.ts";
import { jsonBody, NoQuery, PathKey } from "../../src/http/schemas.ts";
import { addRivalCodes, claimInD1 } from "./rival/claim.ts";

export { BatchRunner } from "../../src/batch-runner/batch-runner.ts";
export { Herald } from "../../src/herald/herald.ts";
export { UserEraser } from "../../src/users/user-eraser.ts";
export { WebhookSender } from "../../src/webhooks/webhook-sender.ts";

export class CodePool extends RealPool {
  #hasTable = false;

  noop(): void {}

  echo(request: ClaimRequest): Extract<ClaimOutcome, { claim: object }> {
    const { userKey, userId, attempt, consent, contact, campaign } = request;
    const times = { claimedAt: Date.now(), expiresAt: null, redeemedAt: null, revokedAt: null };
    const claim = { slot: 1, nth: 0, code: "XXXX-XXXX-XXXX", userKey, userId, ...times };
    return {
      kind: "granted",
      claim: { ...claim, attempt, consent, contact },
      version: campaign.version,
      status: "claimed",
      isReplay: false,
      paceLeft: null,
    };
  }

  writeRow(user: string): void {
    const { sql } = this.ctx.storage;
    if (!this.#hasTable) {
      sql.exec("CREATE TABLE IF NOT EXISTS bench_rows (id INTEGER PRIMARY KEY, user TEXT) STRICT");
      this.#hasTable = true;
    }
    sql.exec("INSERT INTO bench_rows (user) VALUES (?)", user);
  }
}

/** The object in which all claims of a campaign of one shard are decided. */
function poolOf(env: Env, campaignId: string): DurableObjectStub<CodePool> {
  const pools = env.CODE_POOL as unknown as DurableObjectNamespace<CodePool>;
  return pools.getByName(poolName(campaignId, 0));
}

export const app = createApp();

/** A route that is a claim's in everything up to the handler. */
function likeClaim(path: string) {
  return createRoute({
    method: "post",
    path,
    ...forSecretKeyNear("claims:write", readableBody),
    request: {
      params: z.object({ campaign: PathKey }),
      query: NoQuery,
      headers: IdempotencyHeader,
      body: jsonBody(NewClaim),
    },
    responses: { 200: { description: "Done" } },
  });
}

app.openapi(likeClaim("/v1/bench/noop/{campaign}"), async (c) => {
  await poolOf(c.env, c.req.valid("param").campaign).noop();
  return c.json({ ok: true }, 200);
});

app.openapi(likeClaim("/v1/bench/echo/{campaign}"), async (c) => {
  const asked = c.req.valid("param").campaign;
  const campaign = await findCampaignNear(near(c), c.var.scope, asked);
  if (campaign === null) return c.notFound();
  const userId = c.req.valid("json").user?.id ?? "";
  const userKey = await userKeyOf(campaign, userId);
  const outcome = await poolOf(c.env, campaign.id).echo({
    campaign: poolCampaign(campaign),
    shard: 0,
    userKey,
    userId,
    key: null,
    attempt: crypto.randomUUID(),
    consent: null,
    contact: null,
    pace: null,
    proof: null,
  });
  return c.json(presentClaim(campaign, outcome.claim), 200);
});

app.openapi(likeClaim("/v1/bench/write/{campaign}"), async (c) => {
  await poolOf(c.env, c.req.valid("param").campaign).writeRow(c.req.valid("json").user?.id ?? "");
  return c.json({ ok: true }, 200);
});

app.openapi(likeClaim("/v1/bench/rival/{campaign}"), async (c) =>
  claimInD1(c.env.DB, c.req.valid("param").campaign, c.req.valid("json").user?.id ?? ""),
);

app.post("/bench/rival/table", async (c) => {
  const { statements } = await c.req.json<{ statements: string[] }>();
  await c.env.DB.batch(statements.map((sql) => c.env.DB.prepare(sql)));
  return c.json({}, 201);
});

app.post("/bench/rival/batches", async (c) => {
  const { campaign, count } = await c.req.json<{ campaign: string; count: number }>();
  return addRivalCodes(c.env.DB, campaign, count);
});

// Codes of bare inserts, drawn before the clock runs: by the id of the batch.
const drawn = new Map<string, { brandId: string; rows: string }>();

/** Makes an empty batch, as a row for codes to refer to, and draws `count` codes for it. */
app.post("/bench/drawn", async (c: Context<HttpEnv>) => {
  const { campaignId, brandId, count } = await c.req.json<{
    campaignId: string;
    brandId: string;
    count: number;
  }>();
  const id = newId("batch");
  await c.env.DB.prepare(
    "INSERT INTO batches (id, campaign_id, status, requested, created_at) VALUES (?1, ?2, 'running', ?3, ?4)",
  )
    .bind(id, campaignId, count, Date.now())
    .run();
  const rule = { shape: shapeOf(null), key: randomBytes(SIPHASH_KEY_BYTES) };
  const rows = drawCodes(rule, count, randomBytes).map(
    ({ code, matchKey }) => `${code}\t${matchKey}`,
  );
  drawn.set(id, { brandId, rows: JSON.stringify(rows) });
  return c.json({ id }, 201);
});

/** One bare insert of codes that were drawn before: the rows of a batch, and nothing around it. */
app.post("/bench/drawn/:id/insert", async (c) => {
  const id = c.req.param("id");
  const batch = drawn.get(id);
  if (batch === undefined) return c.notFound();
  drawn.delete(id);
  await c.env.DB.prepare(
    `INSERT INTO codes (batch_id, ordinal, inventory, code, match_key)
     SELECT ?1, key, ?2, substr(value, 1, instr(value, char(9)) - 1), substr(value, instr(value, char(9)) + 1)
     FROM json_each(?3)`,
  )
    .bind(id, batch.brandId, batch.rows)
    .run();
  return c.json({ id }, 201);
});

const CEILING = "/bench/ceiling/";

export default {
  async fetch(request, env, context) {
    const at = request.url.indexOf(CEILING);
    if (at < 0) return app.fetch(request, env, context);
    await poolOf(env, request.url.slice(at + CEILING.length)).noop();
    return Response.json({ ok: true });
  },
} satisfies ExportedHandler<Env>;
