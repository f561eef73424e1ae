/** A brand's own profile. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { updateBrand } from "../../db/brands.ts";
import { secretKey } from "../auth.ts";
import { readableBody } from "../body.ts";
import type { HttpEnv } from "../http-env.ts";
import {
  BODY_PROBLEMS,
  definedOnly,
  json,
  jsonBody,
  KEY_PROBLEMS,
  line,
  NoQuery,
  problemResponses,
} from "../schemas.ts";
import { Brand, presentBrand } from "./brands.ts";

const ProfileChange = z
  .strictObject({ name: line(100).optional() })
  .meta({ id: "ProfileChange", example: { name: "Acme Stores" } });

const security = [{ secretKey: [] }];

export const profileRoutes = new OpenAPIHono<HttpEnv>();

profileRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/brand",
    operationId: "getProfile",
    summary: "Read your brand",
    tags: ["Brand"],
    security,
    middleware: [secretKey] as const,
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
    security,
    middleware: [secretKey, readableBody] as const,
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
