/** The platform's own counters of what is billed, by statement. Answers are the real ones. */

/** Whose statement: the pool's SQLite, D1 asked by the pool, D1 or KV asked by the Worker. */
export type Place = "pool" | "d1-by-pool" | "d1-by-worker" | "kv-by-worker";

export interface Count {
  place: Place;
  statement: string;
  calls: number;
  rowsWritten: number;
  rowsRead: number;
}

/** What the platform says of one call, where it says anything. */
interface Billed {
  rowsWritten: number;
  rowsRead: number;
}

const UNBILLED: Billed = { rowsWritten: 0, rowsRead: 0 };

/** "INSERT INTO claims" of "INSERT INTO claims (slot, …) VALUES …". */
function nameOf(sql: string): string {
  const text = sql.replaceAll(/\s+/g, " ").trim();
  const write = /^(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM) "?\w+"?/i.exec(text)?.[0];
  const read = /^(?:SELECT|WITH)\b.*?\bFROM "?\w+"?/i.exec(text)?.[0];
  return (write ?? read?.replace(/ .*(?= FROM)/, " …") ?? text.slice(0, 40)).replaceAll('"', "");
}

export class Tally {
  readonly #counts = new Map<string, Count>();
  // A cursor's counters are final once it is consumed, so they are read when the next one comes.
  #last: { statement: string; cursor: Billed } | null = null;

  add(place: Place, statement: string, billed: Billed): void {
    const key = `${place} ${statement}`;
    const count = this.#counts.get(key) ?? { place, statement, calls: 0, ...UNBILLED };
    count.calls += 1;
    count.rowsWritten += billed.rowsWritten;
    count.rowsRead += billed.rowsRead;
    this.#counts.set(key, count);
  }

  addCursor(sql: string, cursor: Billed): void {
    this.#settle();
    this.#last = { statement: nameOf(sql), cursor };
  }

  #settle(): void {
    if (this.#last === null) return;
    const { statement, cursor } = this.#last;
    this.#last = null;
    this.add("pool", statement, cursor);
  }

  counts(): Count[] {
    this.#settle();
    return [...this.#counts.values()];
  }

  reset(): void {
    this.#settle();
    this.#counts.clear();
  }
}

let isStorageCounted = false;

/**
 * Counts what every object of this isolate writes. By the prototypes, because an object's state
 * cannot be stood in for: the runtime asks for its own.
 */
export function countStorage(ctx: DurableObjectState, tally: Tally): DurableObjectState {
  if (isStorageCounted) return ctx;
  isStorageCounted = true;
  const sqlType = Object.getPrototypeOf(ctx.storage.sql) as SqlStorage;
  const storageType = Object.getPrototypeOf(ctx.storage) as DurableObjectStorage;
  // oxlint-disable-next-line typescript/unbound-method -- Bound to each object by apply.
  const [exec, setAlarm] = [sqlType.exec, storageType.setAlarm];
  sqlType.exec = function counted(this: SqlStorage, ...args: Parameters<typeof exec>) {
    const cursor = exec.apply(this, args);
    tally.addCursor(args[0], cursor);
    return cursor;
  } as typeof exec;
  storageType.setAlarm = function counted(this: DurableObjectStorage, ...args) {
    // The platform bills one row for it, and has no counter that a Worker could read.
    tally.add("pool", "setAlarm", { rowsWritten: 1, rowsRead: 0 });
    return setAlarm.apply(this, args);
  };
  return ctx;
}

const billedBy = ({ meta }: D1Result): Billed => ({
  rowsWritten: meta.rows_written,
  rowsRead: meta.rows_read,
});

class Statement {
  readonly real: D1PreparedStatement;
  readonly sql: string;
  readonly #count: (sql: string, billed: Billed) => void;

  constructor(real: D1PreparedStatement, sql: string, count: Statement["count"]) {
    this.real = real;
    this.sql = sql;
    this.#count = count;
  }

  count = (sql: string, billed: Billed): void => this.#count(sql, billed);

  bind(...values: unknown[]): Statement {
    return new Statement(this.real.bind(...values), this.sql, this.#count);
  }

  async run() {
    const result = await this.real.run();
    this.count(this.sql, billedBy(result));
    return result;
  }

  async all() {
    return this.run();
  }

  // These two answer without the counter. Only reads are asked for in this way.
  raw() {
    this.count(this.sql, UNBILLED);
    return this.real.raw();
  }

  first() {
    this.count(this.sql, UNBILLED);
    return this.real.first();
  }
}

export function countedD1(real: D1Database, tally: Tally, place: Place): D1Database {
  const count = (sql: string, billed: Billed) => tally.add(place, nameOf(sql), billed);
  return {
    prepare: (sql: string) => new Statement(real.prepare(sql), sql, count),
    batch: async (statements: Statement[]) => {
      const results = await real.batch(statements.map((statement) => statement.real));
      for (const [i, result] of results.entries())
        count(statements[i]?.sql ?? "", billedBy(result));
      return results;
    },
  } as unknown as D1Database;
}

export function countedKv(real: KVNamespace, tally: Tally): KVNamespace {
  return new Proxy(real, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        tally.add("kv-by-worker", String(name), UNBILLED);
        return value.apply(target, args);
      };
    },
  });
}
