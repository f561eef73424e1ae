/** A D1 that fails or lags on demand. The rest is the real one. */

import { interceptedD1 } from "./intercepted-d1.ts";

export interface Fault {
  /**
   * Fails before the call took effect, fails after it, answers late, never answers, or is counted.
   */
  when: "before" | "after" | "late" | "never" | "count";
  /** Which statements: all of whose SQL matches. */
  sql: RegExp;
  /** How often; then D1 works again. */
  times: number;
}

/** How late an answer is: time enough for what should happen in between. */
const LATE_MS = 500;

/** `faults` is consumed: each counts down, and the caller can read what is left. */
export function faultyD1(real: D1Database, faults: Fault[]): D1Database {
  return interceptedD1(real, async (statements, call) => {
    const sql = statements.join(";\n");
    const fault = faults.find((candidate) => candidate.times > 0 && candidate.sql.test(sql));
    if (fault === undefined) return call();
    fault.times -= 1;
    if (fault.when === "count") return call();
    if (fault.when === "never") return new Promise<never>(() => undefined);
    if (fault.when === "late") {
      const answer = await call();
      await scheduler.wait(LATE_MS);
      return answer;
    }
    if (fault.when === "after") await call();
    throw new Error(`D1_ERROR: Network connection lost (${fault.when})`);
  });
}
