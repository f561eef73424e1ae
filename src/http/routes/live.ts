/** A campaign's stock as it goes, for consoles. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { forSecretKey } from "../auth.ts";
import type { HttpEnv } from "../http-env.ts";
import { LiveFeed } from "../live-feed.ts";
import { requireCampaign } from "../require-campaign.ts";
import {
  AnsweredTime,
  headersOf,
  KEY_PROBLEMS,
  NoQuery,
  PathKey,
  problemResponses,
} from "../schemas.ts";

const LiveStock = z
  .strictObject({
    at: AnsweredTime,
    codes: z.int(),
    available: z.int().meta({ description: "Given to nobody, and not revoked." }),
    claimed: z.int().meta({ description: "Given to users, whatever became of them." }),
    redeemed: z.int().meta({ description: "Of those." }),
    claims_per_hour: z.int().meta({ description: "The rate at that time, as stats has it." }),
  })
  .meta({ id: "LiveStock", description: "The data of a `stock` event." });

const DESCRIPTION = `Server-sent events. \`stock\`: how things stand (LiveStock), at once and then whenever claims, redemptions or codes change it, at most twice a second. \`end\`: the last one, \`{"reason"}\`: \`time\` after 10 minutes (open it again), \`campaign-ended\`, or \`pool-unavailable\`. Comments in between say that it is alive. Counts come from the pools themselves, within a second or so of a claim; when the database does not answer they lag, and catch up. A shard has 50 watchers at most, then 503.`;

export const liveRoutes = new OpenAPIHono<HttpEnv>();

liveRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/campaigns/{campaign}/live",
    operationId: "watchStock",
    summary: "Watch a campaign's stock",
    description: DESCRIPTION,
    tags: ["Reports"],
    ...forSecretKey("campaigns:read"),
    request: { params: z.object({ campaign: PathKey }), query: NoQuery },
    responses: {
      200: {
        description: "Events, until `end`; each `stock` has this as its data",
        headers: headersOf(200),
        content: { "text/event-stream": { schema: LiveStock } },
      },
      ...problemResponses("not-found", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const campaign = await requireCampaign(c);
    c.header("Content-Type", "text/event-stream");
    // A HEAD has no body that could ever be cancelled.
    if (c.req.method === "HEAD") return c.body(null, 200);
    return c.body((await LiveFeed.open(c.env, campaign)).stream(), 200);
  },
);
