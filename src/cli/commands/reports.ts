import type { Integrity, Stats } from "../../client/client.ts";
import { NO, OK, type Command, type Invocation } from "../command.ts";
import { number } from "../text.ts";

/** Rounded down: 100 % means all. */
function shareText(count: number, of: number): string {
  if (of === 0) return "";
  const tenths = Math.floor((1_000 * count) / of);
  return count > 0 && tenths === 0 ? "< 0.1 %" : `${(tenths / 10).toFixed(1)} %`;
}

async function showStats(call: Invocation, { totals }: Stats): Promise<void> {
  const { codes, ...parts } = totals;
  const counts = [["codes", number(codes), ""]];
  for (const [status, count] of Object.entries(parts)) {
    counts.push([status, number(count), shareText(count, codes)]);
  }
  const widths = [1, 2].map((column) => Math.max(...counts.map((row) => row[column]?.length ?? 0)));
  await call.io.table(
    counts.map(([name = "", count = "", share = ""]) => [
      name,
      count.padStart(widths[0] ?? 0),
      share.padStart(widths[1] ?? 0),
    ]),
  );
}

async function showIntegrity(call: Invocation, found: Integrity): Promise<void> {
  await call.io.line(found.ok ? "Sound: every code is accounted for." : "NOT sound.", "bold");
  await call.io.fields([
    ["codes", number(found.codes)],
    ["available", number(found.available)],
    ["leased to pools", number(found.leased)],
    ["claimed", number(found.claimed)],
    ["revoked unclaimed", number(found.revoked)],
    ["given twice", number(found.duplicate_codes)],
    ["users with too many", number(found.duplicate_users)],
    ["stranded", number(found.stranded)],
    ["not shown yet", number(found.unprojected)],
    ["checked", found.checked_at],
  ]);
}

export const reportCommands: readonly Command[] = [
  {
    name: "stats",
    operands: ["campaign"],
    summary: "count a campaign's codes by status",
    run: async (call) => {
      const stats = await call.client.stats(call.operand("campaign"));
      await call.io.answer(stats, () => showStats(call, stats));
      return OK;
    },
  },
  {
    name: "integrity",
    operands: ["campaign"],
    summary: "hold a campaign's ledger of claims against its codes",
    notes: ["The exit code is 1 when they do not agree."],
    run: async (call) => {
      const found = await call.client.integrity(call.operand("campaign"));
      await call.io.answer(found, () => showIntegrity(call, found));
      return found.ok ? OK : NO;
    },
  },
];
