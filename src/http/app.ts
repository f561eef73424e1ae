/** The whole HTTP surface: what every answer has in common, and the routes. */

import { OpenAPIHono } from "@hono/zod-openapi";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { allowPages } from "./cors.ts";
import type { HttpEnv } from "./http-env.ts";
import { onError, onInvalid, problemResponse } from "./problem-response.ts";
import { ProblemError } from "./problems.ts";
import { auditLogRoutes } from "./routes/audit-log.ts";
import { batchRoutes } from "./routes/batches.ts";
import { brandRoutes } from "./routes/brands.ts";
import { campaignRoutes } from "./routes/campaigns.ts";
import { checkoutRoutes } from "./routes/checkout.ts";
import { claimRoutes } from "./routes/claims.ts";
import { codeRoutes } from "./routes/codes.ts";
import { deliveryRoutes } from "./routes/deliveries.ts";
import { eventRoutes } from "./routes/events.ts";
import { exportRoutes } from "./routes/exports.ts";
import { holdRoutes } from "./routes/holds.ts";
import { importRoutes } from "./routes/imports.ts";
import { keyRoutes } from "./routes/keys.ts";
import { liveRoutes } from "./routes/live.ts";
import { pageRoutes } from "./routes/pages.ts";
import { platformRoutes } from "./routes/platform.ts";
import { profileRoutes } from "./routes/profile.ts";
import { reportRoutes } from "./routes/reports.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { singleCodeRoutes } from "./routes/single-codes.ts";
import { userRoutes } from "./routes/users.ts";
import { webhookEndpointRoutes } from "./routes/webhook-endpoints.ts";
import { secureHeaders } from "./secure-headers.ts";

export function createApp(): OpenAPIHono<HttpEnv> {
  const app = new OpenAPIHono<HttpEnv>({ defaultHook: onInvalid });

  app.use(requestId());
  app.use(secureHeaders);
  // Codes, keys and personal data are in almost every answer under /v1.
  app.use("/v1/*", async function noStore(c, next) {
    c.header("Cache-Control", "no-store");
    await next();
  });
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        problemResponse(
          c,
          new ProblemError("method-not-allowed", { headers: { Allow: methods.join(", ") } }),
        ),
    }),
  );

  allowPages(app);
  for (const routes of [
    brandRoutes,
    profileRoutes,
    keyRoutes,
    campaignRoutes,
    batchRoutes,
    importRoutes,
    exportRoutes,
    codeRoutes,
    singleCodeRoutes,
    claimRoutes,
    checkoutRoutes,
    holdRoutes,
    eventRoutes,
    webhookEndpointRoutes,
    deliveryRoutes,
    userRoutes,
    reportRoutes,
    liveRoutes,
    auditLogRoutes,
    platformRoutes,
    sessionRoutes,
    pageRoutes,
  ]) {
    app.route("/", routes);
  }

  app.notFound((c) => problemResponse(c, new ProblemError("not-found")));
  app.onError(onError);
  return app;
}
