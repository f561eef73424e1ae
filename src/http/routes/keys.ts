/** A brand's API keys: made, changed, rotated and revoked. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import {
  createKey,
  findKeyById,
  keyToInsert,
  listKeys,
  revokeKey,
  succeedKey,
  updateKey,
  type ApiKeyRow,
} from "../../db/api-keys.ts";
import { forgetKey } from "../../directory/directory.ts";
import { isWithin } from "../../domain/scope.ts";
import { forSecretKey } from "../auth.ts";
import { noBody, readableBody } from "../body.ts";
import { change } from "../change.ts";
import { near, type HttpEnv } from "../http-env.ts";
import { IdempotencyHeader } from "../idempotency.ts";
import {
  ApiKey,
  ApiKeyWithText,
  KeyRotation,
  KeyUpdate,
  NewApiKey,
  presentKey,
} from "../key-schemas.ts";
import { once, ONCE_PROBLEMS } from "../once.ts";
import { pageAsked, pageFound, pageOf, pageQuery } from "../paging.ts";
import { invalidField } from "../problem-response.ts";
import { ProblemError } from "../problems.ts";
import {
  BODY_PROBLEMS,
  created,
  definedOnly,
  json,
  jsonBody,
  KEY_PROBLEMS,
  NoQuery,
  PathId,
  problemResponses,
} from "../schemas.ts";

const params = z.object({ key: PathId });

/** The key in the path, if the caller's key may see it. */
async function requireOther(c: Context<HttpEnv>): Promise<ApiKeyRow> {
  const key = await findKeyById(c.env.DB, c.var.scope, c.req.param("key") ?? "");
  if (key === null) throw new ProblemError("not-found");
  return key;
}

/** Nobody makes a key that may do more than their own, or for longer. */
function requireWithin(
  c: Context<HttpEnv>,
  key: Pick<ApiKeyRow, "kind" | "mode" | "scopes" | "expiresAt">,
): void {
  const until = c.var.key.expiresAt;
  if (until !== null && (key.expiresAt === null || key.expiresAt > until)) {
    throw new ProblemError("forbidden", {
      detail: "A key that expires makes only keys that expire no later.",
    });
  }
  if (c.var.key.mode === "test" && key.mode === "live") {
    throw new ProblemError("forbidden", { detail: "A test key makes test keys only." });
  }
  // A publishable key may do less than any scope allows.
  if (key.kind === "secret" && !isWithin(key.scopes, c.var.key.scopes)) {
    throw new ProblemError("insufficient-scope", {
      detail: "A key can only make keys with scopes that it has itself.",
    });
  }
}

/** The only sight of a new key. */
function answerWith({ row, text }: { row: ApiKeyRow; text: string }) {
  const body = { ...presentKey(row), key: text };
  return { status: 201 as const, location: `/v1/keys/${row.id}`, body };
}

export const keyRoutes = new OpenAPIHono<HttpEnv>();

keyRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/keys",
    operationId: "createKey",
    summary: "Make a key",
    description: "The answer is the only sight of the key: its hash is kept.",
    tags: ["Keys"],
    ...forSecretKey("keys:write", readableBody, once),
    request: { query: NoQuery, headers: IdempotencyHeader, body: jsonBody(NewApiKey) },
    responses: {
      201: created(ApiKeyWithText, "The key, with the only sight of it"),
      ...problemResponses(...ONCE_PROBLEMS, ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const asked = c.req.valid("json");
    const { kind, mode, name, ...rest } = asked;
    const scopes = rest.scopes ?? null;
    const expiresAt = rest.expires_at == null ? null : Date.parse(rest.expires_at);
    requireWithin(c, { kind, mode, scopes, expiresAt });
    if (expiresAt !== null && expiresAt <= Date.now()) {
      throw invalidField("/expires_at", "Must be in the future.");
    }
    const allowedOrigins = rest.allowed_origins ?? [];
    const brandId = c.var.brand.id;
    const made = await keyToInsert({
      brandId,
      kind,
      mode,
      name,
      scopes,
      allowedOrigins,
      expiresAt,
    });
    const { id: target } = made.row;
    const answer = answerWith(made);
    await change(
      c,
      { action: "createKey", target, fields: asked, answer, made: () => undefined },
      (along) => createKey(c.env.DB, made.row, along),
    );
    c.header("Location", answer.location);
    return c.json(answer.body, 201);
  },
);

keyRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/keys",
    operationId: "listKeys",
    summary: "List keys, newest first",
    description: "Revoked and expired ones among them. Never the keys themselves.",
    tags: ["Keys"],
    ...forSecretKey("keys:read"),
    request: { query: z.strictObject(pageQuery) },
    responses: {
      200: json(pageOf(ApiKey, "ApiKeyPage"), "A page of keys"),
      ...problemResponses("invalid-cursor", ...KEY_PROBLEMS),
    },
  }),
  async (c) => {
    const list = `keys:${c.var.brand.id}`;
    const page = pageAsked(c.req.valid("query"), list, ["string"], ([id]) => String(id));
    const found = await listKeys(c.env.DB, c.var.scope, page);
    return c.json(
      pageFound(page, found, (key) => [key.id], presentKey),
      200,
    );
  },
);

keyRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/keys/{key}",
    operationId: "getKey",
    summary: "Read a key's row",
    tags: ["Keys"],
    ...forSecretKey("keys:read"),
    request: { params, query: NoQuery },
    responses: {
      200: json(ApiKey, "The key, without the key itself"),
      ...problemResponses("not-found", ...KEY_PROBLEMS),
    },
  }),
  async (c) => c.json(presentKey(await requireOther(c)), 200),
);

keyRoutes.openapi(
  createRoute({
    method: "patch",
    path: "/v1/keys/{key}",
    operationId: "updateKey",
    summary: "Rename a key, or change the pages it may be used from",
    description: "Other origins are in force everywhere within a minute.",
    tags: ["Keys"],
    ...forSecretKey("keys:write", readableBody),
    request: { params, query: NoQuery, body: jsonBody(KeyUpdate) },
    responses: {
      200: json(ApiKey, "The key as it is now"),
      ...problemResponses("not-found", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const fields = c.req.valid("json");
    const { name, allowed_origins: allowedOrigins } = fields;
    const key = await requireOther(c);
    if (allowedOrigins !== undefined && key.kind === "secret") {
      throw invalidField("/allowed_origins", "Only a publishable key has origins.");
    }
    const set = definedOnly({ name, allowedOrigins });
    if (Object.keys(set).length === 0) return c.json(presentKey(key), 200);
    const made = () => findKeyById(c.env.DB, c.var.scope, key.id);
    const updated = await change(
      c,
      { action: "updateKey", target: key.id, fields, made },
      (along) => updateKey(c.env.DB, key.id, set, along),
    );
    await forgetKey(near(c), key);
    return c.json(presentKey(updated ?? key), 200);
  },
);

keyRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/keys/{key}/rotate",
    operationId: "rotateKey",
    summary: "Put a new key in a key's place",
    description:
      "The new one may do what the old one may, and expires when it was to, if it was. The old one is good for overlap_seconds more, so that nothing stands still while its holders change over.",
    tags: ["Keys"],
    ...forSecretKey("keys:write", readableBody, once),
    request: { params, query: NoQuery, headers: IdempotencyHeader, body: jsonBody(KeyRotation) },
    responses: {
      201: created(ApiKeyWithText, "The new key, with the only sight of it"),
      ...problemResponses(
        "not-found",
        "key-inactive",
        ...ONCE_PROBLEMS,
        ...KEY_PROBLEMS,
        ...BODY_PROBLEMS,
      ),
    },
  }),
  async (c) => {
    const asked = c.req.valid("json");
    const before = await requireOther(c);
    requireWithin(c, before);
    const now = Date.now();
    if (before.revokedAt !== null || (before.expiresAt !== null && before.expiresAt <= now)) {
      throw new ProblemError("key-inactive");
    }
    // It expires when the one before it was to: rotating makes nothing last longer.
    const made = await keyToInsert(before);
    const answer = answerWith(made);
    const succession = {
      before,
      successor: made.row,
      expiresAt: now + asked.overlap_seconds * 1000,
    };
    const isMade = await change(
      c,
      {
        action: "rotateKey",
        // Whoever reads the log must know of both.
        target: `${before.id}/${made.row.id}`,
        fields: asked,
        answer,
        made: () => true,
      },
      (along) => succeedKey(c.env.DB, succession, along),
    );
    if (!isMade) throw new ProblemError("key-inactive");
    await forgetKey(near(c), before);
    c.header("Location", answer.location);
    return c.json(answer.body, 201);
  },
);

keyRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/keys/{key}",
    operationId: "revokeKey",
    summary: "Revoke a key",
    description:
      "For good, and at once; what may be answered by a copy of the key (claims, validation, redemptions, the public view) within a minute. Repeating it changes nothing.",
    tags: ["Keys"],
    ...forSecretKey("keys:write", noBody),
    request: { params, query: NoQuery },
    responses: {
      204: { description: "It is revoked" },
      ...problemResponses("not-found", ...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const key = await requireOther(c);
    await change(c, { action: "revokeKey", target: key.id, made: () => undefined }, (along) =>
      revokeKey(c.env.DB, key.id, along),
    );
    await forgetKey(near(c), key);
    return c.body(null, 204);
  },
);
