import type { Command, Option } from "./command.ts";
import { aligned, columnWidths } from "./io.ts";

/** Options of every command. */
export const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  json: { help: "one JSON value on stdout, or a line of JSON for each row of a list" },
  help: { help: "this" },
};

const OPENING = "codedrop: discount codes from the command line";

const CLOSING = `Every command takes --json and --help.

Environment
  CODEDROP_URL  where the service is; http://localhost:8787 unless you say
  CODEDROP_KEY  a secret key of the brand. It is read from here only, so that no shell history and
                no list of processes has it:  read -rs CODEDROP_KEY && export CODEDROP_KEY
  NO_COLOR      no colours

Exit codes
  0  done
  1  the service refused, or the answer is no: not valid, not sound, not all rows taken
  2  the command is written wrongly
  3  the service cannot be reached, or the connection was lost`;

function operandsText({ operands }: Command): string {
  return operands
    .map((operand) => (operand.endsWith("…") ? `[<${operand.slice(0, -1)}>…]` : `<${operand}>`))
    .join(" ");
}

const optionText = (name: string, { value }: Option) =>
  value === undefined ? `--${name}` : `--${name} ${value}`;

export function usageOf(command: Command): string {
  const required = Object.entries(command.options ?? {})
    .filter(([, { isRequired }]) => isRequired)
    .map(([name, option]) => optionText(name, option));
  const words = ["codedrop", command.name, operandsText(command), ...required, "[options]"];
  return words.filter((word) => word !== "").join(" ");
}

function block(rows: string[][]): string[] {
  const widths = columnWidths(rows);
  return rows.map((row) => `  ${aligned(row, widths)}`);
}

function rowsOf(commands: readonly Command[]): string[][] {
  return commands.map((command) => [
    `${command.name} ${operandsText(command)}`.trim(),
    command.summary,
  ]);
}

/** Every command. */
export function overview(commands: readonly Command[]): string[] {
  const lines = [OPENING, "", "Usage: codedrop <command> [options]", ""];
  return [...lines, ...block(rowsOf(commands)), "", ...CLOSING.split("\n")];
}

/** The commands of one noun. */
export function nounHelp(commands: readonly Command[]): string[] {
  return block(rowsOf(commands));
}

export function commandHelp(command: Command): string[] {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(
    ([name, option]) => [optionText(name, option), option.help],
  );
  const notes = command.notes === undefined ? [] : ["", ...command.notes];
  return [
    usageOf(command),
    "",
    `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`,
    ...notes,
    "",
    ...block(options),
  ];
}
