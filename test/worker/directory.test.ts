import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Copies, MAX_AGE_MS, STALE_MAX_MS, type Near } from "../../src/directory/copies.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

const every = (when: Fault["when"]): Fault => ({ when, sql: /./, times: 1_000_000 });

/** A KV of which every call is counted, and goes as `call` says. */
function kvThat(call: () => Promise<never>): { kv: KVNamespace; calls: () => number } {
  let calls = 0;
  const answer = () => {
    calls += 1;
    return call();
  };
  const kv = { get: answer, put: answer, delete: answer } as unknown as KVNamespace;
  return { kv, calls: () => calls };
}

/** What D1 says of one row, which a test may change, and how often it was asked. */
function row(initial: string | null) {
  const state = { value: initial, asked: 0, down: false };
  async function load(): Promise<string | null> {
    state.asked += 1;
    if (state.down) throw new Error("D1_ERROR: Network connection lost");
    return state.value;
  }
  return { state, load };
}

let kinds = 0;
const newKind = () => `test-${++kinds}`;

/** Copies as another isolate would hold them: nothing here yet, the same KV. */
function isolate(kind: string, load: () => Promise<string | null>, columns = "a,b") {
  const copies = new Copies<string>({ kind, columns, load });
  const background: Promise<unknown>[] = [];
  const near: Near = { kv: env.DIRECTORY, db: env.DB, waitUntil: (work) => background.push(work) };
  return {
    find: () => copies.find(near, "x"),
    forget: () => copies.forget(near, "x"),
    settled: () => Promise.all(background),
  };
}

function later(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a claim", () => {
  it("asks neither D1 nor KV when its key and campaign were looked up before", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 10);
    const faults = [every("count")];
    const { kv, calls } = kvThat(() => Promise.reject(new Error("not to be asked")));
    await api.claim(brand, campaign, "u-1");
    const watched = apiWith({ DB: faultyD1(env.DB, faults), DIRECTORY: kv });
    const claim = await watched.claim(brand, campaign, "u-2");
    expect(claim.status).toBe(201);
    expect([faults[0]?.times, calls()]).toEqual([every("count").times, 0]);
  });

  it("goes on without D1 until the leased codes end, and never says that none is left", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 600);
    expect((await api.claim(brand, campaign, "first")).status).toBe(201);
    const pool = env.CODE_POOL.getByName(`${campaign}/0`);
    const leased = await runInDurableObject(pool, (object) => {
      Object.assign(object, { env: { ...env, DB: faultyD1(env.DB, [every("before")]) } });
      return (object as unknown as { report: () => { leases: { size: number }[] } })
        .report()
        .leases.reduce((sum, { size }) => sum + size, 0);
    });
    const cut = apiWith({ DB: faultyD1(env.DB, [every("before")]) });
    // Long enough for every copy to be out of date.
    vi.useFakeTimers({ toFake: ["Date"] });
    later(MAX_AGE_MS + 1);
    const statuses: number[] = [];
    for (let user = 1; user < leased + 20; user++) {
      statuses.push((await cut.claim(brand, campaign, `u-${user}`)).status);
    }
    expect(statuses.slice(0, leased - 1).every((status) => status === 201)).toBe(true);
    expect(statuses.slice(leased - 1).every((status) => status === 503)).toBe(true);
    expect((await cut.claim(brand, campaign, "u-1")).status).toBe(200);
    vi.useRealTimers();

    await runInDurableObject(pool, (object) => {
      Object.assign(object, { env });
    });
    expect((await api.claim(brand, campaign, "after")).status).toBe(201);
    // D1 is told by the pool's own alarm, before anybody asks how things stand.
    await runDurableObjectAlarm(pool);
    const shown = await env.DB.prepare(
      "SELECT count(*) AS claims FROM codes JOIN batches ON batches.id = batch_id WHERE campaign_id = ? AND claim_id IS NOT NULL",
    )
      .bind(campaign)
      .first<{ claims: number }>();
    expect(shown?.claims).toBe(leased + 1);
    expect(await api.integrity(brand, campaign)).toMatchObject({
      ok: true,
      claimed: leased + 1,
      unprojected: 0,
    });
  });

  it.each([
    { fault: "fails", call: () => Promise.reject(new Error("KV GET failed: 500")) },
    { fault: "does not answer", call: () => new Promise<never>(() => undefined) },
  ])("is as good while KV $fault", async ({ call }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    // Past the rest that a failure before this one earned.
    later(600_000 * ++kinds);
    const { kv, calls } = kvThat(call);
    const lame = apiWith({ DIRECTORY: kv });
    const brand = await lame.newBrand();
    const campaign = await lame.newCampaign(brand, 5);
    expect((await lame.claim(brand, campaign, "u-1")).status).toBe(201);
    const paused = await lame.send(brand.secret, `POST /v1/campaigns/${campaign}/pause`);
    expect(paused.status).toBe(200);
    expect((await lame.claim(brand, campaign, "u-2")).status).toBe(409);
    expect((await lame.claim(brand, campaign, "u-1")).status).toBe(200);
    expect(calls()).toBeGreaterThan(0);
  });

  it("is refused at once when the operator suspended the brand", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await api.claim(brand, campaign, "u-1");
    await api.operator(`PATCH /v1/brands/${brand.id}`, { status: "suspended" });
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(403);
    await api.operator(`PATCH /v1/brands/${brand.id}`, { status: "active" });
    expect((await api.claim(brand, campaign, "u-1")).status).toBe(200);
  });

  it("shows the campaign as it is, where the copy in use is older", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await api.claim(brand, campaign, "u-1");
    // As another isolate would change it: the copy of this one stays.
    await env.DB.prepare(
      "UPDATE campaigns SET version = version + 1, shop_url = 'https://new.example/' WHERE id = ?",
    )
      .bind(campaign)
      .run();
    const stale = await api.claim(brand, campaign, "u-1");
    expect(stale.body).toMatchObject({ shop_url: null });
    await runInDurableObject(env.CODE_POOL.getByName(`${campaign}/0`), (_, { storage }) => {
      storage.sql.exec("UPDATE pool SET campaign = json_set(campaign, '$.version', 2)");
    });
    const fresh = await api.claim(brand, campaign, "u-1");
    expect(fresh.body).toMatchObject({ shop_url: "https://new.example/" });
  });

  it("of a campaign that was just made or renamed is found, though it was missed before", async () => {
    const brand = await api.newBrand();
    expect((await api.claim(brand, "later", "u-1")).status).toBe(404);
    const id = await api.newCampaign(brand, 5, { slug: "later" });
    expect((await api.claim(brand, "later", "u-1")).status).toBe(201);
    await api.send(brand.secret, `PATCH /v1/campaigns/${id}`, { slug: "moved" });
    expect((await api.claim(brand, "later", "u-1")).status).toBe(404);
    expect((await api.claim(brand, "moved", "u-1")).status).toBe(200);
  });

  it("by a slug that has become another campaign's shows the campaign that it was decided by", async () => {
    const brand = await api.newBrand();
    const before = await api.newCampaign(brand, 5, { slug: "sale" });
    await api.claim(brand, "sale", "u-1");
    // As another isolate would do it: the copies of this one stay.
    await env.DB.prepare("UPDATE campaigns SET slug = 'old-sale', version = 9 WHERE id = ?")
      .bind(before)
      .run();
    const after = await api.newCampaign(brand, 5, { slug: "sale" });
    await runInDurableObject(env.CODE_POOL.getByName(`${before}/0`), (_, { storage }) => {
      storage.sql.exec("UPDATE pool SET campaign = json_set(campaign, '$.version', 9)");
    });
    const { status, body } = await api.claim(brand, "sale", "u-2");
    expect(status).toBe(201);
    expect(body).toMatchObject({ campaign_id: before });
    // The copy is corrected by that: the next one is the new campaign's.
    const next = await api.claim(brand, "sale", "u-3");
    expect(next.body).toMatchObject({ campaign_id: after });
  });

  it("meets no other brand's campaign of the same slug or id, however warm", async () => {
    const [ours, theirs] = [await api.newBrand(), await api.newBrand()];
    const id = await api.newCampaign(ours, 5, { slug: "shared" });
    await api.claim(ours, "shared", "u-1");
    await api.claim(ours, id, "u-1");
    expect((await api.claim(theirs, "shared", "u-1")).status).toBe(404);
    expect((await api.claim(theirs, id, "u-1")).status).toBe(404);
  });

  it("of what can be no campaign's name asks neither KV nor D1 for it", async () => {
    const brand = await api.newBrand();
    await api.claim(brand, "default", "u-1");
    const faults = [every("count")];
    const { kv, calls } = kvThat(() => Promise.reject(new Error("KV GET failed: 414")));
    const watched = apiWith({ DB: faultyD1(env.DB, faults), DIRECTORY: kv });
    for (const name of [
      "x".repeat(600),
      "Default",
      "%F0%9F%8E%81",
      "a%2Fb",
      `cmp_${"0".repeat(21)}`,
    ]) {
      expect((await watched.claim(brand, name, "u-1")).status).toBe(404);
    }
    expect([faults[0]?.times, calls()]).toEqual([every("count").times, 0]);
  });

  it("leaves no key and no user in KV", async () => {
    const brand = await api.newBrand();
    const campaign = await api.newCampaign(brand, 5);
    await api.claim(brand, campaign, "somebody@shop.example");
    const { keys } = await env.DIRECTORY.list();
    expect(keys.length).toBeGreaterThan(1);
    const all = await Promise.all(keys.map(({ name }) => env.DIRECTORY.get(name)));
    const stored = keys.map(({ name }) => name).join() + all.join();
    for (const secret of [brand.secret, brand.publishable, "somebody@shop.example"]) {
      expect(stored).not.toContain(secret);
    }
  });
});

describe("a copy", () => {
  it("serves another isolate through KV, without D1", async () => {
    const kind = newKind();
    const { state, load } = row("value");
    const [first, second] = [isolate(kind, load), isolate(kind, load)];
    expect(await first.find()).toBe("value");
    await first.settled();
    expect(await second.find()).toBe("value");
    expect(state.asked).toBe(1);
  });

  it("is used for MAX_AGE_MS after D1 was asked, and no longer, wherever it lies", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const kind = newKind();
    const { state, load } = row("old");
    const [first, second, third] = [0, 1, 2].map(() => isolate(kind, load));
    await first?.find();
    await first?.settled();
    state.value = "new";
    later(MAX_AGE_MS - 1);
    expect(await second?.find()).toBe("old");
    later(2);
    expect(await second?.find()).toBe("new");
    await second?.settled();
    expect(await third?.find()).toBe("new");
  });

  it("is renewed behind the answer when it is half as old", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { state, load } = row("old");
    const one = isolate(newKind(), load);
    await one.find();
    await one.settled();
    state.value = "new";
    later(MAX_AGE_MS / 2 + 1);
    expect(await one.find()).toBe("old");
    await one.settled();
    expect(await one.find()).toBe("new");
    expect(state.asked).toBe(2);
  });

  it("stays in use while D1 fails, for STALE_MAX_MS and no longer", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { state, load } = row("value");
    const one = isolate(newKind(), load);
    await one.find();
    state.down = true;
    later(STALE_MAX_MS - 10_000);
    expect(await one.find()).toBe("value");
    // Nobody waits for D1 any more: it is asked behind the answers, and not for each of them.
    const { asked } = state;
    for (const gap of [0, 2_001]) {
      later(gap);
      for (let again = 0; again < 5; again++) {
        expect(await one.find()).toBe("value");
        await one.settled();
      }
    }
    expect(state.asked).toBe(asked + 1);
    later(8_000);
    await expect(one.find()).rejects.toThrow("D1_ERROR");
    state.down = false;
    expect(await one.find()).toBe("value");
  });

  it("is not used longer because D1 failed on another row", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const kind = newKind();
    const rows: Record<string, { value: string; down: boolean }> = {
      ours: { value: "active", down: false },
      theirs: { value: "active", down: false },
    };
    const load = async (_: Near, id: string) => {
      if (rows[id]?.down) throw new Error("D1_ERROR: Network connection lost");
      return rows[id]?.value ?? null;
    };
    const copies = new Copies<string>({ kind, columns: "a", load });
    const near: Near = { kv: env.DIRECTORY, db: env.DB, waitUntil: () => undefined };
    for (const id of ["ours", "theirs"]) await copies.find(near, id);
    rows["ours"] = { value: "suspended", down: false };
    rows["theirs"] = { value: "active", down: true };
    later(MAX_AGE_MS + 1);
    expect(await copies.find(near, "theirs")).toBe("active");
    expect(await copies.find(near, "ours")).toBe("suspended");
  });

  it("is gone here and in KV once it was told to forget", async () => {
    const kind = newKind();
    const { state, load } = row("old");
    const [first, second] = [isolate(kind, load), isolate(kind, load)];
    await first.find();
    await first.settled();
    state.value = "new";
    await first.forget();
    expect([await first.find(), await second.find()]).toEqual(["new", "new"]);
  });

  it("is not made of what D1 does not have", async () => {
    const { state, load } = row(null);
    const one = isolate(newKind(), load);
    expect(await one.find()).toBeNull();
    state.value = "value";
    expect(await one.find()).toBe("value");
    state.value = null;
    vi.useFakeTimers({ toFake: ["Date"] });
    later(MAX_AGE_MS + 1);
    expect(await one.find()).toBeNull();
  });

  it("of another release, whose rows look different, is not used", async () => {
    const kind = newKind();
    const { state, load } = row("value");
    const old = isolate(kind, load, "a");
    await old.find();
    await old.settled();
    await isolate(kind, load, "a,b").find();
    expect(state.asked).toBe(2);
  });
});
