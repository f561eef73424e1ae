/**
 * A campaign's events, newest first. The service reads them oldest first, but their sequence has
 * no gap: where it ends is found in a few steps, and from there the log is read backwards.
 */

import type { Event, Page } from "../../../client/client.ts";
import { codedrop } from "../session.ts";

interface Paging {
  limit: number;
  /** Of ours: the sequence above which all was shown. */
  cursor?: string;
}

/** Each step of the way out goes so many times further: few steps, also for a million events. */
const STRIDE = 16;

type Log = (after: number, limit: number) => Promise<Event[]>;

function logOf(campaign: string, signal: AbortSignal): Log {
  return async (after, limit) => {
    const asked = { campaign_id: campaign, after, limit };
    return (await codedrop.events.list(asked, { signal }).page()).data;
  };
}

/** The first event that is kept, and the last; null where there is none. */
async function endsOf(log: Log): Promise<{ first: number; last: number } | null> {
  const isMoreAfter = async (sequence: number) => (await log(sequence, 1)).length > 0;
  const [oldest] = await log(0, 1);
  if (oldest === undefined) return null;
  const first = oldest.sequence;
  // Something is at `from`, and nothing behind `to`.
  let from = first;
  let step = 1;
  while (await isMoreAfter(from + step - 1)) {
    from += step;
    step *= STRIDE;
  }
  let to = from + step - 1;
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (await isMoreAfter(middle)) from = middle + 1;
    else to = middle;
  }
  return { first, last: from };
}

export async function newestFirst(
  campaign: string,
  { limit, cursor }: Paging,
  signal: AbortSignal,
): Promise<Page<Event>> {
  const log = logOf(campaign, signal);
  let ends: { first: number; last: number } | null;
  if (cursor === undefined) {
    ends = await endsOf(log);
  } else {
    const [first = 1, last = 0] = cursor.split("-").map(Number);
    ends = { first, last };
  }
  if (ends === null) return { data: [], next_cursor: null };
  const { first, last } = ends;
  const before = Math.max(first - 1, last - limit);
  const data = await log(before, last - before);
  const next = before < first ? null : `${first}-${before}`;
  return { data: data.reverse(), next_cursor: next };
}
