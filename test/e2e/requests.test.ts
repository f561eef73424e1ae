/** kill -9 between what a request did and its answer: asking again by the key tells the same. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Answer, Brand, ClaimBody } from "../support/api.ts";
import { prepared } from "../support/prepared.ts";
import { Runtime } from "../support/runtime.ts";

const work = mkdtempSync(path.join(tmpdir(), "codedrop-idempotency-"));
const stateDir = path.join(work, "state");
const folder = prepared(stateDir);
const IN_FLIGHT = 60;
/** Kills until one has fallen between an effect and its answer. */
const KILLS_MAX = 10;

let runtime: Runtime | null = null;

afterAll(async () => {
  await runtime?.kill();
  rmSync(work, { recursive: true, force: true });
});

const marked = ({ headers }: Answer<object>) => headers.get("Idempotent-Replayed");

/** Sends all requests at once, kills when so many are answered, serves the same data again. */
async function killAmong<T>(
  alive: Runtime,
  killAt: number,
  send: (api: Runtime["api"], i: number) => Promise<T>,
): Promise<(T | null)[]> {
  let answered = 0;
  const answers = await Promise.all(
    Array.from({ length: IN_FLIGHT }, async (_, i) => {
      try {
        const answer = await send(alive.api, i);
        answered += 1;
        if (answered === killAt) await alive.kill();
        return answer;
      } catch {
        return null;
      }
    }),
  );
  await alive.kill();
  runtime = await Runtime.start({ bundle: folder, stateDir });
  return answers;
}

describe("a runtime killed between an effect and its answer", () => {
  it("gives by the key the claim, or the redemption, that nobody was told of", async () => {
    runtime = await Runtime.start({ bundle: folder, stateDir });
    const brand: Brand = await runtime.api.newBrand();
    const campaign = await runtime.api.newCampaign(brand, 3_000, {
      claims_per_user: 100,
      shards: 2,
    });
    const found = { claims: 0, redemptions: 0 };
    for (let kill = 0; kill < KILLS_MAX && found.claims + found.redemptions === 0; kill++) {
      // Answers come in flocks, as commits do: nobody knows where the next one's middle is.
      const killAt = 1 + ((kill * 7) % (IN_FLIGHT / 2));
      const claim = (api: Runtime["api"], i: number) =>
        api.claim(brand, campaign, `u-${i}`, { "Idempotency-Key": `c-${kill}-${i}` });
      const claims = await killAmong(runtime, killAt, claim);
      const codes: string[] = [];
      for (const [i, before] of claims.entries()) {
        const again: Answer<ClaimBody> = await claim(runtime.api, i);
        expect(again.status).toBe(201);
        if (before !== null) expect([again.text, marked(again)]).toEqual([before.text, "true"]);
        else if (marked(again) !== null) found.claims += 1;
        codes.push(again.body.code);
      }
      expect(new Set(codes).size).toBe(IN_FLIGHT);

      const redeem = (api: Runtime["api"], i: number) =>
        api.send(
          brand.secret,
          "POST /v1/redemptions",
          { code: codes[i], order_id: `o-${i}` },
          { "Idempotency-Key": `r-${kill}-${i}` },
        );
      const redemptions = await killAmong(runtime, killAt, redeem);
      for (const [i, before] of redemptions.entries()) {
        const again = await redeem(runtime.api, i);
        expect(again.status).toBe(201);
        if (before !== null) expect([again.text, marked(again)]).toEqual([before.text, "true"]);
        else if (marked(again) !== null) found.redemptions += 1;
      }
      const ledger = await runtime.api.integrity(brand, campaign);
      expect(ledger).toMatchObject({ ok: true, claimed: IN_FLIGHT * (kill + 1) });
    }
    expect(found.claims + found.redemptions).toBeGreaterThan(0);
  });
});
