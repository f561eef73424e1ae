/** Exports: everything of a campaign, streamed. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { poolsOf } from "../../code-pool/stub.ts";
import type { CampaignRow } from "../../db/campaigns.ts";
import { CODE_STATUSES, type CodeStatus } from "../../domain/code-status.ts";
import { readCodes } from "../../inventory/read-codes.ts";
import { forSecretKey } from "../auth.ts";
import { presentRedemption } from "../checkout-schemas.ts";
import { presentClaim } from "../claim-schemas.ts";
import { download, EXPORT_CONTENT, ExportFormat, type ExportRow } from "../download.ts";
import type { HttpEnv } from "../http-env.ts";
import { requireCampaign, requireShown } from "../require-campaign.ts";
import { headersOf, KEY_PROBLEMS, PathKey, problemResponses, toWireTime } from "../schemas.ts";

const params = z.object({ campaign: PathKey });

/**
 * Claims or redemptions that a pool hands over at a time: 100 KB, or 6 MB where each user has left
 * all the contact data that a claim may carry.
 */
const POOL_PAGE = 250;

const CODE_COLUMNS = [
  "code",
  "status",
  "batch_id",
  "claim_id",
  "user_id",
  "claimed_at",
  "expires_at",
  "redeemed_at",
  "revoked_at",
] as const;

const CLAIM_COLUMNS = [
  "id",
  "code",
  "user_id",
  "status",
  "claimed_at",
  "expires_at",
  "consent_version",
  "email",
  "name",
] as const;

const REDEMPTION_COLUMNS = [
  "id",
  "code",
  "user_id",
  "order_id",
  "order_amount",
  "order_currency",
  "discount_amount",
  "redeemed_at",
  "claim_id",
  "status",
  "rolled_back_at",
] as const;

async function* codeRows(
  env: Env,
  campaign: CampaignRow,
  status: CodeStatus | null,
): AsyncGenerator<ExportRow[]> {
  for await (const group of readCodes(env.DB, campaign, status)) {
    yield group.map((row) => ({
      code: row.code,
      status: row.status,
      batch_id: row.batchId,
      claim_id: row.claimId,
      user_id: row.userId,
      claimed_at: toWireTime(row.claimedAt),
      expires_at: toWireTime(row.expiresAt),
      redeemed_at: toWireTime(row.redeemedAt),
      revoked_at: toWireTime(row.revokedAt),
    }));
  }
}

/** Shard by shard, newest first: those that come while it runs are not among them. */
async function* claimRows(env: Env, campaign: CampaignRow): AsyncGenerator<ExportRow[]> {
  for (const { call } of poolsOf(env, campaign)) {
    for (let before = Number.MAX_SAFE_INTEGER; ;) {
      const claims = await call((pool) => pool.listClaims(before, POOL_PAGE));
      yield claims.map((claim) => {
        const { id, code, user_id, status, claimed_at, expires_at } = presentClaim(campaign, claim);
        return {
          id,
          code,
          user_id,
          status,
          claimed_at,
          expires_at,
          consent_version: claim.consent?.version ?? null,
          email: claim.contact?.email ?? null,
          name: claim.contact?.name ?? null,
        };
      });
      const last = claims.at(-1);
      if (last === undefined || claims.length < POOL_PAGE) break;
      before = last.slot;
    }
  }
}

/** Shard by shard, oldest first. */
async function* redemptionRows(env: Env, campaign: CampaignRow): AsyncGenerator<ExportRow[]> {
  for (const { shard, call } of poolsOf(env, campaign)) {
    for (let after = 0; ;) {
      const found = await call((pool) => pool.listRedemptions(after, POOL_PAGE));
      yield found.map((held) => {
        const row = presentRedemption(campaign, shard, held);
        return {
          id: row.id,
          code: row.code,
          user_id: row.user_id,
          order_id: row.order_id,
          order_amount: row.order?.amount ?? null,
          order_currency: row.order?.currency ?? null,
          discount_amount: row.discount_amount,
          redeemed_at: row.redeemed_at,
          claim_id: row.claim_id,
          status: row.status,
          rolled_back_at: row.rolled_back_at,
        };
      });
      const last = found.at(-1);
      if (last === undefined || found.length < POOL_PAGE) break;
      after = last.redemption.number;
    }
  }
}

/** What all three exports have in common for the reference. */
function answers(description: string) {
  return {
    200: { description, headers: headersOf(200), content: EXPORT_CONTENT },
    ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
  };
}

export const exportRoutes = new OpenAPIHono<HttpEnv>();

exportRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/campaigns/{campaign}/codes/export",
    operationId: "exportCodes",
    summary: "Export a campaign's codes",
    description:
      "Every code that there is when it begins, once each, also while claims go on. Shows all claims that were answered before it was asked for.",
    tags: ["Reports"],
    ...forSecretKey("codes:read"),
    request: {
      params,
      query: z.strictObject({ status: z.enum(CODE_STATUSES).optional(), format: ExportFormat }),
    },
    responses: answers("A line for each code"),
  }),
  async (c) => {
    const { status = null, format } = c.req.valid("query");
    const campaign = await requireCampaign(c);
    await requireShown(c.env, campaign);
    return download(c, {
      name: `codes-${campaign.slug}`,
      format,
      columns: CODE_COLUMNS,
      rows: codeRows(c.env, campaign, status),
    });
  },
);

const reports = [
  {
    what: "claims",
    scope: "claims:read",
    operationId: "exportClaims",
    summary: "Export a campaign's claims",
    description: "Contact data is there where the user consented.",
    columns: CLAIM_COLUMNS,
    rows: claimRows,
  },
  {
    what: "redemptions",
    scope: "redemptions:read",
    operationId: "exportRedemptions",
    summary: "Export a campaign's redemptions",
    description: "Asks the pools, so it does not lag.",
    columns: REDEMPTION_COLUMNS,
    rows: redemptionRows,
  },
] as const;

for (const { what, scope, operationId, summary, description, columns, rows } of reports) {
  exportRoutes.openapi(
    createRoute({
      method: "get",
      path: `/v1/campaigns/{campaign}/${what}/export`,
      operationId,
      summary,
      description,
      tags: ["Reports"],
      ...forSecretKey(scope),
      request: { params, query: z.strictObject({ format: ExportFormat }) },
      responses: answers("A line for each"),
    }),
    async (c) => {
      const campaign = await requireCampaign(c);
      const { format } = c.req.valid("query");
      const name = `${what}-${campaign.slug}`;
      return download(c, { name, format, columns, rows: rows(c.env, campaign) });
    },
  );
}
