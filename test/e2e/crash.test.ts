/** kill -9 under load: what was answered stays true. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Brand, ClaimBody } from "../support/api.ts";
import { Server } from "../support/server.ts";

const CODES = 3_000;
const KILLS = 2;
const IN_FLIGHT = 40;
/** Claims answered before each kill, so that it falls into the middle of the load. */
const CLAIMS_BEFORE_KILL = 400;

const stateDir = mkdtempSync(path.join(tmpdir(), "codedrop-crash-"));
let server: Server | null = null;

afterAll(() => {
  server?.kill();
  rmSync(stateDir, { recursive: true, force: true });
});

/** Claims for ever new users until the server dies; what was answered with 201, by user. */
async function claimUntilDead(
  alive: Server,
  source: { brand: Brand; campaign: string; nextUser: () => string },
): Promise<Map<string, string>> {
  const answered = new Map<string, string>();
  const { brand, campaign, nextUser } = source;
  let dead = false;
  async function loop() {
    while (!dead) {
      const user = nextUser();
      try {
        const { status, body } = await alive.api.claim(brand, campaign, user);
        if (status === 201) answered.set(user, body.code);
      } catch {
        // The answer was lost: whether the claim happened is unknown, and so not recorded.
        dead = true;
      }
      if (answered.size >= CLAIMS_BEFORE_KILL && !dead) {
        dead = true;
        alive.kill();
      }
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  return answered;
}

describe("a runtime killed under load and restarted on the same data", () => {
  it("still knows every 201 that was seen, and gave no code twice", async () => {
    server = await Server.start(stateDir);
    const brand = await server.api.newBrand();
    const campaign = await server.api.newCampaign(brand, CODES);
    const answered = new Map<string, string>();
    let made = 0;
    const nextUser = () => `u-${made++}`;

    for (let kill = 0; kill < KILLS; kill++) {
      for (const [user, code] of await claimUntilDead(server, { brand, campaign, nextUser })) {
        answered.set(user, code);
      }
      server = await Server.start(stateDir);
    }
    const { api } = server;
    expect(answered.size).toBeGreaterThanOrEqual(KILLS * CLAIMS_BEFORE_KILL);
    expect(new Set(answered.values()).size).toBe(answered.size);

    // Claims whose answer was lost may be there too: never fewer, and no code twice among all.
    const ledger = await api.listAll<ClaimBody>(brand.secret, `/v1/campaigns/${campaign}/claims`);
    expect(new Set(ledger.map(({ code }) => code)).size).toBe(ledger.length);
    expect(new Set(ledger.map(({ user_id }) => user_id)).size).toBe(ledger.length);
    const held = new Map(ledger.map(({ user_id, code }) => [user_id, code]));
    for (const [user, code] of answered) expect([user, held.get(user)]).toEqual([user, code]);
    for (const [user, code] of [...answered].slice(0, 50)) {
      const again = await api.claim(brand, campaign, user);
      expect([again.status, again.body.code]).toEqual([200, code]);
    }
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      codes: CODES,
      claimed: ledger.length,
      duplicate_codes: 0,
      duplicate_users: 0,
      stranded: 0,
      unprojected: 0,
    });
  });
});
