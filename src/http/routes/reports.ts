/** What became of a campaign's codes, and the proof that none was given twice or lost. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { checkIntegrity } from "../../code-pool/integrity.ts";
import { readSeries } from "../../code-pool/series.ts";
import { closedReason } from "../../domain/claim.ts";
import { emptyAt } from "../../domain/rate.ts";
import { countCodes } from "../../inventory/census.ts";
import { forSecretKey } from "../auth.ts";
import type { HttpEnv } from "../http-env.ts";
import {
  AnsweredTime,
  json,
  KEY_PROBLEMS,
  NoQuery,
  PathKey,
  problemResponses,
  toWireTime,
} from "../schemas.ts";
import { requireCampaign, requireShown } from "../require-campaign.ts";
import { edgesOf, Stats, StatsQuery } from "../stats-schemas.ts";

const Integrity = z
  .strictObject({
    ok: z
      .boolean()
      .meta({ description: "No duplicate, nothing stranded, and every account adds up." }),
    codes: z.int().meta({ description: "Codes made: available + leased + claimed + revoked." }),
    available: z.int().meta({ description: "Not in the hands of a pool yet." }),
    leased: z.int().meta({ description: "In a pool, not given yet." }),
    claimed: z.int(),
    revoked: z
      .int()
      .meta({ description: "Revoked before anybody had them, or handed out elsewhere." }),
    duplicate_codes: z
      .int()
      .meta({ description: "Claims of a code that the inventory shows as another's." }),
    duplicate_users: z.int().meta({ description: "Users with more codes than claims_per_user." }),
    stranded: z.int().meta({ description: "Codes leased to a pool that does not know of them." }),
    unprojected: z.int().meta({ description: "Claims that the list of codes does not show yet." }),
    checked_at: AnsweredTime,
  })
  .meta({ id: "Integrity" });

const params = z.object({ campaign: PathKey });

export const reportRoutes = new OpenAPIHono<HttpEnv>();

reportRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/campaigns/{campaign}/stats",
    operationId: "getStats",
    summary: "Count a campaign's codes by status, and its claims over time",
    tags: ["Reports"],
    ...forSecretKey("campaigns:read"),
    request: { params, query: StatsQuery },
    responses: {
      200: json(
        Stats,
        "The totals, which count every claim that was answered before, and how it went over time",
      ),
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const campaign = await requireCampaign(c);
    const edges = edgesOf(c.req.valid("query"), Date.now());
    await requireShown(c.env, campaign);
    const now = Date.now();
    const [totals, { counts, perHour }] = await Promise.all([
      countCodes(c.env.DB, campaign, now),
      readSeries(c.env, campaign, edges),
    ]);
    const isOpen = closedReason(campaign, now) === null;
    return c.json(
      {
        totals,
        series: counts.map(({ claimed, redeemed }, i) => ({
          start: toWireTime(edges[i] ?? 0),
          claimed,
          redeemed,
        })),
        claims_per_hour: Math.round(perHour),
        empty_at: toWireTime(isOpen ? emptyAt(totals.available, perHour, now) : null),
      },
      200,
    );
  },
);

reportRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/campaigns/{campaign}/integrity",
    operationId: "checkIntegrity",
    summary: "Hold the ledger of claims against the inventory",
    description:
      "Compares every claim that the pools decided with the code rows, lease by lease and code by code. Takes time with the number of claims; claims go on meanwhile.",
    tags: ["Reports"],
    ...forSecretKey("campaigns:read"),
    request: { params, query: NoQuery },
    responses: {
      200: json(Integrity, "The verdict and the counts behind it"),
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const found = await checkIntegrity(c.env, await requireCampaign(c));
    const { ok, codes, available, leased, claimed, revoked, stranded, unprojected } = found;
    return c.json(
      {
        ok,
        codes,
        available,
        leased,
        claimed,
        revoked,
        duplicate_codes: found.duplicateCodes,
        duplicate_users: found.duplicateUsers,
        stranded,
        unprojected,
        checked_at: toWireTime(Date.now()),
      },
      200,
    );
  },
);
