/** Times that come while nobody serves. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, inject, it } from "vitest";
import type { Api, Brand } from "../support/api.ts";
import { prepared } from "../support/prepared.ts";
import { Runtime } from "../support/runtime.ts";

const stateDir = mkdtempSync(path.join(tmpdir(), "codedrop-herald-"));
let runtime: Runtime | null = null;

afterAll(async () => {
  await runtime?.kill();
  rmSync(stateDir, { recursive: true, force: true });
});

async function start(): Promise<Api> {
  runtime = await Runtime.start({ bundle: inject("bundle"), stateDir, log: "record" });
  return runtime.api;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const toldOf = (api: Api, { secret }: Brand) =>
  api.listAll<{ campaign_id: string; type: string; data: object }>(secret, "/v1/events");

describe("a campaign whose start comes while the runtime is dead", () => {
  it("is told as started once, by the runtime that comes after", async () => {
    prepared(stateDir);
    const api = await start();
    const brand = await api.newBrand();
    const startsAt = Date.now() + 4_000;
    const times = { starts_at: new Date(startsAt).toISOString() };
    const campaign = await api.newCampaign(brand, 0, times);
    await runtime?.kill();
    expect(Date.now()).toBeLessThan(startsAt);
    await wait(startsAt + 200 - Date.now());

    const after = await start();
    // Reading the log wakes nobody: only its alarm does.
    while ((await toldOf(after, brand)).length === 0) await wait(50);
    // A second start, and all the looks that were set before.
    await runtime?.kill();
    const last = await start();
    await wait(3_000);
    expect(await toldOf(last, brand)).toMatchObject([
      { campaign_id: campaign, type: "campaign.started", data: times },
    ]);
  });
});
