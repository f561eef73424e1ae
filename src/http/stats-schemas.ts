/** What is asked of a campaign's statistics, and how they are told. */

import * as z from "zod";
import { ProblemError } from "./problems.ts";
import { AnsweredTime, Time } from "./schemas.ts";

/** Intervals of one answer: what a chart shows, and about 60 KB. */
export const INTERVALS_MAX = 1_000;

/** Milliseconds of each interval, and how many are told when none are asked for. */
const INTERVALS = {
  minute: { ms: 60_000, usual: 60 },
  hour: { ms: 3_600_000, usual: 24 },
  day: { ms: 86_400_000, usual: 30 },
};

export const StatsQuery = z.strictObject({
  interval: z
    .enum(["minute", "hour", "day"])
    .optional()
    .meta({
      description: `hour when left out. In UTC; at most ${INTERVALS_MAX.toLocaleString("en")} of them.`,
    }),
  from: Time.optional().meta({
    description:
      "The first interval is the one that has this time. When left out: 60 minutes, 24 hours or 30 days in all.",
  }),
  to: Time.optional().meta({
    description:
      "The last interval is the one just before, or around, this time; now when left out.",
  }),
});

export const Stats = z
  .strictObject({
    totals: z.strictObject({
      codes: z
        .int()
        .meta({ description: "The sum of the five below: every code is counted once." }),
      available: z.int(),
      claimed: z.int().meta({ description: "Held by a user and still good." }),
      redeemed: z.int(),
      expired: z.int(),
      revoked: z.int(),
    }),
    series: z
      .array(
        z.strictObject({
          start: AnsweredTime,
          claimed: z.int().meta({ description: "Given to users then, whatever became of them." }),
          redeemed: z.int(),
        }),
      )
      .meta({ description: "Whole intervals, first to last, those without anything too." }),
    claims_per_hour: z.int().meta({
      description:
        "The present rate, by the last claims of the last hour (the last 1,000 of each shard).",
    }),
    empty_at: AnsweredTime.nullable().meta({
      description:
        "When stock runs out at that rate; null when none is left, none goes, the campaign is not open, or it takes more than 10 years.",
    }),
  })
  .meta({ id: "Stats" });

/** The edges of the intervals that are asked for, one more than there are intervals. */
export function edgesOf(query: z.infer<typeof StatsQuery>, now: number): number[] {
  const { ms, usual } = INTERVALS[query.interval ?? "hour"];
  const to = query.to === undefined ? now : Date.parse(query.to);
  // Up to now is up to the end of the interval that has begun.
  const end = Math.ceil((query.to === undefined ? now + 1 : to) / ms) * ms;
  const from = query.from === undefined ? end - usual * ms : Date.parse(query.from);
  if (query.from !== undefined && from >= to) throw refused("/from", "Must be before to.");
  const start = Math.floor(from / ms) * ms;
  const count = (end - start) / ms;
  if (count > INTERVALS_MAX) {
    const most = INTERVALS_MAX.toLocaleString("en");
    const asked = count.toLocaleString("en");
    throw refused("/from", `Must leave at most ${most} intervals; these are ${asked}.`);
  }
  return Array.from({ length: count + 1 }, (_, i) => start + i * ms);
}

function refused(pointer: string, detail: string): ProblemError {
  return new ProblemError("validation-failed", { errors: [{ in: "query", pointer, detail }] });
}
