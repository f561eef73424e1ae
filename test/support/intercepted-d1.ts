/**
 * What stands around a call to D1: it sees its statements and their values, and makes the call or
 * does not.
 */
export type Around = <T>(sql: string[], call: () => Promise<T>, values: unknown[][]) => Promise<T>;

class Statement {
  readonly real: D1PreparedStatement;
  readonly sql: string;
  readonly values: unknown[];
  readonly #around: Around;

  constructor(real: D1PreparedStatement, sql: string, around: Around, values: unknown[] = []) {
    this.real = real;
    this.sql = sql;
    this.values = values;
    this.#around = around;
  }

  bind(...values: unknown[]): Statement {
    return new Statement(this.real.bind(...values), this.sql, this.#around, values);
  }
  #call<T>(call: () => Promise<T>): Promise<T> {
    return this.#around([this.sql], call, [this.values]);
  }
  run() {
    return this.#call(() => this.real.run());
  }
  all() {
    return this.#call(() => this.real.all());
  }
  raw() {
    return this.#call(() => this.real.raw());
  }
  first() {
    return this.#call(() => this.real.first());
  }
}

/** The real D1, with something around every call. A batch is one call. */
export function interceptedD1(real: D1Database, around: Around): D1Database {
  return {
    prepare: (sql: string) => new Statement(real.prepare(sql), sql, around),
    batch: (statements: Statement[]) =>
      around(
        statements.map(({ sql }) => sql),
        () => real.batch(statements.map(({ real: statement }) => statement)),
        statements.map(({ values }) => values),
      ),
  } as unknown as D1Database;
}
