/** Whole drops over TCP, served by workerd itself: every code reaches a user, none two. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../support/random.ts";
import { prepared } from "../support/prepared.ts";
import { Runtime } from "../support/runtime.ts";

const IN_FLIGHT = 200;

const work = mkdtempSync(path.join(tmpdir(), "codedrop-drops-"));
let runtime: Runtime | null = null;

beforeAll(async () => {
  const stateDir = path.join(work, "state");
  runtime = await Runtime.start({ bundle: prepared(stateDir), stateDir, log: "record" });
});

afterAll(async () => {
  await runtime?.kill();
  rmSync(work, { recursive: true, force: true });
});

/** The users in a random order, the same in every run. */
function shuffled(count: number): string[] {
  const random = new Random(count);
  const users = Array.from({ length: count }, (_, i) => `u-${i}`);
  for (let i = users.length - 1; i > 0; i--) {
    const j = random.int(0, i);
    [users[i], users[j]] = [users[j] as string, users[i] as string];
  }
  return users;
}

describe.each([
  { shards: 8, codes: 10_000 },
  { shards: 64, codes: 200 },
])("$codes codes over $shards shards, and as many users, 200 at a time", ({ shards, codes }) => {
  it("end with a code for each user and none left", { timeout: 400_000 }, async () => {
    if (runtime === null) throw new Error("Not started");
    const { api } = runtime;
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, codes, { shards });
    const users = shuffled(codes);
    const given: string[] = [];
    const others: number[] = [];
    let next = 0;
    async function client() {
      for (let user = users[next++]; user !== undefined; user = users[next++]) {
        const { status, body } = await api.claim(brand, campaign, user);
        if (status === 201) given.push(body.code);
        else others.push(status);
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, client));
    expect(others).toEqual([]);
    expect(new Set(given).size).toBe(codes);
    expect((await api.claim(brand, campaign, "one more")).status).toBe(409);
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      codes,
      claimed: codes,
      available: 0,
      leased: 0,
      duplicate_codes: 0,
      duplicate_users: 0,
      stranded: 0,
      unprojected: 0,
    });
    // Topped up, it hands out again at once.
    await api.addCodes(brand, campaign, 1);
    expect((await api.claim(brand, campaign, "one more")).status).toBe(201);
  });
});
