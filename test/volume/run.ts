/**
 * `npm run volume`: inventory by the million. One batch, killed batches, a large file, an export,
 * two brands, and claims beside all of it, over the real runtime. Prints what it saw; exits with 1
 * when something that the README promises is not so.
 */

import { parseArgs } from "node:util";
import { say, Stage } from "../bench/stage.ts";
import {
  besideClaims,
  exported,
  imports,
  killedBatch,
  oneBatch,
  twoBrands,
  type Figures,
} from "./phases.ts";

const USAGE = `npm run volume [-- options]
  --count N   codes of a batch, and rows of a file (1,000,000)
  --only NAME one of: batch, kills, import, brands, claims`;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000000" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});

async function run(count: number): Promise<void> {
  const stage = new Stage();
  const stop = () => void stage.close().then(() => process.exit(130));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const folder = stage.bundle("worker");
    const phases: [name: string, title: string, phase: () => Promise<Figures>][] = [
      ["batch", "One batch by one call", () => oneBatch(stage, folder, count)],
      ["kills", "A batch killed with SIGKILL", () => killedBatch(stage, folder, count)],
      ["import", "A file with 1 % bad and 1 % repeated rows", () => imports(stage, folder, count)],
      ["import", "An export while users claim", () => exported(stage, folder, count)],
      ["brands", "Two brands", () => twoBrands(stage, folder, count)],
      ["claims", "Claims beside inventory", () => besideClaims(stage, folder)],
    ];
    for (const [name, title, phase] of phases) {
      if (values.only !== "" && values.only !== name) continue;
      say(title);
      const figures = await phase();
      const lines = Object.entries(figures).map(
        ([what, value]) =>
          `  ${what.padEnd(44)} ${typeof value === "number" ? value.toLocaleString("en") : value}`,
      );
      process.stdout.write(`\n${title}\n${lines.join("\n")}\n\n`);
    }
  } finally {
    await stage.close();
  }
}

if (values.help) process.stdout.write(`${USAGE}\n`);
else {
  await run(Number(values.count)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
