/** What the Worker serves besides the API: health, the reference, and a page for every problem. */

import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import type { HttpEnv } from "../http-env.ts";
import { ProblemError, problems } from "../problems.ts";
import { json, NoQuery, problemResponses } from "../schemas.ts";

const Health = z.strictObject({ status: z.literal("ok") }).meta({ id: "Health" });

/** An object that no campaign uses, asked whether objects answer. */
const READINESS_POOL = "readiness";

export const platformRoutes = new OpenAPIHono<HttpEnv>();

platformRoutes.openapi(
  createRoute({
    method: "get",
    path: "/healthz",
    operationId: "checkHealth",
    summary: "Whether the Worker runs",
    tags: ["Platform"],
    security: [],
    request: { query: NoQuery },
    responses: { 200: json(Health, "It runs"), ...problemResponses() },
  }),
  (c) => c.json({ status: "ok" as const }, 200),
);

platformRoutes.openapi(
  createRoute({
    method: "get",
    path: "/readyz",
    operationId: "checkReadiness",
    summary: "Whether the database and a pool answer",
    tags: ["Platform"],
    security: [],
    request: { query: NoQuery },
    responses: { 200: json(Health, "Both answer"), ...problemResponses() },
  }),
  async (c) => {
    try {
      await c.env.DB.prepare("SELECT id FROM brands LIMIT 1").run();
    } catch {
      throw new ProblemError("service-unavailable", { detail: "The database does not answer." });
    }
    try {
      await c.env.CODE_POOL.getByName(READINESS_POOL).ping();
    } catch {
      throw new ProblemError("service-unavailable", { detail: "The pools do not answer." });
    }
    return c.json({ status: "ok" as const }, 200);
  },
);

platformRoutes.openapi(
  createRoute({
    method: "get",
    path: "/problems/{slug}",
    operationId: "explainProblem",
    summary: "What a problem means and what to do about it",
    tags: ["Platform"],
    security: [],
    request: {
      params: z.object({ slug: z.string().meta({ example: "codes-exhausted" }) }),
      query: NoQuery,
    },
    responses: {
      200: { description: "A short page", content: { "text/html": { schema: z.string() } } },
      ...problemResponses("not-found"),
    },
  }),
  (c) => {
    const { slug } = c.req.valid("param");
    if (!Object.hasOwn(problems, slug)) throw new ProblemError("not-found");
    const { status, title, remedy } = problems[slug as keyof typeof problems];
    c.header("Cache-Control", "public, max-age=3600");
    return c.html(
      `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
        `<title>${slug}</title><h1>${title}</h1><p><code>${slug}</code>, status ${status}</p><p>${remedy}</p></html>`,
    );
  },
);
