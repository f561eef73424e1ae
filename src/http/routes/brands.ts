/** The operator's calls on brands. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import {
  brandToInsert,
  createBrand,
  findBrand,
  listBrands,
  updateBrand,
  type BrandRow,
} from "../../db/brands.ts";
import { forgetBrand } from "../../directory/directory.ts";
import { wakeSenders } from "../../webhooks/stub.ts";
import { forOperator } from "../auth.ts";
import { readableBody } from "../body.ts";
import { change } from "../change.ts";
import { near, type HttpEnv } from "../http-env.ts";
import { Identity, presentIdentity } from "../identity-schema.ts";
import { IdempotencyHeader } from "../idempotency.ts";
import { once, ONCE_PROBLEMS } from "../once.ts";
import { pageAsked, pageFound, pageOf, pageQuery } from "../paging.ts";
import { ProblemError } from "../problems.ts";
import {
  AnsweredTime,
  BODY_PROBLEMS,
  created,
  definedOnly,
  json,
  jsonBody,
  line,
  NoQuery,
  PathKey,
  problemResponses,
  Slug,
  toWireTime,
} from "../schemas.ts";
import { underSlug } from "../slugs.ts";

export const Brand = z
  .strictObject({
    id: z.string().meta({ example: "brd_01k3q9m7x2v8d4t6w5ab" }),
    slug: z.string(),
    name: z.string(),
    status: z.enum(["active", "suspended"]),
    created_at: AnsweredTime,
    identity: Identity.nullable(),
  })
  .meta({ id: "Brand" });

const NewBrand = z
  .strictObject({
    name: line(100),
    slug: Slug.optional().meta({ description: "Made from the name when left out." }),
  })
  .meta({ id: "NewBrand", example: { name: "Acme", slug: "acme" } });

const BrandWithKeys = Brand.extend({
  keys: z
    .strictObject({ secret: z.string(), publishable: z.string() })
    .meta({ description: "Shown this once: only their hashes are stored." }),
}).meta({ id: "BrandWithKeys" });

const BrandChange = z
  .strictObject({ name: line(100).optional(), status: z.enum(["active", "suspended"]).optional() })
  .meta({ id: "BrandChange", example: { name: "Acme" } });

export function presentBrand(brand: BrandRow): z.infer<typeof Brand> {
  const { id, slug, name, status, createdAt } = brand;
  const identity = brand.identity === null ? null : presentIdentity(brand.identity);
  return { id, slug, name, status, created_at: toWireTime(createdAt), identity };
}

const params = z.object({ brand: PathKey });
const OPERATOR_PROBLEMS = ["unauthenticated", "forbidden", "rate-limited"] as const;

export const brandRoutes = new OpenAPIHono<HttpEnv>();

brandRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/brands",
    operationId: "createBrand",
    summary: "Create a brand, its first keys and its `default` campaign",
    tags: ["Operator"],
    ...forOperator(readableBody, once),
    request: { query: NoQuery, headers: IdempotencyHeader, body: jsonBody(NewBrand) },
    responses: {
      201: created(BrandWithKeys, "The brand, with the only sight of its keys"),
      ...problemResponses("slug-taken", ...ONCE_PROBLEMS, ...OPERATOR_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const fields = c.req.valid("json");
    const { name, slug } = fields;
    const { location, body } = await underSlug({ slug, name }, async (free) => {
      const made = await brandToInsert({ name, slug: free });
      const { id } = made.brand;
      const keys = { secret: made.secret.text, publishable: made.publishable.text };
      const answer = {
        status: 201 as const,
        location: `/v1/brands/${id}`,
        body: { ...presentBrand(made.brand), keys },
      };
      const isMade = await change(
        c,
        { action: "createBrand", target: id, fields, brandId: id, answer, made: () => true },
        (along) => createBrand(c.env.DB, made, along),
      );
      return isMade ? answer : null;
    });
    c.header("Location", location);
    return c.json(body, 201);
  },
);

brandRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/brands",
    operationId: "listBrands",
    summary: "List brands, newest first",
    tags: ["Operator"],
    ...forOperator(),
    request: { query: z.strictObject(pageQuery) },
    responses: {
      200: json(pageOf(Brand, "BrandPage"), "A page of brands"),
      ...problemResponses("invalid-cursor", ...OPERATOR_PROBLEMS),
    },
  }),
  async (c) => {
    const page = pageAsked(c.req.valid("query"), "brands", ["string"], ([id]) => String(id));
    const found = await listBrands(c.env.DB, page);
    return c.json(
      pageFound(page, found, (brand) => [brand.id], presentBrand),
      200,
    );
  },
);

brandRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/brands/{brand}",
    operationId: "getBrand",
    summary: "Read a brand",
    tags: ["Operator"],
    ...forOperator(),
    request: { params, query: NoQuery },
    responses: {
      200: json(Brand, "The brand"),
      ...problemResponses("not-found", ...OPERATOR_PROBLEMS),
    },
  }),
  async (c) => {
    const brand = await findBrand(c.env.DB, c.req.valid("param").brand);
    if (brand === null) throw new ProblemError("not-found");
    return c.json(presentBrand(brand), 200);
  },
);

brandRoutes.openapi(
  createRoute({
    method: "patch",
    path: "/v1/brands/{brand}",
    operationId: "updateBrand",
    summary: "Rename, suspend or reactivate a brand",
    tags: ["Operator"],
    ...forOperator(readableBody),
    request: { params, query: NoQuery, body: jsonBody(BrandChange) },
    responses: {
      200: json(Brand, "The brand as it is now; a suspended brand's keys answer 403 from here on"),
      ...problemResponses("not-found", ...OPERATOR_PROBLEMS, ...BODY_PROBLEMS),
    },
  }),
  async (c) => {
    const brand = await findBrand(c.env.DB, c.req.valid("param").brand);
    if (brand === null) throw new ProblemError("not-found");
    const { id } = brand;
    const fields = definedOnly(c.req.valid("json"));
    const made = () => findBrand(c.env.DB, id);
    const updated = await change(
      c,
      { action: "updateBrand", target: id, fields, brandId: id, made },
      (along) => updateBrand(c.env.DB, id, fields, along),
    );
    await forgetBrand(near(c), brand.id);
    // While it was suspended its webhooks waited; by themselves they would look minutes later.
    if (fields.status === "active") {
      c.executionCtx.waitUntil(wakeSenders(c.env, id).catch(() => undefined));
    }
    return c.json(presentBrand(updated ?? brand), 200);
  },
);
