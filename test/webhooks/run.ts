/**
 * `npm run webhooks`: webhooks over the real runtime and real HTTP, through the public API alone.
 * Receivers that are down and fail in every way, a runtime that is killed again and again, a dead
 * receiver beside a healthy one, secrets that change, receivers that mean harm. Prints what it saw;
 * exits with 1 when something that the README promises is not so.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { say } from "../bench/stage.ts";
import { bundle, newState } from "../support/runtime.ts";
import { Ground, type Figures } from "./ground.ts";
import { hostile } from "./hostile.ts";
import { isolation } from "./isolation.ts";
import { kills } from "./kills.ts";
import { outages } from "./outages.ts";
import { rotation } from "./rotation.ts";

const USAGE = `npm run webhooks [-- options]
  --seed N    what the random receiver does, and when the runtime is killed (1)
  --only NAME one of: outages, kills, isolation, rotation, hostile`;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});

function print(title: string, figures: Figures): void {
  const lines = Object.entries(figures).map(
    ([what, value]) =>
      `  ${what.padEnd(50)} ${typeof value === "number" ? value.toLocaleString("en") : value}`,
  );
  process.stdout.write(`\n${title}\n${lines.join("\n")}\n\n`);
}

async function run(seed: number): Promise<boolean> {
  const dir = mkdtempSync(path.join(tmpdir(), "codedrop-webhooks-"));
  const [folder, template] = [path.join(dir, "bundle"), path.join(dir, "template")];
  const ground = new Ground({ bundle: folder, template, dir, log: "ignore" });
  const close = async () => {
    await ground.close();
    rmSync(dir, { recursive: true, force: true });
  };
  const stop = () => void close().then(() => process.exit(130));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const rehearsals: [name: string, title: string, rehearse: () => Promise<Figures>][] = [
    ["hostile", "Receivers that mean harm", () => hostile(ground)],
    ["rotation", "A secret that is rotated", () => rotation(ground, { overlapSeconds: 15 })],
    [
      "outages",
      "Receivers that are down, then fail at random, then are well",
      () => outages(ground, { claims: 2_000, hangs: 4, seed }),
    ],
    ["kills", "kill -9 between claim and webhook", () => kills(ground, { rounds: 20, seed })],
    [
      "isolation",
      "Beside a dead receiver of another brand",
      () => isolation(ground, { backlog: 10_000, pairs: 4, claimsPerPhase: 75 }),
    ],
  ];
  let isRight = true;
  try {
    bundle(folder);
    newState(template);
    for (const [name, title, rehearse] of rehearsals) {
      if (values.only !== "" && values.only !== name) continue;
      say(title);
      try {
        print(title, await rehearse());
      } catch (error) {
        isRight = false;
        print(`${title}: WRONG`, { why: error instanceof Error ? error.message : String(error) });
      }
    }
  } finally {
    await close();
  }
  return isRight;
}

if (values.help) process.stdout.write(`${USAGE}\n`);
else process.exitCode = (await run(Number(values.seed))) ? 0 : 1;
