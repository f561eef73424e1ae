/**
 * Contenders in turn, round by round. The machine is busy with other things too, so what counts is
 * the ratio of two contenders within a round, and of those the median.
 */

import { setTimeout as pause } from "node:timers/promises";
import type { Measured } from "./load.ts";

export interface Contender {
  name: string;
  round: () => Promise<Measured>;
}

export interface Result {
  name: string;
  /** Of each round. */
  perSecond: number[];
  /** Of all rounds, in milliseconds. */
  latency: { p50: number; p95: number; p99: number };
}

/** Between two rounds: what a pool still has to tell D1 must not fall into the next one's time. */
const REST_MS = 300;

/** The value below which the share `part` of the ascending `values` lies. */
function percentile(values: readonly number[], part: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * part))] ?? NaN;
}

export function median(values: readonly number[]): number {
  const ascending = [...values].toSorted((a, b) => a - b);
  const upper = percentile(ascending, 0.5);
  const isOdd = ascending.length % 2 === 1;
  return isOdd ? upper : (upper + (ascending[ascending.length / 2 - 1] ?? NaN)) / 2;
}

/** One round of each to warm up, then `rounds` that count, each begun by another contender. */
export async function interleave<Contenders extends Record<string, Contender>>(
  contenders: Contenders,
  rounds: number,
  onRound: (text: string) => void,
): Promise<{ [Key in keyof Contenders]: Result }> {
  const measured = Object.entries(contenders).map(([key, contender]) => ({
    key,
    contender,
    all: [] as Measured[],
  }));
  for (let round = 0; round <= rounds; round++) {
    const from = round % measured.length;
    for (const { contender, all } of [...measured.slice(from), ...measured.slice(0, from)]) {
      const one = await contender.round();
      if (round > 0) all.push(one);
      await pause(REST_MS);
    }
    const last = measured.map(({ all }) => all.at(-1)).filter((one) => one !== undefined);
    const figures = last.map((one) => perSecondOf(one).toFixed(0)).join(" : ");
    onRound(round === 0 ? "warmed up" : `round ${round} of ${rounds}: ${figures} per second`);
  }
  const results = measured.map(({ key, contender, all }) => [key, resultOf(contender.name, all)]);
  return Object.fromEntries(results) as { [Key in keyof Contenders]: Result };
}

function resultOf(name: string, all: Measured[]): Result {
  const latencies = all.flatMap((one) => one.latencies).toSorted((a, b) => a - b);
  return {
    name,
    perSecond: all.map(perSecondOf),
    latency: {
      p50: percentile(latencies, 0.5),
      p95: percentile(latencies, 0.95),
      p99: percentile(latencies, 0.99),
    },
  };
}

function perSecondOf(measured: Measured): number {
  return measured.done / measured.seconds;
}

export interface Ratio {
  median: number;
  /** The middle half of the rounds lies between these. */
  low: number;
  high: number;
}

/** How `one` did beside `other` in the same rounds. */
export function ratioOf(one: Result, other: Result): Ratio {
  const ratios = one.perSecond
    .map((perSecond, round) => perSecond / (other.perSecond[round] ?? NaN))
    .toSorted((a, b) => a - b);
  return {
    median: median(ratios),
    low: percentile(ratios, 0.25),
    high: percentile(ratios, 0.75),
  };
}
