/**
 * The OpenAPI document: made from the schemas that validate, when the pages are built. It is served
 * as a file, so the Worker has neither this nor what makes it.
 */

import type { OpenAPIHono } from "@hono/zod-openapi";
import * as z from "zod";
import { createApp } from "../http/app.ts";
import { EVENTS } from "../http/event-schemas.ts";
import type { HttpEnv } from "../http/http-env.ts";
import { completeDocument } from "./complete.ts";

const DESCRIPTION = `Brands keep pools of discount codes; a user asks for one and gets exactly one that nobody else ever gets.

Errors are RFC 9457 problems: switch on \`type\`. Lists take \`limit\` and \`cursor\`. Every answer carries \`X-Request-Id\`.
Fields and parameters that are not in this document are refused.`;

/** What a webhook endpoint is sent. */
function describeWebhooks({ openAPIRegistry: registry }: OpenAPIHono<HttpEnv>): void {
  const headers = z.object({
    "webhook-id": z.string().meta({ description: "The event's id: the same in every attempt." }),
    "webhook-timestamp": z.string().meta({ description: "Of the attempt, in Unix seconds." }),
    "webhook-signature": z.string().meta({
      description:
        "Standard Webhooks: `v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`; several, parted by blanks, while a secret rotates.",
    }),
  });
  for (const schema of EVENTS) {
    const [path = ""] = schema.shape.type.options;
    registry.registerWebhook({
      method: "post",
      path,
      summary: `Sent to each endpoint that asked for ${path}`,
      tags: ["Webhooks"],
      request: { headers, body: { content: { "application/json": { schema } }, required: true } },
      responses: {
        "2XX": { description: "Taken, if it comes within 15 s" },
        410: { description: "Disables the endpoint" },
        default: { description: "Sent again later, for more than three days" },
      },
    });
  }
}

/** The document as it is served; each call makes it anew. */
export function openApiDocument() {
  return completeDocument(generatedDocument());
}

/** What the schemas themselves say. */
export function generatedDocument() {
  const app = createApp();
  describeWebhooks(app);
  app.openAPIRegistry.registerComponent("securitySchemes", "operatorToken", {
    type: "http",
    scheme: "bearer",
    description: "The OPERATOR_TOKEN of this deployment.",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "secretKey", {
    type: "http",
    scheme: "bearer",
    description:
      "A brand's secret key, `cdk_live_…` or `cdk_test_…`. From servers only. Each call names the scope that a narrowed key needs.",
  });

  app.openAPIRegistry.registerComponent("securitySchemes", "publishableKey", {
    type: "http",
    scheme: "bearer",
    description:
      "A brand's publishable key, `cdp_live_…` or `cdp_test_…`. From pages of its allowed_origins only; the browser sends the Origin.",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "userToken", {
    type: "apiKey",
    in: "header",
    name: "Codedrop-User-Token",
    description:
      "A JWT that says who the user is, signed as the brand's identity says: `iss`, `aud`, `sub`, `iat`, `exp`, and `email` and `name` if you like.",
  });

  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Codedrop",
      version: "1.0.0",
      description: DESCRIPTION,
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    // Relative to where the document is read, whatever the host.
    servers: [{ url: "/" }],
    tags: [
      "Operator",
      "Brand",
      "Keys",
      "Campaigns",
      "Codes",
      "Claims",
      "Checkout",
      "Users",
      "Events",
      "Webhooks",
      "Reports",
      "Platform",
    ].map((name) => ({ name })),
  });
}
