/** A secret that is rotated: both sign for a while, then the new one alone. */

import { setTimeout as pause } from "node:timers/promises";
import { require, until, type Figures, type Ground } from "./ground.ts";
import type { Call } from "./receiver.ts";
import { Shop, type Told } from "./shop.ts";

const SETTLED_MS = 30_000;

export async function rotation(
  ground: Ground,
  { overlapSeconds }: { overlapSeconds: number },
): Promise<Figures> {
  const runtime = await ground.serve("rotation", { speedup: 1 });
  const shop = await Shop.open(runtime.api);
  const inbox = await ground.inbox("rotation");
  const { id, secret } = await shop.addEndpoint(inbox, ["claim.created"]);
  const campaign = await shop.api.newCampaign(shop.brand, 10);

  /** How the webhook of a new claim is signed. */
  async function signed(): Promise<Call> {
    const claim = await shop.claim(campaign);
    require(claim !== null, "each claim gets a 201");
    let call: Call | undefined;
    await until("the claim arrives", SETTLED_MS, async () => {
      const found = (await inbox.heard()).find(
        ({ body }) => (JSON.parse(body) as Told).data.claim_id === claim?.id,
      );
      call = found?.calls[0];
      return call !== undefined;
    });
    return call as Call;
  }
  const before = await signed();
  const rotated = await shop.send<{ secret: string; previous_secret_expires_at: string }>(
    `POST /v1/webhook-endpoints/${id}/rotate-secret`,
    { overlap_seconds: overlapSeconds },
  );
  await inbox.set({ secrets: [secret, rotated.secret] });
  const expiresAt = Date.parse(rotated.previous_secret_expires_at);
  const during = await signed();
  require(during.at < expiresAt, "the machine delivers within the overlap");
  await pause(expiresAt - Date.now());
  const after = await signed();
  await runtime.kill();

  const how = ({ signatures, verifiedBy }: Call) =>
    `${signatures} signature(s), by secret ${verifiedBy.map((place) => place + 1).join(" and ")}`;
  const figures = { before: how(before), "in the overlap": how(during), after: how(after) };
  require(figures.before === "1 signature(s), by secret 1", `before: ${figures.before}`);
  require(how(during) === "2 signature(s), by secret 1 and 2", `in the overlap: ${how(during)}`);
  require(figures.after === "1 signature(s), by secret 2", `after: ${figures.after}`);
  return figures;
}
