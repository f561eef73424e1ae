import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import type { CodeHistory, CodeVerdict } from "../../client/client.ts";
import { given, NO, OK, type Command, type Invocation } from "../command.ts";
import { reasonOf } from "../part-file.ts";
import { UsageError } from "../parse.ts";
import { printRows, ROW_OPTIONS } from "../rows.ts";

export const CODE_STATUSES = ["available", "claimed", "redeemed", "expired", "revoked"] as const;
/** What one request takes; more are sent in several. */
const REVOKED_AT_ONCE = 1_000;

async function list(call: Invocation): Promise<number> {
  const filter = given({
    status: call.oneOf("status", CODE_STATUSES),
    batch_id: call.text("batch"),
  });
  const codes = call.client.codes.list(call.operand("campaign"), filter);
  const head = ["CODE", "STATUS", "USER", "CLAIMED", "REDEEMED"];
  await printRows(call, codes, head, (row) => [
    row.code,
    row.status,
    row.user_id ?? "",
    row.claimed_at ?? "",
    row.redeemed_at ?? "",
  ]);
  return OK;
}

async function showHistory(call: Invocation, found: CodeHistory): Promise<void> {
  const { io } = call;
  await io.line(`${found.code} is ${found.status}`, "bold");
  await io.fields([
    ["campaign", found.campaign_id],
    ["batch", found.batch_id],
    ["user", found.user_id],
    ["claim", found.claim_id],
    ["claimed", found.claimed_at],
    ["expires", found.expires_at],
    ["redemption", found.redemption_id],
    ["order", found.order_id],
    ["redeemed", found.redeemed_at],
    ["revoked", found.revoked_at],
  ]);
  if (found.history.length === 0) return;
  await io.line();
  await io.table(found.history.map(({ at, event }) => [at, event]));
}

/** The codes among the arguments, and those of --file, one on each line. */
async function codesToRevoke(call: Invocation): Promise<string[]> {
  const codes = [...call.operands("code")];
  const file = call.text("file");
  if (file !== undefined) {
    const text = await (file === "-"
      ? textOf(call.io.system.stdin)
      : readFile(file, "utf8").catch((cause: unknown) => {
          throw new UsageError(`Cannot read ${file}: ${reasonOf(cause)}.`, { cause });
        }));
    const lines = text.split(/\r?\n/).map((line) => line.trim());
    codes.push(...lines.filter((line) => line !== ""));
  }
  if (codes.length === 0) throw new UsageError("Which codes? Name them, or pass --file.");
  return codes;
}

async function revoke(call: Invocation): Promise<number> {
  const codes = await codesToRevoke(call);
  const reason = given({ reason: call.text("reason") });
  const verdicts: CodeVerdict[] = [];
  for (let from = 0; from < codes.length; from += REVOKED_AT_ONCE) {
    const some = codes.slice(from, from + REVOKED_AT_ONCE);
    const { data } = await call.client.codes.revoke({ codes: some, ...reason });
    verdicts.push(...data);
  }
  if (call.io.isJson) for (const verdict of verdicts) await call.io.value(verdict);
  else
    await call.io.table(
      verdicts.map(({ code, result }) => [code, result]),
      ["CODE", "RESULT"],
    );
  return verdicts.every(({ result }) => result.endsWith("revoked")) ? OK : NO;
}

export const codeCommands: readonly Command[] = [
  {
    name: "codes list",
    operands: ["campaign"],
    summary: "list a campaign's codes",
    options: {
      status: { value: "STATUS", help: `of these only: ${CODE_STATUSES.join(", ")}` },
      batch: { value: "ID", help: "of this batch only" },
      ...ROW_OPTIONS,
    },
    run: list,
  },
  {
    name: "codes find",
    operands: ["code"],
    summary: "show everything known of one code",
    run: async (call) => {
      const found = await call.client.codes.lookup(call.operand("code"));
      await call.io.answer(found, () => showHistory(call, found));
      return OK;
    },
  },
  {
    name: "codes revoke",
    operands: ["code…"],
    summary: "make codes worthless",
    options: {
      file: { value: "FILE", help: "a file with one code on each line, or - (stdin)" },
      reason: { value: "TEXT", help: "kept with the code" },
    },
    notes: ["The exit code is 1 when a code was redeemed before or is unknown."],
    run: revoke,
  },
];
