/** What is shown of inventory by the million. Each phase fails the run when something is not so. */

import { setTimeout as pause } from "node:timers/promises";
import { say, type Stage } from "../bench/stage.ts";
import { Shop } from "../bench/shop.ts";
import type { Runtime } from "../support/runtime.ts";
import { ownFile } from "./files.ts";
import { peaksDuring } from "./memory.ts";
import {
  countOnDisk,
  readBatch,
  require,
  sendFile,
  startBatch,
  watchBatch,
  type Import,
} from "./shop.ts";

export interface Figures {
  [name: string]: number | string;
}

const number = (value: number) => Math.round(value).toLocaleString("en");
const perSecond = (count: number, ms: number) => Math.round((count * 1000) / ms);
const inMb = (value: number) => `${value.toFixed(0)} MB`;
const BARE_ROWS = 10_000;
const KILLS = 3;
/**
 * Half of what the platform gives an isolate. Without a limit V8 lets garbage lie for as long as
 * nobody needs the room, and its size says nothing; with it, more would end the runtime.
 */
const HEAP_MB = 64;

/** One batch by one call, beside bare inserts of as many rows into another empty database. */
export async function oneBatch(stage: Stage, folder: string, count: number): Promise<Figures> {
  const runtime = await stage.serve(folder, "batch");
  const brand = await runtime.api.newBrand();
  const campaign = await runtime.api.newCampaign(brand, 0);
  const began = performance.now();
  const { id } = await startBatch(runtime, brand, campaign, count);
  let shown = 0;
  const seen = await watchBatch(runtime, brand, id, ({ created }) => {
    if (created - shown >= count / 10) {
      shown = created;
      say(`one batch: ${number(created)} of ${number(count)}`);
    }
  });
  const ms = performance.now() - began;
  require(new Set(seen).size > 5, "progress is seen while a batch runs");
  require(seen.every(
    (created, i) => i === 0 || created >= (seen[i - 1] ?? 0),
  ), "progress only grows");
  const integrity = await runtime.api.integrity(brand, campaign);
  require(integrity.ok && integrity.codes === count, "integrity is ok");
  await runtime.kill();
  const disk = countOnDisk(stage.stateDir("batch"));
  require(disk.codes === count && disk.distinct === count, `${count} distinct codes on disk`);

  const bareMs = await bareInserts(stage, folder, count);
  return {
    codes: disk.distinct,
    "looks at it, each further than the last": new Set(seen).size,
    seconds: (ms / 1000).toFixed(1),
    "codes a second": perSecond(count, ms),
    "bare INSERT … json_each, codes a second": perSecond(count, bareMs),
    "one batch / bare": (bareMs / ms).toFixed(2),
  };
}

/** The bare inserts' own time: what is drawn for them is drawn beforehand. */
async function bareInserts(stage: Stage, folder: string, count: number): Promise<number> {
  const runtime = await stage.serve(folder, "bare");
  const shop = await Shop.open(runtime, 1);
  const campaignId = await runtime.api.newCampaign(shop.brand, 0);
  let ms = 0;
  for (let made = 0; made < count; made += BARE_ROWS) {
    const asked = { campaignId, brandId: shop.brand.id, count: Math.min(BARE_ROWS, count - made) };
    const { id } = await shop.ask<{ id: string }>("POST", "/bench/drawn", asked);
    const began = performance.now();
    await shop.ask("POST", `/bench/drawn/${id}/insert`);
    ms += performance.now() - began;
  }
  await runtime.kill();
  return ms;
}

/** SIGKILL in the midst of a batch, again and again. */
export async function killedBatch(stage: Stage, folder: string, count: number): Promise<Figures> {
  let runtime = await stage.serve(folder, "killed");
  const brand = await runtime.api.newBrand();
  const campaign = await runtime.api.newCampaign(brand, 0);
  const { id } = await startBatch(runtime, brand, campaign, count);
  const kills: string[] = [];
  for (let kill = 1; kill <= KILLS; kill++) {
    // At a third, and so on, and at no round moment.
    const goal = (count * kill) / (KILLS + 1);
    let batch = await readBatch(runtime, brand, id);
    while (batch.created < goal) {
      await pause(50);
      batch = await readBatch(runtime, brand, id);
    }
    require(batch.status === "running", "the batch runs when it is killed");
    await pause(Math.random() * 100);
    await runtime.kill();
    kills.push(number(batch.created));
    say(`killed at ${number(batch.created)} of ${number(count)}`);
    runtime = await stage.serveAgain(folder, "killed");
  }
  await watchBatch(runtime, brand, id, () => undefined);
  const integrity = await runtime.api.integrity(brand, campaign);
  require(integrity.ok && integrity.codes === count, "integrity is ok");
  await runtime.kill();
  const disk = countOnDisk(stage.stateDir("killed"));
  require(disk.codes === count && disk.distinct === count, `${count} distinct codes on disk`);
  return { "killed at": kills.join(", "), codes: disk.distinct };
}

/** A file with wrong rows, sent twice; the runtime's memory beside that of a tenth of it. */
export async function imports(stage: Stage, folder: string, rows: number): Promise<Figures> {
  const runtime = await stage.serve(folder, "import", HEAP_MB);
  const { api } = runtime;
  const brand = await api.newBrand();
  const campaign = await api.newCampaign(brand, 0);
  const small = ownFile(rows / 10, "SMALL");
  const first = await peaksDuring(runtime, () => sendFile({ runtime, brand, campaign }, small));
  require(first.result.accepted === small.accepted, "a tenth of the file is in");
  say("a tenth of the file is in");
  const file = ownFile(rows, "LARGE");
  const began = performance.now();
  const { result, peaks } = await peaksDuring(runtime, () =>
    sendFile({ runtime, brand, campaign }, file),
  );
  const ms = performance.now() - began;
  say("the file is in");
  const bad = file.expected.filter(({ reason }) => reason !== "duplicate-in-file").length;
  const counts = { rows, accepted: file.accepted, rejected: bad };
  requireCounts(result, { ...counts, duplicates: file.expected.length - bad });
  const errors = await api.listAll<{ line: number; reason: string }>(
    brand.secret,
    `/v1/imports/${result.id}/errors`,
  );
  require(JSON.stringify(errors.map(({ line, reason }) => ({ line, reason }))) ===
    JSON.stringify(file.expected), "each row that was not accepted has its line and reason");
  const again = await sendFile({ runtime, brand, campaign }, file);
  requireCounts(again, { rows, accepted: 0, rejected: bad, duplicates: rows - bad });
  const integrity = await api.integrity(brand, campaign);
  require(integrity.ok && integrity.codes === file.accepted + small.accepted, "integrity is ok");
  await runtime.kill();
  return {
    rows,
    accepted: result.accepted,
    duplicates: result.duplicates,
    rejected: result.rejected,
    "rows with a line and a reason": errors.length,
    "accepted of the same file again": again.accepted,
    seconds: (ms / 1000).toFixed(1),
    "rows a second": perSecond(rows, ms),
    "Worker's heap at most, a tenth of the file": inMb(first.peaks.isolate),
    "Worker's heap at most, the file": inMb(peaks.isolate),
    "runtime with D1 at most, a tenth of the file": inMb(first.peaks.runtime),
    "runtime with D1 at most, the file": inMb(peaks.runtime),
  };
}

function requireCounts(found: Import, expected: Omit<Import, "id" | "status">): void {
  const { id: _, status, ...rest } = found;
  const { rows, accepted, duplicates, rejected } = rest;
  require(status === "complete" &&
    JSON.stringify([rows, accepted, duplicates, rejected]) ===
      JSON.stringify([
        expected.rows,
        expected.accepted,
        expected.duplicates,
        expected.rejected,
      ]), `counts ${JSON.stringify({ rows, accepted, duplicates, rejected })} are ${JSON.stringify(expected)}`);
}

/** An export of what an import brought, while users claim. */
export async function exported(stage: Stage, folder: string, rows: number): Promise<Figures> {
  const runtime = await stage.serveAgain(folder, "import", HEAP_MB);
  const brand = await runtime.api.newBrand();
  const campaign = await runtime.api.newCampaign(brand, 0);
  const file = ownFile(rows, "OUT");
  await sendFile({ runtime, brand, campaign }, file);
  say("exporting while users claim");
  const claiming = { going: true, done: 0 };
  const claims = (async () => {
    while (claiming.going) {
      const users = Array.from({ length: 16 }, (_, i) => `u-${claiming.done + i}`);
      const answers = await Promise.all(
        users.map((user) => runtime.api.claim(brand, campaign, user)),
      );
      require(answers.every(({ status }) => status === 201), "claims go on during an export");
      claiming.done += users.length;
    }
  })();
  const seen = new Set<string>();
  const read = async () => {
    let lines = 0;
    let formula = "";
    for await (const line of linesOf(runtime, brand.secret, campaign)) {
      const [code = ""] = line.split(",");
      if (code.includes("1+1")) formula = code;
      seen.add(code);
      lines += 1;
    }
    return { lines, formula };
  };
  const { result, peaks } = await peaksDuring(runtime, read);
  claiming.going = false;
  await claims;
  require(result.lines - 1 === file.accepted, `a line for each code, not ${result.lines - 1}`);
  require(seen.size === result.lines, "no code twice");
  require(result.formula.startsWith("'="), `a formula is text: ${result.formula}`);
  const integrity = await runtime.api.integrity(brand, campaign);
  require(integrity.ok, "integrity is ok");
  await runtime.kill();
  return {
    codes: result.lines - 1,
    "claims meanwhile": claiming.done,
    "=1+1 is": result.formula,
    "Worker's heap at most": inMb(peaks.isolate),
    "runtime with D1 at most": inMb(peaks.runtime),
  };
}

async function* linesOf(runtime: Runtime, key: string, campaign: string) {
  const response = await fetch(`${runtime.address}/v1/campaigns/${campaign}/codes/export`, {
    headers: { Authorization: `Bearer ${key}` },
  });
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\r\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  require(rest === "", "the export ends with a whole line");
}

/** A brand's 1,000 codes while another brand's batch runs. */
export async function twoBrands(stage: Stage, folder: string, count: number): Promise<Figures> {
  const runtime = await stage.serve(folder, "brands");
  const [large, small] = [await runtime.api.newBrand(), await runtime.api.newBrand()];
  const ours = await runtime.api.newCampaign(small, 0);
  const alone = await timedBatch(runtime, small, ours);
  const campaign = await runtime.api.newCampaign(large, 0);
  const { id } = await startBatch(runtime, large, campaign, count);
  const beside: number[] = [];
  for (let i = 0; i < 10; i++) {
    await pause(300);
    beside.push(await timedBatch(runtime, small, ours));
  }
  const batch = await readBatch(runtime, large, id);
  require(batch.status === "running", "the other brand's batch still runs");
  await runtime.kill();
  return {
    "1,000 codes alone, ms": alone.toFixed(0),
    "beside a batch of another brand, ms, median":
      beside.toSorted((a, b) => a - b)[5]?.toFixed(0) ?? "",
    "and at most": Math.max(...beside).toFixed(0),
    "the other batch meanwhile": `${number(batch.created)} of ${number(batch.requested)}`,
  };
}

async function timedBatch(
  ...[runtime, brand, campaign]: [Runtime, Parameters<typeof startBatch>[1], string]
) {
  const began = performance.now();
  const { status } = await startBatch(runtime, brand, campaign, 1_000);
  require(status === "complete", "1,000 codes are there when it is answered");
  return performance.now() - began;
}

const ROUND_MS = 3_000;
const ROUNDS = 3;

/** Claims undisturbed, while codes are made, and while a file comes in: in turn. */
export async function besideClaims(stage: Stage, folder: string): Promise<Figures> {
  const runtime = await stage.serve(folder, "claims");
  const shop = await Shop.open(runtime, 32);
  const campaign = await shop.newCampaign(300_000);
  const other = await runtime.api.newBrand();
  const pool = await runtime.api.newCampaign(other, 0);
  const rates: Record<"undisturbed" | "made" | "brought", number[]> = {
    undisturbed: [],
    made: [],
    brought: [],
  };
  const madeMeanwhile: number[] = [];
  const broughtMeanwhile: number[] = [];
  const claim = async () => {
    const { done, seconds } = await shop.load.run(() => shop.claim(campaign), { ms: ROUND_MS });
    return done / seconds;
  };
  await claim();
  for (let round = 0; round < ROUNDS; round++) {
    rates.undisturbed.push(await claim());
    const { id } = await startBatch(runtime, other, pool, 1_000_000);
    rates.made.push(await claim());
    const { status, created } = await readBatch(runtime, other, id);
    require(status === "running" && created > 0, "the batch goes on while users claim");
    madeMeanwhile.push(created);
    await runtime.api.send(other.secret, `POST /v1/batches/${id}/cancel`);
    const hangUp = new AbortController();
    const file = ownFile(1_000_000, `BESIDE${round}`);
    let isIn = false;
    const sent = sendFile({ runtime, brand: other, campaign: pool }, file, hangUp.signal).then(
      () => (isIn = true),
      () => undefined,
    );
    rates.brought.push(await claim());
    const [coming] = await runtime.api.listAll<Import>(
      other.secret,
      `/v1/campaigns/${pool}/imports`,
    );
    require(!isIn && (coming?.rows ?? 0) > 0, "the file goes on coming in while users claim");
    broughtMeanwhile.push(coming?.rows ?? 0);
    hangUp.abort();
    await sent;
    say(`claims beside inventory, round ${round + 1} of ${ROUNDS}`);
  }
  await runtime.kill();
  const middle = (values: number[]) => values.toSorted((a, b) => a - b)[1] ?? 0;
  const [free, made, brought] = [rates.undisturbed, rates.made, rates.brought].map(middle) as [
    number,
    number,
    number,
  ];
  require(made / free >= 0.5, `claims while codes are made: ${(made / free).toFixed(2)} ≥ 0.5`);
  require(brought / free >= 0.5, `claims while a file comes: ${(brought / free).toFixed(2)} ≥ 0.5`);
  return {
    "claims a second, undisturbed": number(free),
    "while codes are made / undisturbed": (made / free).toFixed(2),
    "codes made meanwhile, a second": number(middle(madeMeanwhile) / (ROUND_MS / 1000)),
    "while a file comes in / undisturbed": (brought / free).toFixed(2),
    "rows taken meanwhile, a second": number(middle(broughtMeanwhile) / (ROUND_MS / 1000)),
  };
}
