/** The platform's own counters of what is billed, by statement. Answers are the real ones. */

import { interceptedD1 } from "../support/intercepted-d1.ts";

/** Whose statement: the pool's SQLite, D1 asked by an object, D1 or KV asked by the Worker. */
export type Place = "pool" | "d1-by-pool" | "d1-by-runner" | "d1-by-worker" | "kv-by-worker";

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

/** What D1 says of one answer. `first` and `raw` leave it out; only reads are asked for so. */
function billedBy(answer: unknown): Billed {
  const meta = (answer as Partial<D1Result> | null)?.meta;
  return meta === undefined
    ? UNBILLED
    : { rowsWritten: meta.rows_written, rowsRead: meta.rows_read };
}

export function countedD1(real: D1Database, tally: Tally, place: Place): D1Database {
  return interceptedD1(real, async (statements, call) => {
    const answer = await call();
    for (const [i, sql] of statements.entries()) {
      const isBatch = Array.isArray(answer) && answer.length === statements.length;
      tally.add(place, nameOf(sql), billedBy(isBatch ? answer[i] : answer));
    }
    return answer;
  });
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
