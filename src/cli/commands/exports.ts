import type { Export, ExportFormat } from "../../client/client.ts";
import { given, OK, type Command, type Invocation, type Option } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { writeWhole } from "../part-file.ts";
import { Progress } from "../progress.ts";
import { number } from "../text.ts";
import { CODE_STATUSES } from "./codes.ts";

const NEWLINE = 0x0a;

const EXPORT_OPTIONS: Readonly<Record<string, Option>> = {
  format: { value: "FORMAT", help: "csv or ndjson; from the file's name, else csv" },
  output: { value: "FILE", help: "write FILE, whole or not at all; stdout unless you say" },
};

function formatOf(call: Invocation): ExportFormat {
  const named = call.oneOf("format", ["csv", "ndjson"]);
  const output = call.text("output");
  const fromName = output === undefined ? call.io.isJson : /\.(ndjson|jsonl)$/i.test(output);
  return named ?? (fromName ? "ndjson" : "csv");
}

function newlines(chunk: Uint8Array): number {
  let count = 0;
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/** Hands every chunk to `write`, showing how many rows there were; how many there were. */
async function pump(
  call: Invocation,
  from: { stream: ReadableStream<Uint8Array>; format: ExportFormat; signal: AbortSignal },
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<number> {
  // On one terminal the counter would be drawn between the rows.
  const { stdout, stderr } = call.io.system;
  const isSeen = call.text("output") !== undefined || !(stdout.isTTY && stderr.isTTY);
  const progress = new Progress(call.io, { unit: "rows", total: null });
  // The first line of a CSV is its head.
  let rows = from.format === "csv" ? -1 : 0;
  const reader = from.stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return Math.max(0, rows);
      from.signal.throwIfAborted();
      await write(value);
      rows += newlines(value);
      if (isSeen) progress.update(Math.max(0, rows));
    }
  } finally {
    progress.end();
    await reader.cancel().catch(() => undefined);
  }
}

async function exportRows(
  call: Invocation,
  open: (
    campaign: string,
    filter: { format: ExportFormat },
    options: { signal: AbortSignal },
  ) => Export<unknown>,
): Promise<number> {
  const { io } = call;
  const format = formatOf(call);
  const output = call.text("output");
  let hasBegun = false;
  const work = (write: (chunk: Uint8Array) => Promise<void>) =>
    interruptible(async (signal) => {
      const stream = await open(call.operand("campaign"), { format }, { signal }).stream();
      return pump(call, { stream, format, signal }, write);
    });
  try {
    if (output === undefined) {
      await work(async (chunk) => {
        hasBegun = true;
        await io.bytes(chunk);
      });
      return OK;
    }
    const rows = await writeWhole(output, (file) => work((chunk) => file.write(chunk)));
    await io.answer({ file: output, format, rows }, () =>
      io.line(`Wrote ${number(rows)} ${rows === 1 ? "row" : "rows"} to ${output}.`),
    );
    return OK;
  } catch (error) {
    io.status("");
    if (output !== undefined) io.note(`${output} was not written.`, "red");
    else if (hasBegun) io.note("The output is not complete.", "red");
    throw error;
  }
}

export const exportCommands: readonly Command[] = [
  {
    name: "codes export",
    operands: ["campaign"],
    summary: "export a campaign's codes",
    options: {
      status: { value: "STATUS", help: `of these only: ${CODE_STATUSES.join(", ")}` },
      ...EXPORT_OPTIONS,
    },
    run: (call) => {
      const status = call.oneOf("status", CODE_STATUSES);
      return exportRows(call, (campaign, filter, options) =>
        call.client.codes.export(campaign, { ...filter, ...given({ status }) }, options),
      );
    },
  },
  {
    name: "claims export",
    operands: ["campaign"],
    summary: "export a campaign's claims",
    options: EXPORT_OPTIONS,
    run: (call) =>
      exportRows(call, (campaign, filter, options) =>
        call.client.claims.export(campaign, filter, options),
      ),
  },
  {
    name: "redemptions export",
    operands: ["campaign"],
    summary: "export a campaign's redemptions",
    options: EXPORT_OPTIONS,
    run: (call) =>
      exportRows(call, (campaign, filter, options) =>
        call.client.redemptions.export(campaign, filter, options),
      ),
  },
];
