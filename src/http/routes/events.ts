/** The log of what happened, for whoever wants to be sure to have missed nothing. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type * as z from "zod";
import { findCampaign } from "../../db/campaigns.ts";
import { listBrandRuns, listCampaignRuns } from "../../db/events.ts";
import { parseEventId } from "../../domain/event.ts";
import { readEvents, sequencesOf, type LoggedRun } from "../../events/read.ts";
import { findRunOf } from "../../inventory/event-log.ts";
import { forSecretKey } from "../auth.ts";
import { Event, EventsQuery } from "../event-schemas.ts";
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
      "Of one campaign by `sequence`, or of everything in the order in which it entered the log. An event may enter later than it happened, never before one that was listed already: nothing is skipped. The log is kept for 30 days.",
    tags: ["Events"],
    ...forSecretKey("events:read"),
    request: { query: EventsQuery },
    responses: {
      200: json(pageOf(Event, "EventPage"), "A page of events"),
      ...problemResponses("not-found", "invalid-cursor", "pool-overloaded", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const query = c.req.valid("query");
    const listed = await (query.campaign_id === undefined ? ofBrand : ofCampaign)(c, query);
    return c.json(listed, 200);
  },
);

type Query = z.infer<typeof EventsQuery>;

/** An event in the log, not told yet. */
interface Place {
  run: LoggedRun;
  sequence: number;
}

async function ofCampaign(c: Context<HttpEnv>, query: Query) {
  const { campaign_id: asked = "", type = null, after, ...paging } = query;
  const campaign = await findCampaign(c.env.DB, c.var.scope, asked);
  if (campaign === null) throw new ProblemError("not-found");
  const list = `events:${campaign.id}:${type}`;
  const page = pageAsked(paging, list, ["number"], ([sequence]) => Number(sequence));
  const from = Math.max(page.after ?? 0, sequenceAfter(after, campaign.id));
  const filter = { campaignId: campaign.id, type };
  const runs = await listCampaignRuns(c.env.DB, filter, { after: from, limit: page.limit });
  const places = placesIn(runs, page.limit, () => from);
  return present(c, page, places, ({ sequence }) => [sequence]);
}

async function ofBrand(c: Context<HttpEnv>, query: Query) {
  const { type = null, after, ...paging } = query;
  const { scope } = c.var;
  const list = `events:${scope.brandId}:${scope.mode}:${type}`;
  const page = pageAsked(paging, list, ["number", "number"], ([position, sequence]) => ({
    position: Number(position),
    sequence: Number(sequence),
  }));
  const from = page.after ?? (await placeAfter(c, after)) ?? { position: 0, sequence: 0 };
  // The run itself may have more of them, or none: then it is one more than the page.
  const behind = { after: from.position - 1, limit: page.limit + 1 };
  const runs = await listBrandRuns(c.env.DB, { scope, type }, behind);
  const places = placesIn(runs, page.limit, ({ position }) =>
    position === from.position ? from.sequence : 0,
  );
  return present(c, page, places, ({ run, sequence }) => [run.position, sequence]);
}

/** At most `limit` events of the runs, in order, each above what `after` says of its run. */
function placesIn(runs: LoggedRun[], limit: number, after: (run: LoggedRun) => number): Place[] {
  const places: Place[] = [];
  for (const run of runs) {
    for (const sequence of sequencesOf(run, after(run), limit - places.length)) {
      places.push({ run, sequence });
    }
  }
  return places;
}

async function present(
  c: Context<HttpEnv>,
  page: { limit: number; list: string },
  places: Place[],
  keyOf: (place: Place) => number[],
) {
  const found = pageFound(page, places, keyOf, (place) => place);
  const bySubject = Map.groupBy(found.data, ({ run }) => run.subjectId);
  const told = new Map(
    await Promise.all(
      [...bySubject].map(async ([subjectId, mine]) => {
        const sequences = mine.map(({ sequence }) => sequence);
        return [subjectId, await readEvents(c.env, subjectId, sequences)] as const;
      }),
    ),
  );
  const data = found.data.flatMap(({ run, sequence }) => {
    const event = told.get(run.subjectId)?.get(sequence);
    return event === undefined ? [] : [event as z.infer<typeof Event>];
  });
  return { ...found, data };
}

function sequenceAfter(after: string | undefined, campaignId: string): number {
  if (after === undefined) return 0;
  const event = parseEventId(after);
  if (event === null) return Number(after);
  if (event.subject !== campaignId.slice(4)) {
    throw unknownAfter("Is an event of another campaign.");
  }
  return event.sequence;
}

async function placeAfter(c: Context<HttpEnv>, after: string | undefined) {
  if (after === undefined) return null;
  const event = parseEventId(after);
  if (event === null) {
    throw unknownAfter("Is a sequence of one campaign: name it by campaign_id.");
  }
  const position = await findRunOf(c.env.DB, c.var.scope, event);
  if (position === null) throw unknownAfter("Is no event that the log has.");
  return { position, sequence: event.sequence };
}

function unknownAfter(detail: string): ProblemError {
  return new ProblemError("validation-failed", {
    errors: [{ in: "query", pointer: "/after", detail }],
  });
}
