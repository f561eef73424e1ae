/** The terminal: answers on stdout, everything else on stderr, nothing that a terminal obeys. */

import type { Readable, Writable } from "node:stream";
import { jsonLine, plain, plainLines } from "./text.ts";

/** What a process has, so that tests can give another. */
export interface System {
  env: Record<string, string | undefined>;
  stdin: Readable;
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable & { isTTY?: boolean; columns?: number };
}

type Style = "bold" | "dim" | "red";
const STYLES: Record<Style, string> = { bold: "\u001b[1m", dim: "\u001b[2m", red: "\u001b[31m" };
const PLAIN_AGAIN = "\u001b[0m";
const COLUMNS_DEFAULT = 80;
const CLEAR_LINE = "\r\u001b[K";

export class Io {
  readonly system: System;
  /** Whether stdout is for programs: JSON and nothing else. */
  readonly isJson: boolean;
  /** Whether somebody watches stderr, so that a line may be drawn over and over. */
  readonly isLive: boolean;
  readonly #decoder = new TextDecoder();
  #status = "";

  constructor(system: System, isJson: boolean) {
    this.system = system;
    this.isJson = isJson;
    this.isLive = system.stderr.isTTY === true && system.env["TERM"] !== "dumb";
  }

  /** The width of the terminal; some say 0 when they do not know. */
  get columns(): number {
    return this.system.stderr.columns || COLUMNS_DEFAULT;
  }

  /** A line of the answer, for people. */
  async line(text = "", style?: Style): Promise<void> {
    await this.#print(`${this.#styled(this.system.stdout, plain(text), style)}\n`);
  }

  /** A line of the answer, for programs. */
  async value(value: unknown): Promise<void> {
    await this.#print(`${jsonLine(value)}\n`);
  }

  /** The answer: JSON, or what `say` prints of it. */
  async answer(value: unknown, say: () => Promise<void>): Promise<void> {
    await (this.isJson ? this.value(value) : say());
  }

  /** Bytes as they came; on a terminal without what it would obey. */
  async bytes(chunk: Uint8Array): Promise<void> {
    const { stdout } = this.system;
    if (stdout.isTTY !== true) return this.#print(chunk);
    await this.#print(plainLines(this.#decoder.decode(chunk, { stream: true })));
  }

  /** Names and values below each other. */
  async fields(fields: [name: string, value: string | null][]): Promise<void> {
    const width = Math.max(...fields.map(([name]) => name.length));
    for (const [name, value] of fields) {
      if (value !== null) await this.line(`${name.padEnd(width)}  ${plain(value)}`);
    }
  }

  async table(rows: readonly (readonly string[])[], head?: readonly string[]): Promise<void> {
    const widths = columnWidths(head === undefined ? rows : [head, ...rows]);
    if (head !== undefined) await this.line(aligned(head, widths), "dim");
    for (const row of rows) await this.line(aligned(row, widths));
  }

  /** A line beside the answer. */
  note(text: string, style?: Style): void {
    const { stderr } = this.system;
    const line = `${this.#styled(stderr, plain(text), style)}\n`;
    stderr.write(this.#status === "" ? line : CLEAR_LINE + line + this.#status);
  }

  /** The line that is drawn over and over on a live terminal; an empty one takes it away. */
  status(text: string): void {
    if (!this.isLive || text === this.#status) return;
    this.#status = plain(text).slice(0, this.columns - 1);
    this.system.stderr.write(CLEAR_LINE + this.#status);
  }

  #styled(stream: { isTTY?: boolean }, text: string, style: Style | undefined): string {
    const { env } = this.system;
    const isPlain = stream.isTTY !== true || env["TERM"] === "dumb" || !!env["NO_COLOR"];
    return isPlain || style === undefined ? text : STYLES[style] + text + PLAIN_AGAIN;
  }

  /** Resolves when the stream has taken it, so that a slow reader slows us down. */
  #print(chunk: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.system.stdout.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }
}

const lengthOf = (cell: string) => [...plain(cell)].length;

export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => lengthOf(row[column] ?? ""))),
  );
}

/** Cells of a row under those of the rows before; the last is not padded. */
export function aligned(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, i) =>
      i === row.length - 1
        ? plain(cell)
        : plain(cell) + " ".repeat(Math.max(0, (widths[i] ?? 0) - lengthOf(cell))),
    )
    .join("  ")
    .trimEnd();
}
