/** Own codes from a file, sent as they are read. */

import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { Import, ImportError, ImportSummary, ImportType } from "../../client/client.ts";
import { NO, OK, type Command, type Invocation } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { reasonOf, writeWhole, type PartFile } from "../part-file.ts";
import { UsageError } from "../parse.ts";
import { Progress } from "../progress.ts";
import { printRows, ROW_OPTIONS } from "../rows.ts";
import { number } from "../text.ts";

/** Bad rows on the screen; more of them is a matter for --errors. */
const SHOWN_ERRORS = 10;
/** Bytes read, and sent, at once. */
const CHUNK_BYTES = 64 * 1024;
/** How often the service is asked how far it is, once everything is sent. */
const ASK_INTERVAL_MS = 1_000;

const TYPES: Readonly<Record<string, ImportType>> = {
  csv: "text/csv",
  ndjson: "application/x-ndjson",
  json: "application/json",
};
const FORMATS: Readonly<Record<string, string>> = { txt: "csv", jsonl: "ndjson" };

function typeOf(call: Invocation, path: string): ImportType {
  const named = call.oneOf("format", ["csv", "ndjson", "json"]);
  const ending = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  const type = TYPES[named ?? FORMATS[ending] ?? ending];
  if (type !== undefined) return type;
  throw new UsageError(
    "The file's name does not say what it is: pass --format csv, ndjson or json.",
  );
}

interface Source {
  chunks: Readable;
  /** Null when nobody knows, as of a pipe. */
  bytes: number | null;
}

async function sourceOf(call: Invocation, path: string): Promise<Source> {
  if (path === "-") return { chunks: call.io.system.stdin, bytes: null };
  try {
    const file = await open(path);
    const { size } = await file.stat();
    return { chunks: file.createReadStream({ highWaterMark: CHUNK_BYTES }), bytes: size };
  } catch (error) {
    throw new UsageError(`Cannot read ${path}: ${reasonOf(error)}.`, { cause: error });
  }
}

/** The newest import of the campaign; null where there is none. */
async function newest(call: Invocation, campaign: string): Promise<ImportSummary | null> {
  const page = await call.client.imports.list(campaign, { limit: 1 }).page();
  return page.data[0] ?? null;
}

/** Sends the file; the import as the service answered it. */
async function send(call: Invocation, campaign: string, source: Source & { type: ImportType }) {
  const { io, client } = call;
  // This also tells a wrong key or campaign before the file is sent.
  const before = await newest(call, campaign);
  const progress = new Progress(io, { unit: "bytes", total: source.bytes });
  let [sent, isSent] = [0, false];
  const ask = async () => {
    if (!isSent) return;
    const now = await newest(call, campaign).catch(() => null);
    if (now?.status === "running" && now.id !== before?.id) {
      progress.remark = `${number(now.rows)} rows checked`;
    }
    progress.update(sent);
  };
  async function* counted() {
    for await (const chunk of source.chunks as AsyncIterable<Uint8Array>) {
      yield chunk;
      sent += chunk.byteLength;
      progress.update(sent);
    }
    isSent = true;
  }
  const asking = setInterval(() => void ask(), ASK_INTERVAL_MS);
  try {
    return await interruptible(async (signal) => {
      const options = { type: source.type, dryRun: call.flag("dry-run"), signal };
      let found = await client.imports.create(campaign, counted(), options);
      if (found.status !== "running") return found;
      for await (const now of client.imports.watch(found.id, { signal })) {
        found = now;
        progress.remark = `${number(now.rows)} rows checked`;
        progress.update(sent);
      }
      return found;
    });
  } finally {
    clearInterval(asking);
    progress.end();
  }
}

async function report(call: Invocation, campaign: string, result: Import): Promise<void> {
  const { io } = call;
  const verb = result.dry_run ? "would be taken" : "taken";
  await io.line(
    result.status === "failed"
      ? `The import failed after ${number(result.rows)} rows. What was taken before stays.`
      : `${number(result.accepted)} of ${number(result.rows)} codes ${verb}. Import ${result.id}`,
    "bold",
  );
  await io.fields([
    ["rows", number(result.rows)],
    ["accepted", number(result.accepted)],
    ["duplicates", number(result.duplicates)],
    ["rejected", number(result.rejected)],
  ]);
  if (result.errors.length > 0) {
    await io.line();
    const rows = result.errors
      .slice(0, SHOWN_ERRORS)
      .map(({ line, code, reason, detail }) => [String(line), code, reason, detail]);
    await io.table(rows, ["LINE", "CODE", "REASON", "DETAIL"]);
  }
  if (result.errors.length > SHOWN_ERRORS && call.text("errors") === undefined) {
    await io.line(`All of them: codedrop imports errors ${result.id} --all`);
  }
  if (result.dry_run) {
    await io.line();
    await io.line("Nothing was changed. Without --dry-run the codes are taken.");
  } else if (result.accepted > 0) {
    await io.line();
    await io.line(`They can be claimed from now on: codedrop claims create ${campaign} <user>`);
  }
}

/** RFC 4180; a cell that a spreadsheet would compute begins with an apostrophe. */
function csvRow(cells: readonly (string | number)[]): string {
  const quoted = cells.map((cell) => {
    const text = String(cell);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${quoted.join(",")}\r\n`;
}

async function writeErrors(file: PartFile, errors: AsyncIterable<ImportError>): Promise<void> {
  await file.write(csvRow(["line", "code", "reason", "detail"]));
  for await (const { line, code, reason, detail } of errors) {
    await file.write(csvRow([line, code, reason, detail]));
  }
}

async function importCodes(call: Invocation): Promise<number> {
  const { io, client } = call;
  const [campaign, path, errorsPath] = [
    call.operand("campaign"),
    call.operand("file"),
    call.text("errors"),
  ];
  const type = typeOf(call, path);
  const source = { ...(await sourceOf(call, path)), type };
  const work = async (errorsFile: PartFile | null) => {
    const result = await send(call, campaign, source);
    if (errorsFile !== null) await writeErrors(errorsFile, client.imports.errors(result.id));
    return result;
  };
  try {
    // The file is opened first: that it cannot be written must not be told after an upload.
    const result = await (errorsPath === undefined
      ? work(null)
      : writeWhole(errorsPath, (file) => work(file)));
    await io.answer(result, () => report(call, campaign, result));
    return result.status === "complete" && result.rejected === 0 ? OK : NO;
  } finally {
    // A file that was not read to its end stays open, and a pipe keeps the process waiting.
    source.chunks.destroy();
  }
}

export const importCommands: readonly Command[] = [
  {
    name: "codes import",
    operands: ["campaign", "file"],
    summary: "bring your own codes from a file, or from - (stdin)",
    options: {
      format: { value: "FORMAT", help: "csv, ndjson or json; from the file's name unless you say" },
      "dry-run": { help: "check every row and change nothing" },
      errors: { value: "FILE", help: "write every row that was not taken to FILE, as CSV" },
    },
    notes: [
      'CSV has a column `code`, or one column. NDJSON has {"code": …} on each line. JSON is',
      '{"codes": […]}. The exit code is 1 when a row was rejected; codes that were there already',
      "are counted as duplicates and are no failure, so a file may be sent again.",
    ],
    lookAfter: (call) => `codedrop imports list ${call.operand("campaign")}`,
    run: importCodes,
  },
  {
    name: "imports list",
    operands: ["campaign"],
    summary: "list a campaign's imports, newest first",
    options: ROW_OPTIONS,
    run: async (call) => {
      const head = ["ID", "STATUS", "ROWS", "ACCEPTED", "DUPLICATES", "REJECTED", "AT"];
      await printRows(call, call.client.imports.list(call.operand("campaign")), head, (row) => [
        row.id,
        row.dry_run ? `${row.status}, dry run` : row.status,
        number(row.rows),
        number(row.accepted),
        number(row.duplicates),
        number(row.rejected),
        row.created_at,
      ]);
      return OK;
    },
  },
  {
    name: "imports get",
    operands: ["import"],
    summary: "show an import",
    run: async (call) => {
      const result = await call.client.imports.get(call.operand("import"));
      await call.io.answer(result, () => report(call, result.campaign_id, result));
      return OK;
    },
  },
  {
    name: "imports errors",
    operands: ["import"],
    summary: "list the rows that were not taken",
    options: ROW_OPTIONS,
    run: async (call) => {
      const head = ["LINE", "CODE", "REASON", "DETAIL"];
      await printRows(call, call.client.imports.errors(call.operand("import")), head, (row) => [
        String(row.line),
        row.code,
        row.reason,
        row.detail,
      ]);
      return OK;
    },
  },
];
