/** The list of a campaign's codes. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { listCodes } from "../../db/codes.ts";
import { CODE_STATUSES } from "../../domain/code-status.ts";
import { areCodesOver } from "../../domain/redemption.ts";
import { forSecretKey } from "../auth.ts";
import type { HttpEnv } from "../http-env.ts";
import { pageAsked, pageFound, pageOf, pageQuery } from "../paging.ts";
import {
  AnsweredTime,
  json,
  KEY_PROBLEMS,
  PathKey,
  problemResponses,
  toWireTime,
} from "../schemas.ts";
import { requireCampaign } from "../require-campaign.ts";

const Code = z
  .strictObject({
    code: z.string().meta({ example: "K7QF-3MWD-9RTX" }),
    status: z.enum(CODE_STATUSES),
    batch_id: z.string(),
    user_id: z.string().nullable(),
    claimed_at: AnsweredTime.nullable(),
    redeemed_at: AnsweredTime.nullable(),
  })
  .meta({ id: "Code" });

export const codeRoutes = new OpenAPIHono<HttpEnv>();

codeRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/campaigns/{campaign}/codes",
    operationId: "listCodes",
    summary: "List a campaign's codes, in the order in which they were made",
    description: "A claim shows here within seconds; GET …/claims shows it at once.",
    tags: ["Codes"],
    ...forSecretKey("codes:read"),
    request: {
      params: z.object({ campaign: PathKey }),
      query: z.strictObject({
        ...pageQuery,
        status: z.enum(CODE_STATUSES).optional(),
        batch_id: z.string().max(64).optional().meta({ description: "Codes of this batch only." }),
      }),
    },
    responses: {
      200: json(pageOf(Code, "CodePage"), "A page of codes"),
      ...problemResponses("not-found", "invalid-cursor", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const { status, batch_id: batchId, ...paging } = c.req.valid("query");
    const campaign = await requireCampaign(c);
    const now = Date.now();
    const page = pageAsked(
      paging,
      `codes:${campaign.id}:${status ?? ""}:${encodeURIComponent(batchId ?? "")}`,
      ["string", "number"],
      ([batch, ordinal]): [string, number] => [String(batch), Number(ordinal)],
    );
    const isOver = areCodesOver(campaign, now);
    const asked = { campaignId: campaign.id, batchId, status, now, isOver };
    const rows = await listCodes(c.env.DB, asked, page);
    const found = pageFound(
      page,
      rows,
      (row) => [row.batchId, row.ordinal],
      (row): z.infer<typeof Code> => ({
        code: row.code,
        status: row.status,
        batch_id: row.batchId,
        user_id: row.userId,
        claimed_at: toWireTime(row.claimedAt),
        redeemed_at: toWireTime(row.redeemedAt),
      }),
    );
    return c.json(found, 200);
  },
);
