/** A brand's own profile. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { findBrand, updateBrand } from "../../db/brands.ts";
import { forgetBrand } from "../../directory/directory.ts";
import type { Identity } from "../../domain/identity.ts";
import { findRotation, rotateCheckKeys } from "../../inventory/shapes.ts";
import { forSecretKey } from "../auth.ts";
import { noBody, readableBody } from "../body.ts";
import { change } from "../change.ts";
import { allowsLoopback, inventoryOfKey, near, type HttpEnv } from "../http-env.ts";
import { identityAsked, NewIdentity } from "../identity-schema.ts";
import { invalidField } from "../problem-response.ts";
import { ProblemError } from "../problems.ts";
import {
  AnsweredTime,
  BODY_PROBLEMS,
  definedOnly,
  json,
  jsonBody,
  KEY_PROBLEMS,
  line,
  NoQuery,
  problemResponses,
  toWireTime,
} from "../schemas.ts";
import { Brand, presentBrand } from "./brands.ts";

const ProfileChange = z
  .strictObject({ name: line(100).optional(), identity: NewIdentity.nullable().optional() })
  .meta({
    id: "ProfileChange",
    example: {
      name: "Acme Stores",
      identity: {
        issuer: "https://login.partner.example/",
        audience: "codedrop",
        jwks_url: "https://login.partner.example/.well-known/jwks.json",
      },
    },
  });

const LIVE_ONLY = "A test key cannot change what is live, too.";

function identityOf(c: Context<HttpEnv>, asked: z.infer<typeof NewIdentity>): Identity {
  const outcome = identityAsked(asked, { allowsLoopback: allowsLoopback(c.env) });
  if (outcome.kind === "identity") return outcome.identity;
  throw invalidField("/identity/jwks_url", outcome.reason);
}

export const profileRoutes = new OpenAPIHono<HttpEnv>();

profileRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/brand",
    operationId: "getProfile",
    summary: "Read your brand",
    tags: ["Brand"],
    ...forSecretKey("brand:read"),
    request: { query: NoQuery },
    responses: {
      200: json(Brand, "The brand that the key belongs to"),
      ...problemResponses(...KEY_PROBLEMS),
    },
  }),
  (c) => c.json(presentBrand(c.var.brand), 200),
);

profileRoutes.openapi(
  createRoute({
    method: "patch",
    path: "/v1/brand",
    operationId: "updateProfile",
    summary: "Change your brand",
    description:
      "identity says whose user tokens count, from this answer on here and within a minute everywhere; null takes it away.",
    tags: ["Brand"],
    ...forSecretKey("brand:write", readableBody),
    request: { query: NoQuery, body: jsonBody(ProfileChange) },
    responses: {
      200: json(Brand, "The brand as it is now"),
      ...problemResponses(...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const { identity: asked, ...rest } = c.req.valid("json");
    const { brand, key } = c.var;
    if (key.mode === "test") {
      throw new ProblemError("forbidden", { detail: LIVE_ONLY });
    }
    const identity = asked == null ? null : identityOf(c, asked);
    const fields = { ...definedOnly(rest), ...(asked === undefined ? {} : { identity }) };
    const made = () => findBrand(c.env.DB, brand.id);
    const updated = await change(
      c,
      { action: "updateProfile", target: brand.id, fields, made },
      (along) => updateBrand(c.env.DB, brand.id, fields, along),
    );
    if (asked !== undefined) await forgetBrand(near(c), brand.id);
    const presented = presentBrand(updated ?? brand);
    if (identity === null || !("secret" in identity) || presented.identity === null) {
      return c.json(presented, 200);
    }
    // The only sight of it.
    const shown = { ...presented.identity, secret: identity.secret };
    return c.json({ ...presented, identity: shown }, 200);
  },
);

const Rotation = z
  .strictObject({
    shapes: z.int().meta({ description: "Different looks of codes that got a new key." }),
    in_use_from: AnsweredTime.meta({
      description: "Batches that begin from then on are sealed with the new keys.",
    }),
  })
  .meta({ id: "CheckKeyRotation" });

profileRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/brand/rotate-check-key",
    operationId: "rotateCheckKey",
    summary: "Seal codes with new keys from now on",
    description:
      "The last characters of a generated code follow from the others by a secret key, so that guesses are refused by their looks. Codes that exist stay good. With a live key this concerns live codes, with a test key test codes.",
    tags: ["Brand"],
    ...forSecretKey("brand:write", noBody),
    request: { query: NoQuery },
    responses: {
      200: json(Rotation, "When the new keys are used"),
      ...problemResponses(...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const inventory = inventoryOfKey(c);
    const made = () => findRotation(c.env.DB, inventory);
    const { shapes, usableFrom } = await change(
      c,
      { action: "rotateCheckKey", target: c.var.brand.id, made },
      (along) => rotateCheckKeys(c.env.DB, inventory, along),
    );
    return c.json({ shapes, in_use_from: toWireTime(usableFrom) }, 200);
  },
);
