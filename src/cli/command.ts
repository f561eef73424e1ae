/** What a command is, and what it gets to work with. */

import type { Codedrop } from "../client/client.ts";
import type { Io } from "./io.ts";
import { parseCount, UsageError } from "./parse.ts";

/** The exit codes. */
export const OK = 0;
/** The service refused, or the answer is no: a code that is not valid, a row that was not taken. */
export const NO = 1;
export const WRONG_USAGE = 2;
/** The service cannot be reached, or the connection was lost. */
export const UNREACHABLE = 3;
/** As shells count it: 128 and the number of SIGINT. */
export const INTERRUPTED = 130;

export interface Option {
  /** What its value is called in the help; without one it is a flag. */
  value?: string;
  help: string;
  isRequired?: true;
}

export interface Command {
  /** `noun verb`, or one word. */
  name: string;
  /** In order. One that ends in `…` takes all that are left, if any. */
  operands: readonly string[];
  summary: string;
  options?: Readonly<Record<string, Option>>;
  /** More lines for its own help. */
  notes?: readonly string[];
  /** Where to look whether it happened, when the answer was lost. */
  lookAfter?: (call: Invocation) => string;
  /** Resolves with the exit code. */
  run: (call: Invocation) => Promise<number>;
}

/** One command as it was typed. */
export class Invocation {
  readonly io: Io;
  readonly #operands: ReadonlyMap<string, readonly string[]>;
  readonly #options: Readonly<Record<string, string | boolean | undefined>>;
  readonly #connect: () => Codedrop;
  #client: Codedrop | null = null;

  constructor(parts: {
    io: Io;
    operands: ReadonlyMap<string, readonly string[]>;
    options: Readonly<Record<string, string | boolean | undefined>>;
    connect: () => Codedrop;
  }) {
    this.io = parts.io;
    this.#operands = parts.operands;
    this.#options = parts.options;
    this.#connect = parts.connect;
  }

  /** Made when it is first needed, so that a wrong argument is told before a missing key. */
  get client(): Codedrop {
    this.#client ??= this.#connect();
    return this.#client;
  }

  operand(name: string): string {
    return this.operands(name)[0] ?? "";
  }

  operands(name: string): readonly string[] {
    return this.#operands.get(name) ?? [];
  }

  flag(name: string): boolean {
    return this.#options[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#options[name];
    return typeof value === "string" ? value : undefined;
  }

  count(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : parseCount(text, `--${name}`);
  }

  /** The value of an option that is required, and so was there before the command ran. */
  required(name: string): string {
    return this.text(name) ?? "";
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new UsageError(`--${name} must be ${choices.join(", ")}.`);
    return found;
  }
}

/** Fields whose value was given. */
export function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as never;
}
