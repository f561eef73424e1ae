/**
 * How an endpoint fares, and what it is spared. One that fails again and again is tried with one
 * delivery at a time, ever more rarely, until it takes one. Those that wait behind use up none of
 * their attempts. Pure: clock and randomness are passed in.
 */

import type { Disabling } from "../db/webhook-senders.ts";
import { jittered } from "../domain/retry-schedule.ts";

/** So many failures in a row are no accident; fewer may be one restart of a receiver. */
const FAILURES_IN_A_ROW = 5;
/** Between two probes: doubled from the first up to the second, each up to a fifth off. */
const PROBE_MS = 5_000;
const PROBE_MAX_MS = 300_000;
const PROBE_JITTER = 0.2;
/**
 * An endpoint that took nothing for so long is disabled. Longer than one delivery's schedule, so
 * that the first delivery that failed is given up before.
 */
const DISABLE_AFTER_MS = 5 * 24 * 3_600_000;

export interface Health {
  /** Attempts that failed since the last that did not. */
  failures: number;
  /** When the first of them was. */
  since: number;
  /** When the last of them was. */
  failedAt: number;
  /** Nothing is sent before: between probes, and while the receiver asked to be left alone. */
  restsUntil: number;
  /** The address that failed: another one begins anew. */
  url: string;
  /** That it is to be disabled, which D1 was not told yet. */
  disabling: Disabling | null;
}

export function isFailing(health: Health | null): boolean {
  return health !== null && health.failures >= FAILURES_IN_A_ROW;
}

export interface Failure {
  url: string;
  /** When the attempt began. */
  begunAt: number;
  now: number;
  /** The receiver's own word that it is gone for good: 410. */
  isGone: boolean;
  retryAfterMs: number | null;
  random: number;
  /** How many times faster everything goes, for rehearsals. */
  speedup: number;
}

/** Null stands for an endpoint that took the last delivery, or was sent none. */
export function afterFailure(before: Health | null, failure: Failure): Health {
  const { url, begunAt, now, isGone, speedup } = failure;
  // What was under way when a failing endpoint failed last says nothing new: several at once are no
  // reason to come more rarely.
  const isNews = before === null || !isFailing(before) || begunAt >= before.failedAt;
  const failures = (before?.failures ?? 0) + Number(isNews);
  const since = before !== null && before.failures > 0 ? before.since : now;
  const doublings = failures - FAILURES_IN_A_ROW;
  const probeMs =
    doublings < 0
      ? 0
      : jittered(Math.min(PROBE_MS * 2 ** doublings, PROBE_MAX_MS), PROBE_JITTER, failure.random);
  // What one answer asks for must not hold up all that is waiting for longer than a probe would.
  const restMs = Math.max(probeMs, Math.min(failure.retryAfterMs ?? 0, PROBE_MAX_MS));
  const isLost = now - since > DISABLE_AFTER_MS / speedup;
  const reason = isGone ? "gone" : isLost ? "failing" : null;
  return {
    failures,
    since,
    failedAt: now,
    restsUntil: Math.max(before?.restsUntil ?? 0, now + restMs / speedup),
    url,
    disabling:
      before?.disabling ?? (reason && { reason, at: now, failingSince: since, url }) ?? null,
  };
}

/**
 * A success ends it all, but for a rest that the receiver asked for while this call was under way:
 * what takes three a second answers three of six calls, and the other three with 429.
 */
export function afterSuccess(
  before: Health | null,
  { begunAt, now }: { begunAt: number; now: number },
): Health | null {
  if (before === null || before.failedAt <= begunAt || before.restsUntil <= now) return null;
  return { ...before, failures: 0, disabling: null };
}
