/** An upload of a brand's own codes: its limits, and what can be wrong with a row. */

import { ROW_FAULTS, type RowFault } from "./imported-code.ts";

/** Rows of one file. */
export const IMPORT_ROWS_MAX = 1_000_000;
/** Bytes of one file: what the platform takes in one request. */
export const IMPORT_BYTES_MAX = 100_000_000;

/** Rows taken in one D1 transaction, or fewer where their codes are too long for one parameter. */
export const IMPORT_STEP = 5_000;

/** An upload that has not grown for so long has broken off. */
export const IMPORT_SILENCE_MS = 300_000;

/** Why a row was not taken: a fault of its own, or that the code is known. */
export type RowReason = RowFault | "duplicate-in-file" | "duplicate";

export const ROW_REASONS: Record<RowReason, string> = {
  ...ROW_FAULTS,
  "duplicate-in-file": "Nothing to do: an earlier row of the file has the same code.",
  duplicate:
    "Nothing to do: the brand has this code already, in this campaign or another of the same mode.",
};

export function isRowReason(text: string): text is RowReason {
  return Object.hasOwn(ROW_REASONS, text);
}

export type ImportStatus = "running" | "complete" | "failed";

/** The status at `now`: nobody says so of an upload that broke off. */
export function importStatus(
  { status, touchedAt }: { status: ImportStatus; touchedAt: number },
  now: number,
): ImportStatus {
  return status === "running" && now - touchedAt > IMPORT_SILENCE_MS ? "failed" : status;
}
