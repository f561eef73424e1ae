import type { Command } from "./command.ts";
import { campaignCommands } from "./commands/campaigns.ts";
import { claimCommands } from "./commands/claims.ts";
import { codeCommands } from "./commands/codes.ts";
import { exportCommands } from "./commands/exports.ts";
import { importCommands } from "./commands/imports.ts";
import { batchCommands } from "./commands/batches.ts";
import { redemptionCommands } from "./commands/redemptions.ts";
import { reportCommands } from "./commands/reports.ts";

const all: readonly Command[] = [
  ...campaignCommands,
  ...batchCommands,
  ...importCommands,
  ...codeCommands,
  ...claimCommands,
  ...exportCommands,
  ...redemptionCommands,
  ...reportCommands,
];

const nounOf = ({ name }: Command) => name.split(" ")[0];
const nouns = [...new Set(all.map(nounOf))];

/** In the order of the help: those of a noun together. */
export const COMMANDS: readonly Command[] = nouns.flatMap((noun) =>
  all.filter((command) => nounOf(command) === noun),
);
