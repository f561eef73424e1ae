/** A D1 that fails or lags on demand. The rest is the real one. */

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

class Statement {
  readonly real: D1PreparedStatement;
  readonly sql: string;
  readonly #run: <T>(sql: string, call: () => Promise<T>) => Promise<T>;

  constructor(real: D1PreparedStatement, sql: string, run: Statement["call"]) {
    this.real = real;
    this.sql = sql;
    this.#run = run;
  }

  call = <T>(sql: string, call: () => Promise<T>): Promise<T> => this.#run(sql, call);
  bind(...values: unknown[]): Statement {
    return new Statement(this.real.bind(...values), this.sql, this.#run);
  }
  run() {
    return this.#run(this.sql, () => this.real.run());
  }
  all() {
    return this.#run(this.sql, () => this.real.all());
  }
  raw() {
    return this.#run(this.sql, () => this.real.raw());
  }
  first() {
    return this.#run(this.sql, () => this.real.first());
  }
}

/** `faults` is consumed: each counts down, and the caller can read what is left. */
export function faultyD1(real: D1Database, faults: Fault[]): D1Database {
  async function run<T>(sql: string, call: () => Promise<T>): Promise<T> {
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
  }
  return {
    prepare: (sql: string) => new Statement(real.prepare(sql), sql, run),
    batch: (statements: Statement[]) =>
      run(statements.map(({ sql }) => sql).join(";\n"), () =>
        real.batch(statements.map(({ real: statement }) => statement)),
      ),
  } as unknown as D1Database;
}
