/** A brand's own profile. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { updateBrand } from "../../db/brands.ts";
import { rotateCheckKeys } from "../../inventory/shapes.ts";
import { forSecretKey } from "../auth.ts";
import { noBody, readableBody } from "../body.ts";
import type { HttpEnv } from "../http-env.ts";
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
  .strictObject({ name: line(100).optional() })
  .meta({ id: "ProfileChange", example: { name: "Acme Stores" } });

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
    tags: ["Brand"],
    ...forSecretKey("brand:write", readableBody),
    request: { query: NoQuery, body: jsonBody(ProfileChange) },
    responses: {
      200: json(Brand, "The brand as it is now"),
      ...problemResponses(...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const updated = await updateBrand(c.env.DB, c.var.brand.id, definedOnly(c.req.valid("json")));
    return c.json(presentBrand(updated ?? c.var.brand), 200);
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
      "The last characters of a generated code follow from the others by a secret key, so that guesses are refused by their looks. Codes that exist stay good.",
    tags: ["Brand"],
    ...forSecretKey("brand:write", noBody),
    request: { query: NoQuery },
    responses: {
      200: json(Rotation, "When the new keys are used"),
      ...problemResponses(...KEY_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    if (c.var.key.mode === "test") {
      throw new ProblemError("forbidden", {
        detail: "A test key cannot change what live codes use.",
      });
    }
    const { shapes, usableFrom } = await rotateCheckKeys(c.env.DB, c.var.brand.id);
    return c.json({ shapes, in_use_from: toWireTime(usableFrom) }, 200);
  },
);
