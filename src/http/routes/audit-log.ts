/** A brand's audit log: read, and held against its own hashes. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { listEntries, verifyChain, type AuditEntryRow } from "../../db/audit-log.ts";
import { forSecretKey } from "../auth.ts";
import type { HttpEnv } from "../http-env.ts";
import { pageAsked, pageFound, pageOf, pageQuery } from "../paging.ts";
import { ProblemError } from "../problems.ts";
import { AnsweredTime, json, KEY_PROBLEMS, problemResponses, toWireTime } from "../schemas.ts";

const Hash = z.string().meta({
  description: "SHA-256 of all other fields, the previous hash among them.",
  example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
});

const AuditEntry = z
  .strictObject({
    id: z.string().meta({ example: "aud_01k3q9m7x2v8d4t6w5ab" }),
    number: z.int().meta({ description: "1, 2, 3, … without a gap." }),
    at: AnsweredTime,
    actor: z.string().meta({ description: "The id of the key, or operator." }),
    action: z.string().meta({ description: "The operationId of the call.", example: "createKey" }),
    target: z.string().meta({ description: "The id of what was changed." }),
    fields: z
      .array(z.string())
      .meta({ description: "Names of the fields that were set. Never their values." }),
    request_id: z.string(),
    address_prefix: z.string().nullable().meta({
      description: "Of the caller's address: /24 of IPv4, /48 of IPv6.",
      example: "203.0.113.0/24",
    }),
    previous_hash: z.string().nullable().meta({ description: "Null: the first entry." }),
    hash: Hash,
  })
  .meta({ id: "AuditEntry" });

const AuditVerdict = z
  .strictObject({
    ok: z.boolean(),
    entries: z.int(),
    head: z.strictObject({ number: z.int(), hash: Hash }).nullable().meta({
      description:
        "The last entry. Keep it: with it a later call sees whether the end was cut off.",
    }),
    broken_at: z.int().nullable().meta({
      description: "The first number at which the log is not what was written.",
    }),
    checked_at: AnsweredTime,
  })
  .meta({ id: "AuditVerdict" });

function present(entry: AuditEntryRow): z.infer<typeof AuditEntry> {
  return {
    id: entry.id,
    number: entry.number,
    at: toWireTime(entry.at),
    actor: entry.actor,
    action: entry.action,
    target: entry.target,
    fields: namesIn(entry.fields),
    request_id: entry.requestId,
    address_prefix: entry.addressPrefix,
    previous_hash: entry.previousHash,
    hash: entry.hash,
  };
}

/** The names, or the text itself where somebody has spoilt it: that is for `verify` to tell. */
function namesIn(fields: string): string[] {
  try {
    return JSON.parse(fields) as string[];
  } catch {
    return [fields];
  }
}

/** The log is one chain for what is live and for tests; what a test key would see had gaps. */
function requireLive(c: Context<HttpEnv>): void {
  if (c.var.key.mode === "live") return;
  throw new ProblemError("forbidden", {
    detail: "The log names what is live: it takes a live key.",
  });
}

export const auditLogRoutes = new OpenAPIHono<HttpEnv>();

auditLogRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/audit-log",
    operationId: "listAuditLog",
    summary: "List who changed what, newest first",
    description:
      "Every change of the brand, its keys, campaigns, batches, imports and codes, by its keys and by the operator. An entry is written in the transaction of the change. Claims, validations, redemptions and reads are not in it: a campaign's pools keep a ledger of those. Live keys only, since the log is one chain.",
    tags: ["Brand"],
    ...forSecretKey("audit:read"),
    request: { query: z.strictObject(pageQuery) },
    responses: {
      200: json(pageOf(AuditEntry, "AuditPage"), "A page of entries"),
      ...problemResponses("invalid-cursor", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    requireLive(c);
    const { id } = c.var.brand;
    const query = c.req.valid("query");
    const page = pageAsked(query, `audit-log:${id}`, ["number"], ([number]) => Number(number));
    const found = await listEntries(c.env.DB, id, page);
    return c.json(
      pageFound(page, found, ({ number }) => [number], present),
      200,
    );
  },
);

const KnownHead = z
  .strictObject({
    number: z
      .string()
      .regex(/^[1-9][0-9]{0,14}$/, "Must be a whole number.")
      .transform(Number)
      .optional()
      .meta({ description: "head.number of an earlier call.", type: "integer", minimum: 1 }),
    hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "Must be 64 hex digits.")
      .optional()
      .meta({ description: "head.hash of that call." }),
  })
  .refine(
    ({ number, hash }) => (number === undefined) === (hash === undefined),
    "number and hash go together.",
  );

auditLogRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/audit-log/verify",
    operationId: "verifyAuditLog",
    summary: "Hold the audit log against its own hashes",
    description:
      "Walks through the whole chain. Finds what was altered, taken out or put elsewhere; a cut-off end only where you pass the head that you knew.",
    tags: ["Brand"],
    ...forSecretKey("audit:read"),
    request: { query: KnownHead },
    responses: {
      200: json(AuditVerdict, "What was found"),
      ...problemResponses(...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    requireLive(c);
    const { number, hash } = c.req.valid("query");
    const known = number === undefined || hash === undefined ? null : { number, hash };
    const { entries, head, brokenAt } = await verifyChain(c.env.DB, c.var.brand.id, known);
    const checkedAt = toWireTime(Date.now());
    return c.json(
      { ok: brokenAt === null, entries, head, broken_at: brokenAt, checked_at: checkedAt },
      200,
    );
  },
);
