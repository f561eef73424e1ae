/** Uploads that break off, over TCP to the runtime itself. */

import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Brand } from "../support/api.ts";
import { prepared } from "../support/prepared.ts";
import { Runtime } from "../support/runtime.ts";

interface Import {
  id: string;
  status: string;
  rows: number;
  accepted: number;
  duplicates: number;
}

const work = mkdtempSync(path.join(tmpdir(), "codedrop-imports-"));
const stateDir = path.join(work, "state");
let folder: string;
let runtime: Runtime;
let brand: Brand;

const ROWS = 30_000;
/** Of the first 12,000 rows, the one step that their first 64 KiB make. */
const KEPT = 5_000;
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `UP-${from + i}\n`).join("");

beforeAll(async () => {
  folder = prepared(stateDir);
  runtime = await Runtime.start({ bundle: folder, stateDir, log: "record" });
});

beforeEach(async () => {
  brand = await runtime.api.newBrand();
});

afterAll(async () => {
  await runtime.kill();
  rmSync(work, { recursive: true, force: true });
});

/** Sends the head of an upload that is announced to be whole, and its first rows. */
async function begin(campaign: string, sent: number): Promise<Socket> {
  const { hostname, port } = new URL(runtime.address);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.on("error", () => undefined);
  socket.write(
    `POST /v1/campaigns/${campaign}/imports HTTP/1.1\r\nHost: localhost\r\n` +
      `Authorization: Bearer ${brand.secret}\r\nContent-Type: text/csv\r\n` +
      `Content-Length: ${rows(0, ROWS).length}\r\n\r\n`,
  );
  socket.write(rows(0, sent));
  return socket;
}

async function imports(campaign: string): Promise<Import[]> {
  return runtime.api.listAll<Import>(brand.secret, `/v1/campaigns/${campaign}/imports`);
}

/** Sends the whole file; what became of it. */
async function sendAll(campaign: string): Promise<Import> {
  const route = `POST /v1/campaigns/${campaign}/imports`;
  const type = { "Content-Type": "text/csv" };
  const answer = await runtime.api.send<Import>(brand.secret, route, rows(0, ROWS), type);
  expect(answer.status).toBe(201);
  return answer.body;
}

describe("an upload that breaks off", () => {
  it("because its client hangs up is failed, keeps what it took, and is sent again", async () => {
    const campaign = await runtime.api.newCampaign(brand, 0);
    const socket = await begin(campaign, 12_000);
    await expect.poll(async () => (await imports(campaign))[0]?.rows).toBe(KEPT);
    socket.destroy();
    await expect.poll(async () => (await imports(campaign))[0]?.status).toBe("failed");
    expect(await imports(campaign)).toEqual([
      expect.objectContaining({ rows: KEPT, accepted: KEPT }),
    ]);
    expect(await sendAll(campaign)).toMatchObject({
      rows: ROWS,
      accepted: ROWS - KEPT,
      duplicates: KEPT,
    });
    expect(await runtime.api.integrity(brand, campaign)).toMatchObject({ ok: true, codes: ROWS });
  });

  it("because the runtime is killed is sent again, and the file again changes nothing", async () => {
    const campaign = await runtime.api.newCampaign(brand, 0, { shards: 2 });
    await begin(campaign, 12_000);
    await expect.poll(async () => (await imports(campaign))[0]?.rows).toBe(KEPT);
    await runtime.kill();
    runtime = await Runtime.start({ bundle: folder, stateDir, log: "record" });
    expect(await imports(campaign)).toEqual([
      expect.objectContaining({ status: "running", accepted: KEPT }),
    ]);
    expect(await sendAll(campaign)).toMatchObject({ rows: ROWS, accepted: ROWS - KEPT });
    expect(await sendAll(campaign)).toMatchObject({ accepted: 0, duplicates: ROWS });
    expect(await runtime.api.integrity(brand, campaign)).toMatchObject({ ok: true, codes: ROWS });
  });
});
