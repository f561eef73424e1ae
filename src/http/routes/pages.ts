/** What people see. The files are made by src/build and kept by the platform. */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { HttpEnv } from "../http-env.ts";
import { ProblemError } from "../problems.ts";

/** Pages load and call their own host only, and run no script or style that stands in a page. */
const PAGE = {
  "Content-Security-Policy": [
    "default-src 'none'",
    ...["script-src", "style-src", "connect-src", "font-src"].map((what) => `${what} 'self'`),
    "img-src 'self' data:",
    "base-uri 'none'",
    // Without its script a form would put what was typed into an address.
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
};
const YEAR = "public, max-age=31536000, immutable";
const MINUTES_5 = "public, max-age=300";

/** The file of the path that was called, under the headers. */
async function serveFile(c: Context<HttpEnv>, headers: Record<string, string>): Promise<Response> {
  const found = await c.env.ASSETS.fetch(c.req.raw);
  if (found.status === 404) throw new ProblemError("not-found");
  // Not the answer itself, which would lose what the middleware has said.
  const all = { ...Object.fromEntries(found.headers), ...headers };
  return c.newResponse(found.body, found.status as StatusCode, all);
}

export const pageRoutes = new OpenAPIHono<HttpEnv>();

for (const path of ["/console", "/docs", "/docs/:guide"]) {
  pageRoutes.get(path, (c) => serveFile(c, PAGE));
}
// Their names have a hash of what is in them.
pageRoutes.get("/assets/:file", (c) => serveFile(c, { "Cache-Control": YEAR }));
pageRoutes.get("/", (c) => c.redirect("/docs"));
pageRoutes.get("/:page{console|docs}/", (c) => c.redirect(`/${c.req.param("page")}`));
pageRoutes.get("/demo", (c) => {
  const site: string = c.env.DEMO_SITE;
  if (site === "") throw new ProblemError("not-found");
  return c.redirect(site);
});
pageRoutes.get("/openapi.json", (c) => serveFile(c, { "Cache-Control": MINUTES_5 }));
// For pages of any site.
pageRoutes.get("/widget.js", (c) =>
  serveFile(c, {
    "Cache-Control": MINUTES_5,
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
  }),
);
