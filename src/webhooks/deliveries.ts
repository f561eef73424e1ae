/**
 * An endpoint's deliveries in its object's storage: synchronous SQL, nothing awaits. Callers hold
 * the transaction.
 *
 * Those not tried yet are the rows from the mark on that have no due time: first attempts are made
 * in order, so no index is needed to find them, and a delivery that succeeds at once writes two
 * rows, when it is taken in and when it is delivered. The mark is memory; after a crash it is found
 * again from the beginning.
 */

import {
  deliveryNumberAt,
  nextDeliveryNumber,
  type Attempt,
  type DeliveryStatus,
} from "../domain/delivery.ts";
import type { EventType } from "../domain/event.ts";

/** Attempts that are kept of a delivery, the last ones: a schedule has 13. */
export const ATTEMPTS_KEPT = 16;

/** The type of a delivery that tests its endpoint, and is of no event. */
export const TEST = "webhook.test";

/** What is changed of it later needs a version, as code-pool/migrations.ts has: rows outlive us. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY,        -- Grows, and begins with the time (domain/delivery.ts).
    subject TEXT NOT NULL,             -- The campaign's id, the brand's, or of a test the endpoint's.
    sequence INTEGER NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    due_at INTEGER,                    -- Of the next attempt, if pending; NULL before the first.
    tries INTEGER NOT NULL DEFAULT 0,  -- Attempts in vain of the present schedule.
    event_id TEXT,                     -- Known from the first attempt on.
    attempts TEXT NOT NULL DEFAULT '[]' -- JSON of Attempt[], oldest first.
  ) STRICT;
  CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at)
    WHERE status = 'pending' AND due_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS deliveries_failed ON deliveries (number) WHERE status = 'failed';`;

export interface Delivery {
  number: number;
  subject: string;
  sequence: number;
  type: EventType | typeof TEST;
  status: DeliveryStatus;
  dueAt: number | null;
  tries: number;
  eventId: string | null;
  attempts: Attempt[];
}

type Row = Record<"number" | "sequence" | "tries", number> &
  Record<"subject" | "type" | "status" | "attempts", string> &
  Record<"due_at", number | null> &
  Record<"event_id", string | null>;

function toDelivery({ due_at: dueAt, event_id: eventId, attempts, ...row }: Row): Delivery {
  return {
    ...row,
    type: row.type as Delivery["type"],
    status: row.status as DeliveryStatus,
    dueAt,
    eventId,
    attempts: JSON.parse(attempts) as Attempt[],
  };
}

const UNTRIED = "status = 'pending' AND due_at IS NULL";
const RETRIES = "status = 'pending' AND due_at IS NOT NULL";

/** What is left alone for now: by number what is being sent, by subject what cannot be read. */
export interface Except {
  numbers: number[];
  subjects: string[];
}

const LEFT = `number NOT IN (SELECT value FROM json_each(?1))
  AND subject NOT IN (SELECT value FROM json_each(?2))`;

function listsOf({ numbers, subjects }: Except): string[] {
  return [JSON.stringify(numbers), JSON.stringify(subjects)];
}

/** Events in a row that an endpoint is to get. */
export interface RunToDeliver {
  subject: string;
  type: EventType;
  firstSequence: number;
  count: number;
}

export class Deliveries {
  readonly #sql: SqlStorage;
  #isOpen = false;
  /** Every delivery up to here was tried. */
  #mark = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** All is gone, tables too; they come back with the next word. */
  close(): void {
    this.#isOpen = false;
    this.#mark = 0;
  }

  /** Made when first used: an object that nobody knows holds nothing. */
  #exec<T extends Record<string, SqlStorageValue>>(sql: string, ...values: unknown[]): T[] {
    if (!this.#isOpen) this.#sql.exec(SCHEMA);
    this.#isOpen = true;
    return this.#sql.exec<T>(sql, ...values).toArray();
  }

  #number(sql: string, ...values: unknown[]): number | null {
    return this.#exec<{ n: number | null }>(sql, ...values)[0]?.n ?? null;
  }

  #next(now: number): number {
    return nextDeliveryNumber(this.#number("SELECT max(number) AS n FROM deliveries") ?? 0, now);
  }

  /** Notes one for each event. */
  add({ subject, type, firstSequence, count }: RunToDeliver, now: number): void {
    this.#exec(
      `WITH RECURSIVE steps (step) AS (SELECT 0 UNION ALL SELECT step + 1 FROM steps WHERE step + 1 < ?1)
       INSERT INTO deliveries (number, subject, sequence, type, status)
       SELECT ?2 + step, ?3, ?4 + step, ?5, 'pending' FROM steps`,
      count,
      this.#next(now),
      subject,
      firstSequence,
      type,
    );
  }

  /** Notes a test, as failed until it is known to be delivered: it is never tried by itself. */
  addTest(endpointId: string, eventId: string, now: number): Delivery {
    const [row] = this.#exec<Row>(
      `INSERT INTO deliveries (number, subject, sequence, type, status, event_id)
       VALUES (?, ?, 0, ?, 'failed', ?) RETURNING *`,
      this.#next(now),
      endpointId,
      TEST,
      eventId,
    );
    if (row === undefined) throw new Error("An insert returned nothing");
    return toDelivery(row);
  }

  find(number: number): Delivery | null {
    const [row] = this.#exec<Row>("SELECT * FROM deliveries WHERE number = ?", number);
    return row === undefined ? null : toDelivery(row);
  }

  /** Newest first, those below `before`. */
  list({
    before,
    limit,
    status,
  }: {
    before: number;
    limit: number;
    status: DeliveryStatus | null;
  }): Delivery[] {
    this.#moveMark();
    const pending = `number IN (
      SELECT number FROM deliveries WHERE ${RETRIES}
      UNION ALL SELECT number FROM deliveries WHERE number > ?3 AND ${UNTRIED})`;
    const filter = { pending, failed: "status = 'failed'", delivered: "status = 'delivered'" };
    return this.#exec<Row>(
      `SELECT * FROM deliveries
       WHERE number < ?1 AND ?3 >= 0 AND ${status === null ? "true" : filter[status]}
       ORDER BY number DESC LIMIT ?2`,
      before,
      limit,
      this.#mark,
    ).map(toDelivery);
  }

  #moveMark(): void {
    const first = this.#number(
      `SELECT number AS n FROM deliveries WHERE number > ? AND ${UNTRIED} ORDER BY number LIMIT 1`,
      this.#mark,
    );
    const last =
      first === null ? this.#number("SELECT max(number) AS n FROM deliveries") : first - 1;
    this.#mark = Math.max(this.#mark, last ?? 0);
  }

  countPending(): number {
    this.#moveMark();
    const counted = (where: string, ...values: unknown[]) =>
      this.#number(`SELECT count(*) AS n FROM deliveries WHERE ${where}`, ...values) ?? 0;
    return counted(RETRIES) + counted(`number > ? AND ${UNTRIED}`, this.#mark);
  }

  /**
   * What is to be sent now: in turn what waited for its time, longest due first, and what was not
   * tried yet, in order. So neither waits for the other to be taken.
   */
  due(now: number, limit: number, except: Except): Delivery[] {
    this.#moveMark();
    const retries = this.#exec<Row>(
      `SELECT * FROM deliveries WHERE ${RETRIES} AND due_at <= ?3 AND ${LEFT}
       ORDER BY due_at LIMIT ?4`,
      ...listsOf(except),
      now,
      limit,
    );
    const untried = this.#untried("number", limit, except);
    const inTurn = Array.from({ length: limit }, (_, i) => [retries[i], untried[i]]);
    const rows = inTurn.flat().flatMap((row) => row ?? []);
    return rows.slice(0, limit).map(toDelivery);
  }

  /** Any that was not tried yet, or none. */
  anyUntried(except: Except): Delivery[] {
    this.#moveMark();
    return this.#untried("random()", 1, except).map(toDelivery);
  }

  #untried(order: string, limit: number, except: Except): Row[] {
    return this.#exec<Row>(
      `SELECT * FROM deliveries WHERE number > ?3 AND ${UNTRIED} AND ${LEFT}
       ORDER BY ${order} LIMIT ?4`,
      ...listsOf(except),
      this.#mark,
      limit,
    );
  }

  /** When the first is to be sent, 0 for at once, or null where none is pending. */
  nextAt(except: Except): number | null {
    const lists = listsOf(except);
    const untried = this.#number(
      `SELECT 0 AS n FROM deliveries WHERE number > ?3 AND ${UNTRIED} AND ${LEFT} LIMIT 1`,
      ...lists,
      this.#mark,
    );
    return (
      untried ??
      this.#number(
        `SELECT due_at AS n FROM deliveries WHERE ${RETRIES} AND ${LEFT} ORDER BY due_at LIMIT 1`,
        ...lists,
      )
    );
  }

  /** Writes what became of a delivery, with the attempt that was made of it. */
  settle(
    number: number,
    next: Pick<Delivery, "status" | "dueAt" | "tries" | "eventId">,
    attempt: Attempt,
  ): void {
    const made = this.find(number)?.attempts ?? [];
    this.#exec(
      `UPDATE deliveries SET status = ?2, due_at = ?3, tries = ?4, event_id = ?5, attempts = ?6
       WHERE number = ?1`,
      number,
      next.status,
      next.dueAt,
      next.tries,
      next.eventId,
      JSON.stringify([...made, attempt].slice(-ATTEMPTS_KEPT)),
    );
  }

  /** The first that is due, with a whole schedule before it; the attempts that were made stay. */
  renew(number: number, now: number): void {
    const first = this.#number(`SELECT min(due_at) AS n FROM deliveries WHERE ${RETRIES}`);
    this.#exec(
      "UPDATE deliveries SET status = 'pending', due_at = ?2, tries = 0 WHERE number = ?1",
      number,
      Math.min(now, (first ?? now) - 1),
    );
  }

  /** Deletes some that ended and are older; whether there may be more. */
  sweep(madeBefore: number, limit: number): boolean {
    const swept = this.#exec(
      `DELETE FROM deliveries WHERE number IN (
         SELECT number FROM deliveries WHERE number < ? AND status <> 'pending'
         ORDER BY number LIMIT ?) RETURNING number`,
      deliveryNumberAt(madeBefore),
      limit,
    );
    return swept.length === limit;
  }

  /** The oldest that ended, or null. */
  oldestEnded(): number | null {
    return this.#number(
      "SELECT number AS n FROM deliveries WHERE status <> 'pending' ORDER BY number LIMIT 1",
    );
  }
}
