import { CodedropConnectionError, type Batch } from "../../client/client.ts";
import { INTERRUPTED, NO, OK, UNREACHABLE, type Command, type Invocation } from "../command.ts";
import { Interrupted, interruptible } from "../interrupt.ts";
import { parseCount } from "../parse.ts";
import { Progress } from "../progress.ts";
import { printRows, ROW_OPTIONS } from "../rows.ts";
import { duration, number } from "../text.ts";

/** A batch that took less is done at once to a person, and its speed says nothing. */
const TOLD_SECONDS = 0.5;

async function show(call: Invocation, batch: Batch): Promise<void> {
  await call.io.answer(batch, () =>
    call.io.fields([
      ["id", batch.id],
      ["campaign", batch.campaign_id],
      ["status", batch.status],
      ["codes", `${number(batch.created)} of ${number(batch.requested)}`],
      ["created", batch.created_at],
      ["finished", batch.finished_at],
    ]),
  );
}

/** What came of a batch that no longer runs. `seconds` is how long it was watched. */
async function finish(
  call: Invocation,
  batch: Batch,
  made: { campaign: string; count: number; seconds: number },
): Promise<number> {
  const { io } = call;
  const isComplete = batch.status === "complete";
  await io.answer(batch, async () => {
    const speed = `${number(Math.round(made.count / made.seconds))}/s`;
    const time = made.seconds < TOLD_SECONDS ? "" : ` in ${duration(made.seconds)} (${speed})`;
    const counts = isComplete
      ? `Made ${number(batch.created)} codes`
      : `The batch is ${batch.status} after ${number(batch.created)} of ${number(batch.requested)} codes`;
    await io.line(`${counts}${time}. Batch ${batch.id}`, "bold");
    await io.line();
    if (!isComplete) {
      await io.line("What was made stays. To make the rest:");
      const rest = batch.requested - batch.created;
      await io.line(`  codedrop codes make ${made.campaign} ${rest}`);
      return;
    }
    await io.line("They can be claimed from now on:");
    await io.line(`  codedrop claims create ${made.campaign} <user>`);
    await io.line(`  codedrop codes export ${made.campaign} --status available --output codes.csv`);
    await io.line(`  codedrop stats ${made.campaign}`);
  });
  return isComplete ? OK : NO;
}

/** Shows how a running batch comes on, until it has ended or we no longer hear of it. */
async function follow(call: Invocation, first: Batch, campaign: string): Promise<number> {
  const { io, client } = call;
  const options = { unit: "codes", total: first.requested, done: first.created };
  const progress = new Progress(io, options);
  try {
    return await interruptible(async (signal) => {
      let last = first;
      progress.update(last.created);
      for await (const batch of client.batches.watch(first.id, { signal })) {
        last = batch;
        progress.update(batch.created);
      }
      progress.end();
      const count = last.created - first.created;
      return finish(call, last, { campaign, count, seconds: progress.seconds });
    });
  } catch (error) {
    const isLost = error instanceof CodedropConnectionError;
    if (!isLost && !(error instanceof Interrupted)) throw error;
    progress.end();
    if (isLost) io.note(error.message, "red");
    io.note(`The service goes on making the codes of ${first.id}.`, "bold");
    io.note(`Watch it:   codedrop batches watch ${first.id}`);
    io.note(`Cancel it:  codedrop batches cancel ${first.id}`);
    return isLost ? UNREACHABLE : INTERRUPTED;
  }
}

async function make(call: Invocation): Promise<number> {
  const campaign = call.operand("campaign");
  const count = parseCount(call.operand("count"), "<count>");
  const began = performance.now();
  const batch = await interruptible((signal) =>
    call.client.batches.create(campaign, { count }, { signal }),
  );
  if (batch.status !== "running") {
    const seconds = (performance.now() - began) / 1_000;
    return finish(call, batch, { campaign, count: batch.created, seconds });
  }
  if (!call.flag("no-wait")) return follow(call, batch, campaign);
  await show(call, batch);
  if (!call.io.isJson) await call.io.line(`Watch it: codedrop batches watch ${batch.id}`);
  return OK;
}

async function watch(call: Invocation): Promise<number> {
  const batch = await call.client.batches.get(call.operand("batch"));
  if (batch.status === "running") return follow(call, batch, batch.campaign_id);
  await show(call, batch);
  return batch.status === "complete" ? OK : NO;
}

export const batchCommands: readonly Command[] = [
  {
    name: "codes make",
    operands: ["campaign", "count"],
    summary: "make codes for a campaign, and watch until they are made",
    options: { "no-wait": { help: "do not watch: the service goes on by itself" } },
    lookAfter: (call) => `codedrop batches list ${call.operand("campaign")}`,
    run: make,
  },
  {
    name: "batches list",
    operands: ["campaign"],
    summary: "list a campaign's batches",
    options: ROW_OPTIONS,
    run: async (call) => {
      const head = ["ID", "STATUS", "REQUESTED", "CREATED", "AT"];
      await printRows(call, call.client.batches.list(call.operand("campaign")), head, (batch) => [
        batch.id,
        batch.status,
        number(batch.requested),
        number(batch.created),
        batch.created_at,
      ]);
      return OK;
    },
  },
  {
    name: "batches get",
    operands: ["batch"],
    summary: "show a batch",
    run: async (call) => {
      await show(call, await call.client.batches.get(call.operand("batch")));
      return OK;
    },
  },
  {
    name: "batches watch",
    operands: ["batch"],
    summary: "watch a batch until it has ended",
    run: watch,
  },
  {
    name: "batches cancel",
    operands: ["batch"],
    summary: "stop a batch; the codes that it made stay",
    run: async (call) => {
      await show(call, await call.client.batches.cancel(call.operand("batch")));
      return OK;
    },
  },
];
