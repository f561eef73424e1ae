/**
 * `npm run bench:against -- REF`: claims of the code as it is beside claims of the code as it was
 * at a commit, in turn, each on a server and data of its own.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { bundle, newState, Runtime } from "../support/runtime.ts";
import { interleave, ratioOf } from "./rounds.ts";
import { codesFor, FULL } from "./scale.ts";
import { Shop } from "./shop.ts";
import { say, Stage } from "./stage.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
/** Short rounds and many: what the machine does besides falls on both alike. */
const ROUNDS = 41;
const ROUND_MS = 1_000;
const USAGE = "npm run bench:against -- REF   (a commit, such as HEAD~1)";

/** The tree of the commit, with the dependencies of this one. */
function treeAt(ref: string, folder: string): void {
  mkdirSync(folder);
  const options = { cwd: ROOT, maxBuffer: 1e9 };
  const archive = spawnSync("git", ["archive", ref], options);
  if (archive.status !== 0) throw new Error(`git archive ${ref}: ${String(archive.stderr)}`);
  const unpacked = spawnSync("tar", ["x", "-C", folder], { input: archive.stdout });
  if (unpacked.status !== 0) throw new Error(`tar: ${String(unpacked.stderr)}`);
  // With the pages of this one: the other has none, or others that nobody asks for.
  for (const name of ["node_modules", "dist"]) {
    symlinkSync(path.join(ROOT, name), path.join(folder, name));
  }
}

async function serve(stage: Stage, root: string, name: string): Promise<Shop> {
  const [folder, stateDir] = [path.join(stage.dir, `bundle-${name}`), stage.stateDir(name)];
  bundle(folder, { root });
  newState(stateDir, { root });
  const config = path.join(root, "wrangler.toml");
  const runtime = await Runtime.start({ bundle: folder, stateDir, config });
  stage.atEnd(() => runtime.kill());
  return Shop.open(runtime, FULL.inFlight);
}

async function compare(stage: Stage, ref: string): Promise<void> {
  const before = path.join(stage.dir, "tree");
  treeAt(ref, before);
  say(`bundling ${ref} and the code as it is`);
  const shops = [await serve(stage, before, "before"), await serve(stage, ROOT, "now")] as const;
  const codes = codesFor(ROUNDS, ROUND_MS);
  say(`${codes} codes each`);
  const campaigns = await Promise.all(shops.map((shop) => shop.newCampaign(codes)));
  const contender = (at: 0 | 1, name: string) => ({
    name,
    round: () => shops[at].load.run(() => shops[at].claim(campaigns[at] ?? ""), { ms: ROUND_MS }),
  });
  const results = await interleave(
    { now: contender(1, "as it is"), before: contender(0, ref) },
    ROUNDS,
    say,
  );
  const { median, low, high } = ratioOf(results.now, results.before);
  for (const { name, perSecond, latency } of [results.now, results.before]) {
    const mean = perSecond.reduce((sum, one) => sum + one, 0) / perSecond.length;
    console.log(`${name}: ${mean.toFixed(0)} claims/s, p50 ${latency.p50.toFixed(1)} ms`);
  }
  console.log(
    `Throughput as it is / ${ref}: ${median.toFixed(3)} (middle half ${low.toFixed(3)}–${high.toFixed(3)})`,
  );
}

const ref = process.argv[2];
if (ref === undefined || ref.startsWith("-")) {
  console.error(USAGE);
  process.exit(2);
}
const stage = new Stage();
process.once("SIGINT", () => void stage.close().then(() => process.exit(130)));
try {
  await compare(stage, ref);
} finally {
  await stage.close();
}
