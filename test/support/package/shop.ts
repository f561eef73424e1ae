/**
 * A brand's server that uses the package: gives a code, spends it, and is told of both. A program
 * of its own, run where nothing but the package is installed.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import {
  Codedrop,
  CodedropError,
  CodedropWebhookError,
  verifyWebhook,
  type WebhookEvent,
} from "codedrop/client";

const { CODEDROP_URL: baseUrl = "", CODEDROP_KEY: key = "" } = process.env;
const codedrop = new Codedrop({ baseUrl, key });

let secret = "";
const told: WebhookEvent[] = [];
const forged: string[] = [];
const hook = createServer((request, response) => {
  const receive = async () => {
    const body = await text(request);
    const { headers } = request;
    told.push(await verifyWebhook({ body, headers, secret }));
    await verifyWebhook({ body: `${body} `, headers, secret }).catch((error: unknown) => {
      if (error instanceof CodedropWebhookError) forged.push(error.reason);
    });
    response.writeHead(204).end();
  };
  receive().catch((error: unknown) => response.writeHead(400).end(String(error)));
});
await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
const { port } = hook.address() as AddressInfo;
const endpoint = await codedrop.webhookEndpoints.create({
  url: `http://127.0.0.1:${port}/`,
  events: ["claim.created", "code.redeemed"],
});
({ secret } = endpoint);

const discount = { type: "percentage", value: 15 } as const;
const campaign = await codedrop.campaigns.create({ name: "Spring", discount });
await codedrop.batches.create(campaign.id, { count: 5 });
const claim = await codedrop.claims.create(campaign.id, { user: { id: "u-1" } });
const again = await codedrop.claims.create(campaign.id, { user: { id: "u-1" } });
const code = claim.code ?? "";
const { discount_amount: off } = await codedrop.redemptions.create({
  code,
  order_id: "o-1",
  order: { amount: 10_000, currency: "EUR" },
});
const refusal = await codedrop.redemptions.create({ code, order_id: "o-2" }).then(
  () => null,
  (error: unknown) => (error instanceof CodedropError ? error.slug : String(error)),
);
for await (const delivered of deliveries()) if (delivered.length === 2) break;
// What D1 has is a moment behind the answers, and not behind the events.
const spent: string[] = [];
for await (const row of codedrop.codes.list(campaign.id, { status: "redeemed" })) {
  spent.push(row.code);
}
await codedrop.webhookEndpoints.delete(endpoint.id);
hook.close();
hook.closeAllConnections();

/** What the service has delivered, again and again. */
async function* deliveries() {
  for (;;) {
    yield (await codedrop.deliveries.list({ status: "delivered" }).page()).data;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const codes = told.map((event) => {
  if (event.type === "claim.created") return [event.type, event.data.code, event.data.user_id];
  if (event.type === "code.redeemed") return [event.type, event.data.code, event.data.order_id];
  return [event.type];
});
const isSame = again.code === code;
console.log(JSON.stringify({ code, isSame, off, refusal, spent, codes, forged }));
