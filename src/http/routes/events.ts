/** The log of what happened, for whoever wants to be sure to have missed nothing. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { findCampaign } from "../../db/campaigns.ts";
import { listBrandEvents, listCampaignEvents } from "../../db/events.ts";
import { forSecretKey } from "../auth.ts";
import { Event, EventsQuery, presentEvent } from "../event-schemas.ts";
import type { HttpEnv } from "../http-env.ts";
import { pageAsked, pageFound, pageOf } from "../paging.ts";
import { ProblemError } from "../problems.ts";
import { json, KEY_PROBLEMS, problemResponses } from "../schemas.ts";

export const eventRoutes = new OpenAPIHono<HttpEnv>();

eventRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/events",
    operationId: "listEvents",
    summary: "Replay events, oldest first",
    description:
      "Of one campaign by `sequence`, or of all campaigns in the order in which they entered the log. An event may enter later than it happened, never before one that was listed already: nothing is skipped.",
    tags: ["Events"],
    ...forSecretKey("events:read"),
    request: { query: EventsQuery },
    responses: {
      200: json(pageOf(Event, "EventPage"), "A page of events"),
      ...problemResponses("not-found", "invalid-cursor", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const { campaign_id: asked, type = null, after, ...paging } = c.req.valid("query");
    const { DB } = c.env;
    const { scope } = c.var;
    if (asked === undefined) {
      if (after !== undefined) {
        const detail = "Is a sequence of one campaign: name it by campaign_id.";
        throw new ProblemError("validation-failed", {
          errors: [{ in: "query", pointer: "/after", detail }],
        });
      }
      const list = `events:${scope.brandId}:${scope.mode}:${type}`;
      const page = pageAsked(paging, list, ["number"], ([position]) => Number(position));
      const found = await listBrandEvents(DB, { scope, type }, page);
      return c.json(
        pageFound(page, found, ({ position }) => [position], presentEvent),
        200,
      );
    }
    const campaign = await findCampaign(DB, scope, asked);
    if (campaign === null) throw new ProblemError("not-found");
    const list = `events:${campaign.id}:${type}`;
    const page = pageAsked(paging, list, ["number"], ([sequence]) => Number(sequence));
    const from = Math.max(page.after ?? 0, after ?? 0);
    const filter = { campaignId: campaign.id, type };
    const found = await listCampaignEvents(DB, filter, { ...page, after: from });
    return c.json(
      pageFound(page, found, ({ sequence }) => [sequence], presentEvent),
      200,
    );
  },
);
