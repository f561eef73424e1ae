/** What stands around a call to D1: it sees its statements, and makes the call or does not. */
export type Around = <T>(sql: string[], call: () => Promise<T>) => Promise<T>;

class Statement {
  readonly real: D1PreparedStatement;
  readonly sql: string;
  readonly #around: Around;

  constructor(real: D1PreparedStatement, sql: string, around: Around) {
    this.real = real;
    this.sql = sql;
    this.#around = around;
  }

  bind(...values: unknown[]): Statement {
    return new Statement(this.real.bind(...values), this.sql, this.#around);
  }
  run() {
    return this.#around([this.sql], () => this.real.run());
  }
  all() {
    return this.#around([this.sql], () => this.real.all());
  }
  raw() {
    return this.#around([this.sql], () => this.real.raw());
  }
  first() {
    return this.#around([this.sql], () => this.real.first());
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
      ),
  } as unknown as D1Database;
}
