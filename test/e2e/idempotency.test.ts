/** kill -9 between what a request does and its answer: repeated, it is done once. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unique, type Answer, type Brand } from "../support/api.ts";
import { prepared } from "../support/prepared.ts";
import { Runtime } from "../support/runtime.ts";

interface Made {
  id: string;
  status: string;
  created: number;
}

const CODES = 10_000;
const CAMPAIGNS = 60;
const SHOTS_MAX = 15;
const PATIENCE_MS = 60_000;

const work = mkdtempSync(path.join(tmpdir(), "codedrop-idempotency-"));
const stateDir = path.join(work, "state");
let folder: string;
let runtime: Runtime;

beforeAll(async () => {
  folder = prepared(stateDir);
  runtime = await Runtime.start({ bundle: folder, stateDir });
});

afterAll(async () => {
  await runtime.kill();
  rmSync(work, { recursive: true, force: true });
});

async function restart(): Promise<void> {
  await runtime.kill();
  runtime = await Runtime.start({ bundle: folder, stateDir });
}

/** The answer, or null when the connection was lost. */
function sent(brand: Brand, route: string, body: object, key: string) {
  const headers = { "Idempotency-Key": key };
  return runtime.api.send<Made>(brand.secret, route, body, headers).catch(() => null);
}

/** Repeats a request until it is answered otherwise than that it is under way. */
async function answered(...call: Parameters<typeof sent>): Promise<Answer<Made>> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await sent(...call);
    if (answer !== null && answer.status !== 409 && answer.status !== 503) return answer;
    if (Date.now() > until) throw new Error(`No answer but ${answer?.text}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Waits until it holds. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("It never came true");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("a runtime killed before it answers", () => {
  it("has made a batch once, and answers it when it is asked again", async () => {
    const brand = await runtime.api.newBrand();
    // Until a kill falls between the batch's beginning and its answer, which the next shots aim at.
    let hits = 0;
    for (let shot = 0, delayMs = 60; hits < 2 && shot < SHOTS_MAX; shot++) {
      const campaign = await runtime.api.newCampaign(brand, 0);
      const route = `POST /v1/campaigns/${campaign}/batches`;
      const list = () =>
        runtime.api.listAll<Made>(brand.secret, `/v1/campaigns/${campaign}/batches`);
      const key = unique("key");
      const first = sent(brand, route, { count: CODES }, key);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await restart();
      const seen = await first;
      const [noted] = await list();

      const answer = await answered(brand, route, { count: CODES }, key);
      expect([201, 202]).toContain(answer.status);
      expect(answer.headers.has("Idempotent-Replayed")).toBe(noted !== undefined);
      if (noted !== undefined) expect(answer.body.id).toBe(noted.id);
      if (seen !== null) expect(answer.text).toBe(seen.text);
      await eventually(async () => (await list())[0]?.status === "complete");
      expect(await list()).toMatchObject([{ id: answer.body.id, created: CODES }]);
      const again = await answered(brand, route, { count: CODES }, key);
      expect([again.status, again.text]).toEqual([answer.status, answer.text]);
      const proof = await runtime.api.integrity(brand, campaign);
      expect(proof).toMatchObject({ ok: true, codes: CODES });
      if (seen === null && noted !== undefined) hits += 1;
      else delayMs = seen === null ? delayMs * 1.5 : delayMs / 2;
    }
    expect(hits).toBe(2);
  });

  it("has made each campaign once, with its entry in the log, or not at all", async () => {
    const brand = await runtime.api.newBrand();
    const route = "POST /v1/campaigns";
    const list = () => runtime.api.listAll<Made>(brand.secret, "/v1/campaigns");
    const before = (await list()).length;
    const keys = Array.from({ length: CAMPAIGNS }, () => unique("key"));
    const first = keys.map((key) => sent(brand, route, { name: "Spring" }, key));
    await eventually(async () => (await list().catch(() => [])).length >= before + CAMPAIGNS / 4);
    await runtime.kill();
    const seen = await Promise.all(first);
    await restart();
    const known = new Set((await list()).map(({ id }) => id));

    const answers = await Promise.all(
      keys.map((key) => answered(brand, route, { name: "Spring" }, key)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(CAMPAIGNS).fill(201));
    for (const [i, answer] of answers.entries()) {
      const isKnown = known.has(answer.body.id);
      expect(answer.headers.has("Idempotent-Replayed")).toBe(isKnown);
      if (seen[i]?.status === 201) expect(answer.text).toBe(seen[i].text);
    }
    const made = (await list()).map(({ id }) => id);
    expect(made).toHaveLength(before + CAMPAIGNS);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(CAMPAIGNS);
    // The kill fell into the midst of them.
    expect(seen.filter((answer) => answer?.status === 201).length).toBeLessThan(CAMPAIGNS);
    const verdict = await runtime.api.send(brand.secret, "GET /v1/audit-log/verify");
    expect(verdict.body).toMatchObject({ ok: true, entries: 1 + CAMPAIGNS });
  });
});
