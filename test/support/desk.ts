/**
 * Where samples are run: a shell in a folder of its own, the package installed in it, a service,
 * and a memory for what the service calls things that the text calls otherwise.
 */

import { deepEqual, equal, match } from "node:assert/strict";
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { Handler, Sample } from "./samples.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
/** Where the text says that the service is. */
const ADDRESS = "http://localhost:8787";
/** Packages that samples import. */
const PACKAGES = ["jose", "standardwebhooks", "@types"];
const SECONDS_MAX = 30;

const run = promisify(execFile);

export type Json = Record<string, unknown>;

interface Answer {
  status: number;
  text: string;
  body: Json;
}

/** The shape of a value: names and kinds, and whatever of it does not change from run to run. */
function shapeOf(value: unknown, loose: ReadonlySet<string>, name = ""): unknown {
  if (Array.isArray(value)) return value.map((one) => shapeOf(one, loose, name));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, shapeOf(one, loose, key)]),
    );
  }
  if (loose.has(name)) return typeof value;
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) return "a time";
  return value;
}

/** Names of fields whose values are the service's own: every run has others. */
const OWN = ["id", "code", "hint", "key", "secret"];

export class Desk {
  readonly folder = mkdtempSync(path.join(tmpdir(), "codedrop-desk-"));
  readonly #address: string;
  readonly environment: Record<string, string>;
  /** What the text calls a thing, and what it is called here. */
  readonly #names = new Map<string, string>();
  readonly #running: ChildProcess[] = [];
  #programs = 0;
  last: Answer = { status: 0, text: "", body: {} };

  constructor(address: string, environment: Record<string, string>) {
    this.#address = address;
    this.environment = { CODEDROP_KEY: environment["KEY"] ?? "", ...environment };
    const modules = path.join(this.folder, "node_modules");
    const own = path.join(modules, "codedrop");
    mkdirSync(path.join(modules, ".bin"), { recursive: true });
    mkdirSync(own);
    for (const name of PACKAGES) {
      symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name));
    }
    cpSync(path.join(ROOT, "package.json"), path.join(own, "package.json"));
    const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
    const args = [tsc, "-p", "src/cli", "--outDir", path.join(own, "dist")];
    spawnSync(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
    symlinkSync("../codedrop/dist/cli/main.js", path.join(modules, ".bin/codedrop"));
    spawnSync("chmod", ["+x", path.join(own, "dist/cli/main.js")]);
    writeFileSync(path.join(this.folder, "package.json"), '{ "type": "module" }');
  }

  clear(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** From here on the text's name stands for another thing. */
  call(shown: string, actual: string): void {
    this.#names.set(shown, actual);
  }

  named(shown: string): string {
    return this.#names.get(shown) ?? shown;
  }

  /** The text with the addresses and names of this run. */
  local(text: string): string {
    let local = text.replaceAll(ADDRESS, this.#address);
    for (const [shown, actual] of this.#names) local = local.replaceAll(shown, actual);
    return local;
  }

  write(name: string, text: string): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  /** What bash makes of it: the exit code and what it printed. */
  async shell(command: string, input = ""): Promise<{ code: number; out: string; err: string }> {
    const child = spawn("bash", ["-c", command], {
      cwd: this.folder,
      env: { ...process.env, CODEDROP_URL: this.#address, ...this.environment },
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.stdin.end(input);
    const code = await new Promise<number>((resolve) =>
      child.once("close", (status) => resolve(status ?? -1)),
    );
    return { code, out, err };
  }

  /** A command of curl; its answer is the last one from then on. */
  async curl(command: string): Promise<Answer> {
    const { out, err } = await this.shell(
      `${this.local(command)} -sS --max-time ${command.includes(" -N ") ? 1 : SECONDS_MAX} -w '\\n%{http_code}'`,
    );
    const cut = out.lastIndexOf("\n");
    const text = out.slice(0, cut);
    if (cut < 0) throw new Error(err);
    const isJson = /^[{[]/.test(text);
    const body = (isJson ? JSON.parse(text) : {}) as Json;
    return { status: Number(out.slice(cut + 1)), text, body };
  }

  /** Shows curl a call, whose status is what the text says. */
  curls(status: number, then?: (answer: Answer, sample: Sample) => void | Promise<void>): Handler {
    return {
      languages: ["sh"],
      run: async (sample) => {
        this.last = await this.curl(sample.text);
        equal(this.last.status, status, this.last.text);
        await then?.(this.last, sample);
      },
    };
  }

  /**
   * An answer that the text shows, held against the last one: the same fields in the same order,
   * and the same values but for ids, times and the like, whose names here are remembered. Of fields
   * in `loose` only the kind counts.
   */
  answers(...loose: string[]): Handler {
    return {
      languages: ["json"],
      run: ({ text }) => {
        const shown = JSON.parse(this.local(text)) as Json;
        const names = JSON.parse(text) as Json;
        const actual = this.last.body;
        this.#learn(names, actual);
        const ids = Object.keys(flat(shown)).filter((name) => name.endsWith("_id"));
        const given = new Set(["user_id", "order_id"].filter((name) => !loose.includes(name)));
        const isOwn = new Set([...OWN, ...loose, ...ids].filter((name) => !given.has(name)));
        // Texts, so that the order of the fields counts, too.
        equal(
          JSON.stringify(shapeOf(actual, isOwn), null, 2),
          JSON.stringify(shapeOf(shown, isOwn), null, 2),
        );
      },
    };
  }

  /** Ids and secrets that the text shows lead to those of this run from now on. */
  #learn(shown: Json, actual: Json): void {
    const here = flat(actual);
    for (const [name, value] of Object.entries(flat(shown))) {
      const own = here[name];
      // "…" alone is everywhere.
      if (typeof value !== "string" || typeof own !== "string" || value.length < 8) continue;
      if (/_/.test(value) || name === "code") this.call(value, own);
    }
  }

  /** A program in a file of its own: what it printed. */
  async program(text: string, extension: "ts" | "js", preload = ""): Promise<string> {
    this.#programs += 1;
    const file = this.write(`program-${this.#programs}.${extension}`, this.local(text));
    const imports = preload === "" ? [] : ["--import", this.write("preload.js", preload)];
    const { stdout } = await run(process.execPath, [...imports, file], {
      cwd: this.folder,
      env: { ...process.env, ...this.environment },
      timeout: SECONDS_MAX * 1_000,
    });
    return stdout;
  }

  /** A program that goes on, such as a server; it ends with the desk. */
  serve(text: string): { output: () => string } {
    const file = this.write("server.js", this.local(text));
    const child = spawn(process.execPath, [file], {
      cwd: this.folder,
      env: { ...process.env, ...this.environment },
    });
    this.#running.push(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    return { output: () => output };
  }

  /** Runs a sample as it stands; what it prints is as said. */
  prints(expected: RegExp): Handler {
    return {
      languages: ["ts", "js"],
      run: async ({ text, language }) => {
        if (language === "ts") await this.compiles(text);
        match(await this.program(text, language as "ts" | "js"), expected);
      },
    };
  }

  /** The compiler's view of a sample, with the types of the installed package. */
  async compiles(text: string): Promise<void> {
    const file = this.write("checked.ts", text);
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--types", "node"];
    const modern = [
      "--target",
      "esnext",
      "--module",
      "nodenext",
      "--lib",
      "esnext,dom,dom.iterable",
    ];
    const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
    const { code, out } = await this.shell(
      [process.execPath, tsc, ...options, ...modern, "--ignoreConfig", file].join(" "),
    );
    deepEqual([code, out], [0, ""]);
  }

  /** Reads a secret from the terminal, as the text says, and has it. */
  reads(variable: string): Handler {
    return {
      languages: ["sh"],
      run: async ({ text }) => {
        const { out, code } = await this.shell(`${text}\nprintenv ${variable}`, "a-secret\n");
        deepEqual([code, out], [0, "a-secret\n"]);
      },
    };
  }

  /** Lines for a shell, each of which ends well. */
  types(then?: (out: string) => void | Promise<void>, code = 0): Handler {
    return {
      languages: ["sh"],
      run: async ({ text }) => {
        const done = await this.shell(this.local(text));
        equal(done.code, code, done.err);
        await then?.(done.out);
      },
    };
  }

  /** A block that is a file. */
  file(name: string, ...languages: string[]): Handler {
    return { languages, run: ({ text }) => void this.write(name, `${text}\n`) };
  }
}

/** How `npm start` came to serve: the commands that the test itself has run. */
export const asStarted: Handler = {
  languages: ["sh"],
  run: ({ text }) => deepEqual(text.split("\n"), ["npm ci", "npm start"]),
};

/** All leaves by their innermost name. */
function flat(value: unknown, name = "", into: Json = {}): Json {
  if (typeof value === "object" && value !== null) {
    for (const [key, one] of Object.entries(value)) {
      flat(one, Array.isArray(value) ? name : key, into);
    }
  } else into[name] ??= value;
  return into;
}
