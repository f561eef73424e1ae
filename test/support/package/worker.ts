/** A brand's Worker that uses the package: claims for its users, and is told of it. */

import { Codedrop, CodedropWebhookError, verifyWebhook, type WebhookEvent } from "codedrop/client";

interface Bindings {
  CODEDROP_URL: string;
  CODEDROP_KEY: string;
}

let secret = "";
const told: WebhookEvent[] = [];

async function receive(request: Request): Promise<Response> {
  try {
    const body = await request.text();
    told.push(await verifyWebhook({ body, headers: request.headers, secret }));
    return new Response(null, { status: 204 });
  } catch (error) {
    if (!(error instanceof CodedropWebhookError)) throw error;
    return new Response(error.reason, { status: 400 });
  }
}

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    const { origin, pathname } = new URL(request.url);
    const [, verb = "", campaign = "", user = ""] = pathname.split("/");
    const codedrop = new Codedrop({ baseUrl: env.CODEDROP_URL, key: env.CODEDROP_KEY });
    switch (verb) {
      case "listen": {
        const endpoint = { url: `${origin}/hook`, events: ["claim.created" as const] };
        ({ secret } = await codedrop.webhookEndpoints.create(endpoint));
        return Response.json(null);
      }
      case "claim":
        return Response.json(await codedrop.claims.create(campaign, { user: { id: user } }));
      case "hook":
        return receive(request);
      default:
        return Response.json(told);
    }
  },
};
