/** When a campaign's stock is low, and when that is told. */

/** A number of codes, or a part of those that were made, such as "10%". */
export type Threshold = number | string;

/** For who wants to be told of more, stock is always low. */
export const THRESHOLDS_MAX = 10;

/** How `told` names that nothing was left. */
const EXHAUSTED = "exhausted";

/** The count that `threshold` stands for, where `codes` were made. A part is rounded down. */
export function thresholdCount(threshold: Threshold, codes: number): number {
  if (typeof threshold === "number") return threshold;
  return Math.floor((codes * Number.parseInt(threshold, 10)) / 100);
}

export function isBelow(threshold: Threshold, codes: number, available: number): boolean {
  return available <= thresholdCount(threshold, codes);
}

export interface Stock {
  thresholds: readonly Threshold[];
  /** Made so far. */
  codes: number;
  available: number;
  /** What was told since there was last more than that; as an earlier call answered it. */
  told: readonly string[];
}

export interface Crossings {
  /** From the highest count to the lowest. */
  raise: Threshold[];
  /** Comes after them. */
  exhausted: boolean;
  /** To be kept with what is raised, for the next call. */
  told: string[];
}

/**
 * What is to be told of a stock. It goes by how things are and by what was told, not by what
 * changed: whoever is called late, or twice, tells each crossing once. A threshold is told again
 * after there was more than its count, and so is the end of the stock. A campaign without codes
 * waits for its first ones.
 */
export function crossings({ thresholds, codes, available, told }: Stock): Crossings {
  if (codes === 0) return { raise: [], exhausted: false, told: [] };
  const reached = thresholds.filter((threshold) => isBelow(threshold, codes, available));
  const raise = reached
    .filter((threshold) => !told.includes(String(threshold)))
    .toSorted((one, other) => thresholdCount(other, codes) - thresholdCount(one, codes));
  const isExhausted = available <= 0;
  return {
    raise,
    exhausted: isExhausted && !told.includes(EXHAUSTED),
    told: [...reached.map(String), ...(isExhausted ? [EXHAUSTED] : [])],
  };
}
