/** Erasing a user, held against every byte of the files that the runtime leaves behind. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, inject, it } from "vitest";
import type { Api, Brand, ClaimBody } from "../support/api.ts";
import { logs } from "../support/logs.ts";
import { prepared } from "../support/prepared.ts";
import { Runtime } from "../support/runtime.ts";

const work = mkdtempSync(path.join(tmpdir(), "codedrop-erasure-"));
let runtime: Runtime | null = null;
let states = 0;

afterAll(async () => {
  await runtime?.kill();
  rmSync(work, { recursive: true, force: true });
});

async function start(stateDir: string): Promise<Api> {
  runtime = await Runtime.start({ bundle: inject("bundle"), stateDir, log: "record" });
  return runtime.api;
}

async function startNew(): Promise<{ api: Api; stateDir: string }> {
  const stateDir = path.join(work, `state-${++states}`);
  prepared(stateDir);
  return { api: await start(stateDir), stateDir };
}

/** By `SIGTERM` everything gets to finish; by `SIGKILL` nothing does. */
async function stop(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const pid = runtime?.pid ?? 0;
  if (signal === "SIGTERM") {
    process.kill(-pid, signal);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  await runtime?.kill();
}

const userId = "gone/J\u00fcrgen-42";
const gone = {
  id: userId,
  email: "j.gone@personal.example",
  name: "J\u00fcrgen G\u00f6ne",
  attributes: { shoe: "size-gone-43", long: "gone-and-".repeat(50) },
};
const PERSONAL = [gone.id, gone.email, gone.name, gone.attributes.shoe, "gone-and-"];
for (const word of PERSONAL) logs.forbid(word);
const stays = { id: "stays-1", email: "stays@personal.example", name: "Stays" };

/** The files of D1 and of the pools that have a personal word in any of their bytes. */
function filesWith(stateDir: string, words: string[]): string[] {
  const files = readdirSync(stateDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));
  return files.filter((file) => {
    const bytes = readFileSync(file);
    return words.some((word) => bytes.includes(word, 0, "utf8"));
  });
}

function eachDatabase(stateDir: string, sql: string): void {
  for (const name of readdirSync(stateDir, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".sqlite")) continue;
    const db = new DatabaseSync(path.join(stateDir, name));
    db.exec(`PRAGMA synchronous = OFF; ${sql}`);
    db.close();
  }
}

/** More than one call erases from. */
const CAMPAIGNS = 260;
const AT_ONCE = 20;

const consent = { required: true, text: "Acme may write to me.", version: "2026-11" };

async function claim(api: Api, brand: Brand, campaign: string, user: object) {
  const answer = await api.send<ClaimBody>(brand.secret, `POST /v1/campaigns/${campaign}/claims`, {
    user,
    consent: { share_contact: true, version: consent.version },
  });
  if (answer.status > 201) throw new Error(answer.text);
  return answer;
}

const GONE_PATH = `/v1/users/${encodeURIComponent(userId)}`;

describe("a user who was erased", () => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    it(`is in no byte of any file after ${signal}, and still cannot get a second code`, async () => {
      const { api, stateDir } = await startNew();
      const brand = await api.newBrand();
      const campaigns = [
        await api.newCampaign(brand, 20, { consent }),
        await api.newCampaign(brand, 20, { consent, shards: 3, claims_per_user: 2 }),
      ];
      const codes: string[] = [];
      for (const campaign of campaigns) {
        codes.push((await claim(api, brand, campaign, gone)).body.code);
        await claim(api, brand, campaign, stays);
        await api.integrity(brand, campaign);
      }
      for (const word of PERSONAL) expect(filesWith(stateDir, [word])).not.toEqual([]);

      const erased = await api.send(brand.secret, `DELETE ${GONE_PATH}`);
      expect([erased.status, erased.body["status"]]).toEqual([202, "complete"]);
      await stop(signal);
      // What lies in the log of changes goes with the next checkpoint, which the runtime makes when
      // there is enough of it. In the databases themselves nothing is left: it was overwritten.
      eachDatabase(stateDir, "PRAGMA wal_checkpoint(TRUNCATE)");
      expect(filesWith(stateDir, PERSONAL)).toEqual([]);
      expect(filesWith(stateDir, [stays.email])).not.toEqual([]);

      const after = await start(stateDir);
      expect((await after.send(brand.secret, `GET ${GONE_PATH}`)).status).toBe(404);
      const again = await claim(after, brand, campaigns[0] ?? "", gone);
      expect([again.status, again.body.code, again.body.user_id]).toEqual([200, codes[0], null]);
      for (const campaign of campaigns) {
        expect(await after.integrity(brand, campaign)).toMatchObject({ ok: true, claimed: 2 });
      }
      await stop("SIGKILL");
    });
  }

  it("is erased to the end though the runtime is killed on the way, out of many claims", async () => {
    const { api, stateDir } = await startNew();
    const brand = await api.newBrand();
    const campaigns: string[] = [];
    while (campaigns.length < CAMPAIGNS) {
      const made = Array.from({ length: AT_ONCE }, async () => {
        const campaign = await api.newCampaign(brand, 1, { consent });
        await claim(api, brand, campaign, gone);
        return campaign;
      });
      campaigns.push(...(await Promise.all(made)));
    }
    const crowd = await api.newCampaign(brand, 600, { consent });
    for (let i = 0; i < 20; i++) {
      const users = Array.from({ length: 30 }, (_, k) => ({ id: `u-${i}-${k}` }));
      if (i === 10) users[0] = gone;
      await Promise.all(users.map((user) => claim(api, brand, crowd, user)));
    }
    await api.integrity(brand, crowd);

    const begun = await api.send(brand.secret, `DELETE ${GONE_PATH}`);
    await stop("SIGKILL");
    expect(begun.body["status"]).toBe("running");
    const d1 = path.join(stateDir, "v3/d1/miniflare-D1DatabaseObject");
    const file = readdirSync(d1).find((name) => /^[0-9a-f]+\.sqlite$/.test(name)) ?? "";
    const db = new DatabaseSync(path.join(d1, file));
    const running = db.prepare("SELECT user_id FROM erasures WHERE finished_at IS NULL").all();
    db.close();
    expect(running).toEqual([{ user_id: userId }]);

    const after = await start(stateDir);
    const erasure = `GET /v1/erasures/${String(begun.body["id"])}`;
    const read = async () => (await after.send(brand.secret, erasure)).body;
    while ((await read())["status"] !== "complete") {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect((await read())["claims"]).toBe(CAMPAIGNS + 1);
    expect((await after.send(brand.secret, `GET ${GONE_PATH}`)).status).toBe(404);
    const codes = await after.send(brand.secret, `GET /v1/campaigns/${crowd}/codes/export`);
    expect(codes.text).not.toContain(userId);
    expect(await after.integrity(brand, crowd)).toMatchObject({ ok: true, claimed: 600 });
    await stop("SIGKILL");
    // Where SQLite has moved rows from page to page, copies may lie in what is free of a page until
    // it is used again. Nobody can read them but who has the files; a Worker cannot do this:
    eachDatabase(
      stateDir,
      "PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)",
    );
    expect(filesWith(stateDir, PERSONAL)).toEqual([]);
    for (const campaign of campaigns) expect(filesWith(stateDir, [campaign])).not.toEqual([]);
  });
});
