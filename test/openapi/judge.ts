/** What Prism's word on an exchange means for the document. */

import type { Judged } from "./gate.ts";

interface Violation {
  location: string[];
  message: string;
}

export interface Verdict {
  /**
   * `fits`: request and answer are as described. `refused`: the request is not, on purpose, and the
   * service refused it as described. `undescribed`: so it did to a call that does not exist.
   */
  kind: "fits" | "refused" | "undescribed" | "wrong";
  /** What is wrong, and where. */
  why: string[];
}

/** Of Prism, for a path or a method that the document does not have. */
const NO_ROUTE = "Selected route not found";

function violationsOf({ violations }: Judged): Violation[] {
  if (violations === null) return [];
  try {
    return JSON.parse(violations) as Violation[];
  } catch {
    // Prism cuts off what is too long for a header. Requests come first in it.
    const place = violations.includes('["response"') ? "response" : "request";
    return [{ location: [place], message: violations }];
  }
}

/**
 * An answer must always fit. A request need not: tests send wrong ones on purpose. But one that the
 * service takes must be right by the document, too.
 */
export function judge(judged: Judged): Verdict {
  const { status, isForwarded, own } = judged;
  const found = violationsOf(judged);
  const isTaken = status < 400;
  const why = found
    .filter(({ location }) => isTaken || location[0] === "response")
    .map(({ location, message }) => `${location.join(".")}: ${message}`);
  // What Prism cannot read it may refuse, if the service does so too.
  if (own !== null && (isForwarded || isTaken)) why.push(`Prism answered for itself: ${own}`);
  if (why.length > 0) return { kind: "wrong", why };
  if (found.some(({ message }) => message === NO_ROUTE)) return { kind: "undescribed", why };
  return { kind: found.length === 0 && isForwarded ? "fits" : "refused", why };
}

/** Every verdict of a run. */
export class Ledger {
  readonly counts: Record<Verdict["kind"], number> = {
    fits: 0,
    refused: 0,
    undescribed: 0,
    wrong: 0,
  };
  /** How often each thing was wrong, by the call, its answer and the thing. */
  readonly wrong = new Map<string, number>();

  enter(judged: Judged): void {
    const { kind, why } = judge(judged);
    this.counts[kind] += 1;
    const { method, path, status } = judged;
    // Calls that differ in an id or in their query are one.
    const call = `${method} ${path.replace(/\?.*/, "").replace(/[a-z]{3}_[0-9a-z]{20,}/g, "{id}")}`;
    for (const one of why) {
      const line = `${call} → ${status}: ${one}`;
      this.wrong.set(line, (this.wrong.get(line) ?? 0) + 1);
    }
  }
}
