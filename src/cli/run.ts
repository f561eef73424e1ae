/** From the words that were typed to the command, and from what becomes of it to an exit code. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { Codedrop } from "../client/client.ts";
import { COMMANDS } from "./commands.ts";
import { Invocation, OK, type Command } from "./command.ts";
import { explain } from "./failure.ts";
import { COMMON_OPTIONS, commandHelp, nounHelp, overview } from "./help.ts";
import { Io, type System } from "./io.ts";
import { SetupError, UsageError } from "./parse.ts";
import { duration } from "./text.ts";

const URL_DEFAULT = "http://localhost:8787";

async function print(io: Io, lines: readonly string[]): Promise<number> {
  for (const line of lines) await io.line(line);
  return OK;
}

/** The command that the first words name, and how many words that are. */
function find(words: readonly string[]): { command: Command; length: number } | null {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(" ");
    const command = COMMANDS.find((candidate) => candidate.name === name);
    if (command !== undefined) return { command, length };
  }
  return null;
}

const ofNoun = (noun: string) => COMMANDS.filter(({ name }) => name.startsWith(`${noun} `));

function unknown(words: readonly string[]): UsageError {
  const [noun = "", verb] = words;
  if (noun.startsWith("-")) return new UsageError("The command comes before its options.");
  const verbs = ofNoun(noun).map(({ name }) => name.slice(noun.length + 1));
  if (verbs.length === 0) return new UsageError(`There is no command "${noun}".`);
  return new UsageError(
    verb === undefined || verb.startsWith("-")
      ? `codedrop ${noun} needs one of: ${verbs.join(", ")}.`
      : `There is no "${noun} ${verb}"; there is: ${verbs.join(", ")}.`,
  );
}

/** `codedrop help …` and `codedrop … --help` for what is no command by itself. */
async function help(io: Io, words: readonly string[]): Promise<number> {
  const [noun] = words;
  if (noun === undefined) return print(io, overview(COMMANDS));
  const found = find(words);
  if (found !== null) return print(io, commandHelp(found.command));
  const commands = ofNoun(noun);
  if (commands.length === 0 || words.length > 1) throw unknown(words);
  return print(io, nounHelp(commands));
}

function parse(command: Command, args: string[]) {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, { value }] of Object.entries({ ...command.options, ...COMMON_OPTIONS })) {
    options[name] = { type: value === undefined ? "boolean" : "string" };
  }
  options["help"] = { type: "boolean", short: "h" };
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const ambiguous = /^Option '([^ ']+).*' argument is ambiguous/.exec(error.message)?.[1];
    if (ambiguous !== undefined) {
      const message = `The value of ${ambiguous} begins with a dash: write ${ambiguous}=VALUE.`;
      throw new UsageError(message, { cause: error });
    }
    // Node's further advice is hard to read; the first sentence says what is wrong.
    const [first = ""] = error.message.split(/[.;] /);
    const hints = [
      args.some((arg) => /^--?(api-?)?key\b/i.test(arg))
        ? " The key is read from CODEDROP_KEY, never from an argument."
        : "",
      args.some((arg) => /^-[^-]/.test(arg)) ? " What begins with a dash comes after --." : "",
    ];
    throw new UsageError(`${first}.${hints.join("")}`, { cause: error });
  }
}

function requireOptions(command: Command, values: Record<string, unknown>): void {
  for (const [name, { isRequired }] of Object.entries(command.options ?? {})) {
    if (isRequired && values[name] === undefined) throw new UsageError(`--${name} is missing.`);
  }
}

function assignOperands(command: Command, words: readonly string[]): Map<string, string[]> {
  const operands = new Map<string, string[]>();
  let rest = [...words];
  for (const operand of command.operands) {
    const isRest = operand.endsWith("…");
    const name = isRest ? operand.slice(0, -1) : operand;
    const taken = isRest ? rest : rest.slice(0, 1);
    rest = rest.slice(taken.length);
    if (taken.length === 0 && !isRest) throw new UsageError(`<${name}> is missing.`);
    if (taken.some((word) => ["", ".", ".."].includes(word))) {
      throw new UsageError(`<${name}> cannot be "${taken[0]}".`);
    }
    operands.set(name, taken);
  }
  if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one word too many.`);
  return operands;
}

function connect(io: Io): Codedrop {
  const { CODEDROP_URL: url, CODEDROP_KEY: key } = io.system.env;
  if (!key) {
    throw new SetupError(
      "CODEDROP_KEY is not set. It takes a secret key: read -rs CODEDROP_KEY && export CODEDROP_KEY",
    );
  }
  try {
    return new Codedrop({
      baseUrl: url || URL_DEFAULT,
      key,
      onRetry: ({ error, waitMs, retriesLeft }) => {
        const left = `${retriesLeft} more ${retriesLeft === 1 ? "try" : "tries"}`;
        io.note(`${error.message} Again in ${duration(waitMs / 1_000)}; ${left}.`, "dim");
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // It names the option that is wrong, and never its value.
    const message = error.message.replace("baseUrl", "CODEDROP_URL").replace("key", "CODEDROP_KEY");
    throw new SetupError(message, { cause: error });
  }
}

function version(): string {
  // Two folders up, from src/cli as from dist/cli.
  const here = path.dirname(fileURLToPath(import.meta.url));
  const manifest = readFileSync(path.join(here, "../../package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

async function runCommand(command: Command, args: string[], system: System): Promise<number> {
  let io = new Io(system, false);
  let call: Invocation | undefined;
  try {
    const { values, positionals } = parse(command, args);
    if (values["help"] === true) return await print(io, commandHelp(command));
    io = new Io(system, values["json"] === true);
    const operands = assignOperands(command, positionals);
    requireOptions(command, values);
    const options = values as Record<string, string | boolean | undefined>;
    call = new Invocation({ io, operands, options, connect: () => connect(io) });
    return await command.run(call);
  } catch (error) {
    return explain(error, io, command, call);
  }
}

/** Runs what was typed after `codedrop`; resolves with the exit code. */
export async function run(args: string[], system: System): Promise<number> {
  const io = new Io(system, false);
  try {
    const [first, ...rest] = args;
    if (first === "--version") return await print(io, [version()]);
    if (first === "--help" || first === "-h") return await help(io, []);
    if (first === "help") return await help(io, rest);
    const found = find(args);
    if (found !== null) return await runCommand(found.command, args.slice(found.length), system);
    if (first !== undefined && args[1] === "--help") return await help(io, [first]);
    if (first === undefined) throw new UsageError("Which command?");
    throw unknown(args);
  } catch (error) {
    return explain(error, io);
  }
}
