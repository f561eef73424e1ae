/** An import's fields, in answers, and its file. */

import * as z from "zod";
import type { ImportRow } from "../db/imports.ts";
import {
  IMPORT_ROWS_MAX,
  importStatus,
  isRowReason,
  ROW_REASONS,
  type RowReason,
} from "../domain/import.ts";
import type { RowError as FoundError } from "../inventory/imports.ts";
import { AnsweredTime, toWireTime } from "./schemas.ts";

/** Errors in an answer that shows a whole import; the rest are a list of their own. */
export const ERRORS_SHOWN_MAX = 1_000;

export const RowError = z
  .strictObject({
    line: z.int().meta({ description: "Of the file, from 1; in JSON the place in `codes`." }),
    code: z.string().meta({ description: "What could be read of it, 128 characters at most." }),
    reason: z.enum(Object.keys(ROW_REASONS).filter(isRowReason) as [RowReason, ...RowReason[]]),
    detail: z.string().meta({ description: "What to change." }),
  })
  .meta({ id: "ImportError" });

const summary = {
  id: z.string().meta({ example: "imp_01k3q9m7x2v8d4t6w5ab" }),
  campaign_id: z.string(),
  status: z.enum(["running", "complete", "failed"]).meta({
    description:
      "failed: the file broke off, or could not be read on. What was accepted stays; send the whole file again.",
  }),
  dry_run: z.boolean(),
  rows: z.int().meta({ description: "accepted + duplicates + rejected. Empty lines are no rows." }),
  accepted: z.int(),
  duplicates: z.int().meta({
    description: "Codes that the brand has in a campaign of the same mode, or that came before.",
  }),
  rejected: z.int(),
  created_at: AnsweredTime,
  finished_at: AnsweredTime.nullable(),
};

export const ImportSummary = z.strictObject(summary).meta({ id: "ImportSummary" });

export const Import = z
  .strictObject({
    ...summary,
    errors: z.array(RowError).meta({
      description: `Rows that were not accepted, the first ${ERRORS_SHOWN_MAX} of them.`,
    }),
  })
  .meta({ id: "Import" });

export function presentError({ line, code, reason }: FoundError): z.infer<typeof RowError> {
  return { line, code, reason, detail: ROW_REASONS[reason] };
}

export function presentSummary(row: ImportRow): z.infer<typeof ImportSummary> {
  const { rows, accepted, duplicates, rejected } = row;
  return {
    id: row.id,
    campaign_id: row.campaignId,
    status: importStatus(row, Date.now()),
    dry_run: row.dryRun,
    rows,
    accepted,
    duplicates,
    rejected,
    created_at: toWireTime(row.createdAt),
    finished_at: toWireTime(row.finishedAt),
  };
}

export function presentImport(row: ImportRow, errors: FoundError[]): z.infer<typeof Import> {
  return { ...presentSummary(row), errors: errors.map(presentError) };
}

/** For the reference: the body is read as it arrives, by no validator. */
export const FILE = {
  required: true,
  content: {
    "text/csv": {
      schema: {
        type: "string",
        description: "A column `code`, in any place, or one column with or without a header.",
        example: "code\r\nSUMMER-1\r\nSUMMER-2\r\n",
      },
    },
    "application/x-ndjson": {
      schema: { type: "string", example: '{"code": "SUMMER-1"}\n{"code": "SUMMER-2"}\n' },
    },
    "application/json": {
      schema: {
        type: "object",
        properties: {
          codes: { type: "array", items: { type: "string" }, maxItems: IMPORT_ROWS_MAX },
        },
        required: ["codes"] as string[],
        additionalProperties: false,
        example: { codes: ["SUMMER-1", "SUMMER-2"] },
      },
    },
  },
} as const;
