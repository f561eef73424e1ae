/**
 * The one way in which an administrative change is made: in one D1 transaction with its entry in
 * the brand's audit log and, where the request has an Idempotency-Key, the record of its answer.
 *
 * WHAT MAY HAPPEN
 *  - Another change of the brand came first: the entry's number is taken, and nothing was written.
 *    The entry is made anew after the other's, and the whole change again.
 *  - The same request came first: nothing was written, and it gets the other's answer (once.ts).
 *  - D1 fails, or does not answer: nobody knows whether the change was made. The entry tells; if it
 *    is there, so is all that was written with it.
 *  - The change turns out to change nothing: there is no entry.
 */

import type { Context } from "hono";
import { clashOf, type Alongside } from "../db/alongside.ts";
import { entryAfter, findHead, hasEntry } from "../db/audit-log.ts";
import { answered, repeated } from "../db/database.ts";
import { newId } from "../db/new-id.ts";
import { addressPrefix } from "../domain/audit-entry.ts";
import { callerOf } from "./auth.ts";
import type { HttpEnv } from "./http-env.ts";
import { TwinError, type Answer } from "./once.ts";
import { ProblemError } from "./problems.ts";
import { definedOnly } from "./schemas.ts";

/**
 * One of any number of changes at once comes first in each round, so all get there in the end. Some
 * hundred are done in this time; who is not among them may come again.
 */
const PATIENCE_MS = 20_000;
/** Mean waits before another try grow up to here: longer than a round trip to D1 takes. */
const WAIT_MS = 10;
const WAIT_MAX_MS = 200;

export interface Change<Outcome> {
  /** The operationId of the call. */
  action: string;
  /** The id of what is changed. */
  target: string;
  /** What the request sets: the log has the names of these fields, never their values. */
  fields?: object;
  /**
   * What it will be answered. Where it is not known before, an Idempotency-Key stands for `target`
   * until it is.
   */
  answer?: Answer;
  /** Whose log, where the caller's key does not say it. */
  brandId?: string;
  /** What came of it, when it was made and the answer was lost. */
  made: () => Outcome | Promise<Outcome>;
  /** How long `write` may take; answered() knows when that is left out. */
  timeoutMs?: number;
}

/**
 * Makes a change. `write` puts what it is given into the D1 batch of the change, directly after the
 * statement that makes it, and does nothing besides: it may be called again.
 */
export async function change<Outcome>(
  c: Context<HttpEnv>,
  what: Change<Outcome>,
  write: (alongside: Alongside) => Promise<Outcome>,
): Promise<Outcome> {
  const { DB: db } = c.env;
  const brandId = what.brandId ?? c.var.brand.id;
  const once = c.get("once");
  const fields = { ...entryFields(c, what), brandId };
  const until = Date.now() + PATIENCE_MS;
  for (let attempt = 0; Date.now() < until; attempt++) {
    const head = await answered(findHead(db, brandId));
    const entry = await entryAfter(head, { ...fields, at: Date.now() });
    try {
      const record = (await once?.newRecord(what.target, what.answer ?? null)) ?? null;
      return await answered(write({ entry, record }), what.timeoutMs);
    } catch (error) {
      if (error instanceof ProblemError) throw error;
      const clash = clashOf(error);
      if (clash === "twin") throw new TwinError();
      if (clash === null) {
        if (await repeated(() => hasEntry(db, entry)).catch(() => false)) return what.made();
        throw error;
      }
    }
    const meanMs = Math.min(WAIT_MS * 2 ** attempt, WAIT_MAX_MS);
    await scheduler.wait(meanMs * 2 * Math.random());
  }
  throw new ProblemError("service-unavailable");
}

function entryFields(c: Context<HttpEnv>, { action, target, fields = {} }: Change<unknown>) {
  // Cloudflare sets it; anybody could have set X-Forwarded-For.
  const address = c.req.header("CF-Connecting-IP");
  return {
    id: newId("auditEntry"),
    actor: callerOf(c),
    action,
    target,
    fields: JSON.stringify(Object.keys(definedOnly(fields))),
    requestId: c.var.requestId,
    addressPrefix: address === undefined ? null : addressPrefix(address),
  };
}
