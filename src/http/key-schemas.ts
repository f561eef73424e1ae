/** A key's fields, in requests and answers. */

import * as z from "zod";
import type { ApiKeyRow } from "../db/api-keys.ts";
import { isOrigin, ORIGIN_MAX } from "../domain/origin.ts";
import { SCOPES } from "../domain/scope.ts";
import { AnsweredTime, line, Time, toWireTime } from "./schemas.ts";

/** More pages than a brand's partners have; each is a row that a preflight may be answered from. */
const ORIGINS_MAX = 100;
/** 30 days: longer than any deployment takes; a key that should live on is not rotated. */
const OVERLAP_SECONDS_MAX = 2_592_000;

const Origins = z
  .array(
    z
      .string()
      .max(ORIGIN_MAX)
      .refine(
        isOrigin,
        "Must be an origin as browsers send it, such as https://shop.example: https, no path, no default port. http is for localhost only.",
      ),
  )
  .max(ORIGINS_MAX)
  .refine((all) => new Set(all).size === all.length, "Each origin once.")
  .meta({
    description: `Of pages that may use it; compared exactly. Publishable keys only, ${ORIGINS_MAX} at most.`,
    example: ["https://partner.example"],
  });

const Scopes = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .refine((all) => new Set(all).size === all.length, "Each scope once.")
  .meta({
    description:
      "What it may do; writing includes reading. Secret keys only; all when left out. Every call names the scope it needs.",
  });

export const NewApiKey = z
  .strictObject({
    kind: z.enum(["secret", "publishable"]),
    mode: z.enum(["live", "test"]),
    name: line(100),
    scopes: Scopes.optional(),
    allowed_origins: Origins.optional(),
    expires_at: z.union([Time, z.null()]).optional(),
  })
  .superRefine(({ kind, scopes, allowed_origins: origins }, context) => {
    const misplaced =
      kind === "secret" && origins !== undefined
        ? { path: ["allowed_origins"], message: "Only a publishable key has origins." }
        : kind === "publishable" && scopes !== undefined
          ? { path: ["scopes"], message: "A publishable key has no scopes: it may only claim." }
          : null;
    if (misplaced !== null) context.addIssue({ code: "custom", ...misplaced });
  })
  .meta({
    id: "NewApiKey",
    example: {
      kind: "publishable",
      mode: "live",
      name: "Partner site",
      allowed_origins: ["https://partner.example"],
    },
  });

export const KeyUpdate = z
  .strictObject({ name: line(100).optional(), allowed_origins: Origins.optional() })
  .meta({ id: "KeyUpdate", example: { name: "Partner site" } });

export const KeyRotation = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(OVERLAP_SECONDS_MAX)
      .meta({ description: "How long the old key stays good. 30 days at most." }),
  })
  .meta({ id: "KeyRotation", example: { overlap_seconds: 86_400 } });

export const ApiKey = z
  .strictObject({
    id: z.string().meta({ example: "key_01k3q9m7x2v8d4t6w5ab" }),
    kind: z.enum(["secret", "publishable"]),
    mode: z.enum(["live", "test"]),
    name: z.string(),
    hint: z.string().meta({ description: "The key's last 4 characters." }),
    scopes: z.array(z.string()).nullable().meta({ description: "Null: all." }),
    allowed_origins: z.array(z.string()),
    created_at: AnsweredTime,
    expires_at: AnsweredTime.nullable(),
    revoked_at: AnsweredTime.nullable(),
    last_used_at: AnsweredTime.nullable().meta({ description: "Some 5 minutes behind at most." }),
  })
  .meta({ id: "ApiKey" });

export const ApiKeyWithText = ApiKey.extend({
  key: z.string().meta({ description: "Shown this once: only its hash is kept." }),
}).meta({ id: "ApiKeyWithText" });

export function presentKey(key: ApiKeyRow): z.infer<typeof ApiKey> {
  return {
    id: key.id,
    kind: key.kind,
    mode: key.mode,
    name: key.name,
    hint: key.hint,
    scopes: key.scopes,
    allowed_origins: key.allowedOrigins,
    created_at: toWireTime(key.createdAt),
    expires_at: toWireTime(key.expiresAt),
    revoked_at: toWireTime(key.revokedAt),
    last_used_at: toWireTime(key.lastUsedAt),
  };
}
