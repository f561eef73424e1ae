/** The main promise, over real HTTP: whoever asks gets one code, and no code goes to two. */

import { describe, expect, inject, it } from "vitest";
import { Api } from "../support/api.ts";

const api = new Api({
  fetch: (path, init) => fetch(inject("baseUrl") + path, init),
  operatorToken: inject("operatorToken"),
});

const sound = { ok: true, duplicate_codes: 0, duplicate_users: 0, stranded: 0, unprojected: 0 };

describe("700 users in parallel on 500 codes", () => {
  it("end as 500 holders of 500 codes and 200 refusals, however often they ask", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 500);
    const users = Array.from({ length: 700 }, (_, i) => `u-${i}`);
    const first = await Promise.all(users.map((user) => api.claim(brand, campaign, user)));
    const winners = first.filter(({ status }) => status === 201);
    const losers = first.filter(({ status }) => status === 409);
    expect([winners.length, losers.length]).toEqual([500, 200]);
    expect(new Set(winners.map(({ body }) => body.code)).size).toBe(500);
    for (const { body } of losers) {
      expect(body).toMatchObject({ type: expect.stringMatching(/\/problems\/codes-exhausted$/) });
    }

    const second = await Promise.all(users.map((user) => api.claim(brand, campaign, user)));
    second.forEach((answer, i) => {
      const before = first[i];
      expect(answer.status).toBe(before?.status === 201 ? 200 : 409);
      if (answer.status === 200) expect(answer.body).toEqual(before?.body);
    });
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ...sound,
      codes: 500,
      available: 0,
      leased: 0,
      claimed: 500,
    });
  });
});

describe("1,000 users on 1,000 codes over 8 shards, 100 at a time", () => {
  it("all get a code, and the next user is told that none is left", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1_000, { shards: 8 });
    const codes = new Set<string>();
    let next = 0;
    async function work() {
      for (let user = next++; user < 1_000; user = next++) {
        let answer = await api.claim(brand, campaign, `u-${user}`);
        for (let again = 0; again < 5 && answer.status === 503; again++) {
          answer = await api.claim(brand, campaign, `u-${user}`);
        }
        expect(answer.status).toBe(201);
        codes.add(answer.body.code);
      }
    }
    await Promise.all(Array.from({ length: 100 }, work));
    expect(codes.size).toBe(1_000);
    expect((await api.claim(brand, campaign, "one too many")).status).toBe(409);
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ...sound,
      available: 0,
      leased: 0,
      claimed: 1_000,
    });
  });
});

describe("50 parallel calls of one user", () => {
  it("give one code: one 201 and 49 × 200", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 100);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => api.claim(brand, campaign, "u-1")),
    );
    const count = (wanted: number) => answers.filter(({ status }) => status === wanted).length;
    expect([count(201), count(200)]).toEqual([1, 49]);
    expect(new Set(answers.map(({ body }) => body.code)).size).toBe(1);
    expect(await api.integrity(brand, campaign)).toMatchObject({ ...sound, claimed: 1 });
  });
});

describe("the Worker as it is bundled", () => {
  it("still says in words what is wrong with a request", async () => {
    const brand = await api.newBrand();
    const answer = await api.send(brand.secret, "POST /v1/campaigns", { name: 5, slug: "a b" });
    expect(answer.status).toBe(422);
    expect(answer.body["errors"]).toEqual([
      { in: "body", pointer: "/name", detail: "Invalid input: expected string, received number" },
      { in: "body", pointer: "/slug", detail: expect.stringContaining("lower-case letters") },
    ]);
  });
});

describe("a pause in the middle of a burst", () => {
  it("is in force for every claim that begins after its answer", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 1_000);
    const burst = Promise.all(
      Array.from({ length: 200 }, (_, i) => api.claim(brand, campaign, `before-${i}`)),
    );
    await api.send(brand.secret, `POST /v1/campaigns/${campaign}/pause`);
    const after = await Promise.all(
      Array.from({ length: 100 }, (_, i) => api.claim(brand, campaign, `after-${i}`)),
    );
    expect(after.filter(({ status }) => status !== 409)).toEqual([]);
    for (const { status, body } of await burst) {
      expect([201, 409]).toContain(status);
      if (status === 201) {
        const again = await api.claim(brand, campaign, body.user_id);
        expect([again.status, again.body.code]).toEqual([200, body.code]);
      }
    }
  });
});
