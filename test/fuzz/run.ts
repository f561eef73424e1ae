/**
 * `npm run fuzz`: requests made up from the served OpenAPI document, sent to the real runtime over
 * HTTP. Exits with 1 when an answer is not what the document says, or a secret is in the logs.
 */

import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { logs } from "../support/logs.ts";
import { bundle, newState, Runtime } from "../support/runtime.ts";
import { ApiDocument } from "./document.ts";
import { curlOf, fuzz, unseen, type Failure, type Tally } from "./fuzz.ts";
import { HttpSender } from "./http.ts";
import { World } from "./world.ts";

const USAGE = `npm run fuzz [-- options]
  --requests N   requests (20000)
  --seed N       makes the same requests again, but for what the service draws itself: ids, codes`;
const ANSWER_SHOWN = 600;
/** Requests between two lines of progress where there is no terminal. */
const LINE_EVERY = 2_000;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "20000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    help: { type: "boolean", default: false },
  },
});
const [requests, seed] = [Number(values.requests), Number(values.seed)];
if (values.help || !Number.isInteger(requests) || !Number.isInteger(seed)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const startedAt = performance.now();

function progress(done: number, { statuses, failures }: Tally): void {
  const line = `${done.toLocaleString("en")} of ${requests.toLocaleString("en")}: ${classes(statuses)}, ${failures.length} wrong`;
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
  else if (done % LINE_EVERY < 64 || done === requests) process.stderr.write(`${line}\n`);
}

function classes(statuses: Map<number, number>): string {
  const sums = new Map<string, number>();
  for (const [status, count] of statuses) {
    const kind = `${Math.floor(status / 100)}xx`;
    sums.set(kind, (sums.get(kind) ?? 0) + count);
  }
  return [...sums]
    .toSorted()
    .map(([kind, count]) => `${kind} ${count}`)
    .join(", ");
}

function tell({ number, request, answer, wrong }: Failure, address: string): void {
  console.log(`\nRequest ${number}: ${wrong.join("; ")}`);
  console.log(`  ${curlOf(address, request)}`);
  if (answer !== null) console.log(`  ${answer.status} ${answer.text.slice(0, ANSWER_SHOWN)}`);
  console.log(`  again: npm run fuzz -- --seed ${seed} --requests ${number}`);
}

function report(tally: Tally, address: string): boolean {
  for (const failure of tally.failures) tell(failure, address);
  console.log("");
  for (const [name, counts] of tally.operations) {
    const shown = Object.entries(counts)
      .toSorted()
      .map(([kind, n]) => `${kind} ${n}`.padEnd(10));
    console.log(`  ${name.padEnd(22)} ${shown.join(" ")}`);
  }
  const statuses = [...tally.statuses].toSorted(([a], [b]) => a - b);
  console.log(`\n  ${statuses.map(([status, count]) => `${status}: ${count}`).join(", ")}`);
  const gaps = tally.failures.length > 0 ? [] : unseen(tally);
  for (const gap of gaps) console.log(`  ${gap}`);
  const sent = [...tally.statuses.values()].reduce((sum, count) => sum + count, 0);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  console.log(
    `\nSeed ${seed}: ${sent.toLocaleString("en")} answers in ${seconds} s (${classes(tally.statuses)}), ${tally.failures.length} wrong.`,
  );
  return tally.failures.length === 0 && gaps.length === 0;
}

/** Plays the challenge's service, which passes nobody: campaigns are made that ask for one. */
async function refuseChallenges(): Promise<string> {
  const service = createServer((_request, response) => response.end('{"success": false}'));
  service.unref();
  await new Promise<void>((resolve) => {
    service.listen(0, "127.0.0.1", resolve);
  });
  const address = service.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
}

async function run(): Promise<boolean> {
  const work = mkdtempSync(path.join(tmpdir(), "codedrop-fuzz-"));
  const stateDir = path.join(work, "state");
  let runtime: Runtime | null = null;
  const close = async () => {
    await runtime?.kill();
    rmSync(work, { recursive: true, force: true });
  };
  process.once("SIGINT", () => void close().then(() => process.exit(130)));
  try {
    console.log(`Seed ${seed}`);
    bundle(path.join(work, "bundle"));
    newState(stateDir);
    runtime = await Runtime.start({
      bundle: path.join(work, "bundle"),
      stateDir,
      log: "record",
      vars: { TURNSTILE_VERIFY_URL: await refuseChallenges() },
    });
    const { address, api } = runtime;
    const document = new ApiDocument(await (await fetch(`${address}/openapi.json`)).json());
    const sender = new HttpSender(address);
    const world = new World(api, runtime.operatorToken);
    const tally = await fuzz({
      document,
      world,
      seed,
      requests,
      send: async (request) => {
        const answer = await sender.send(request);
        logs.learn(answer.text);
        return answer;
      },
      onRound: progress,
    });
    sender.close();
    if (process.stderr.isTTY) process.stderr.write("\n");
    const unsound = await world.unsound();
    await runtime.kill();
    const besides = [...unsound, ...logs.leaks()];
    const isRight = report(tally, address) && besides.length === 0;
    for (const line of besides) console.log(line);
    return isRight;
  } finally {
    await close();
  }
}

process.exitCode = (await run()) ? 0 : 1;
