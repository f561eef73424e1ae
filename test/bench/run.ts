/**
 * `npm run bench`: what a claim costs, in time, in rows and beside others who could do it.
 *
 * Everything is served by the runtime itself; the development proxy would be all one measures. All
 * that is compared runs in this one run, in turn. A budget that is missed is printed, and is no
 * failure: a busy machine may miss one. A wrong answer is.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { batches, contest, rows, shards, sizes } from "./phases.ts";
import { asJson, asText, type Findings } from "./report.ts";
import { FULL, QUICK, type Scale } from "./scale.ts";
import { Shop } from "./shop.ts";
import { say, Stage } from "./stage.ts";

const USAGE = `npm run bench -- [--quick] [--out FILE]
  --quick     shorter rounds, and 50,000 codes in place of 1,000,000: to try it out
  --out FILE  where the JSON report goes (.wrangler/bench.json)`;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    out: { type: "string", default: ".wrangler/bench.json" },
    help: { type: "boolean", default: false },
  },
});

async function measure(stage: Stage, scale: Scale): Promise<Findings> {
  say("bundling");
  const bundle = stage.bundleSize();
  const folder = stage.bundle("worker");
  const counting = await stage.serve(stage.bundle("counting-worker"), "counted");
  const counted = await rows(await Shop.open(counting, scale.inFlight), scale);
  await counting.kill();
  say("rows counted");

  const shop = await Shop.open(await stage.serve(folder, "main"), scale.inFlight);
  const contested = await contest(stage, shop, scale);
  const sharded = await shards(shop, scale);
  const made = await batches(shop, scale);
  await shop.runtime.kill();
  const sized = await sizes(stage, folder, scale);
  return {
    contest: contested,
    sizes: sized,
    shards: sharded,
    batches: made,
    rows: counted,
    bundle,
  };
}

async function run(): Promise<void> {
  const scale = options.quick ? QUICK : FULL;
  const stage = new Stage();
  const stop = () => void stage.close().then(() => process.exit(130));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  let findings: Findings;
  try {
    findings = await measure(stage, scale);
  } finally {
    await stage.close();
  }
  const cores = availableParallelism();
  const about = { at: new Date().toISOString(), node: process.version, cores, scale };
  const file = path.resolve(options.out);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ ...about, ...asJson(findings) }, null, 2)}\n`);
  process.stdout.write(`${asText(findings, scale.inFlight, cores)}\n\nJSON: ${file}\n`);
}

if (options.help) process.stdout.write(`${USAGE}\n`);
else await run();
