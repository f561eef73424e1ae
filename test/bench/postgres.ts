/**
 * PostgreSQL, where it is installed: a cluster for this run alone, on a Unix socket, with the
 * defaults, so every commit is flushed to disk. pgbench speaks its protocol: there is no HTTP, no
 * key and no JSON on the way, which flatters it beside the rest.
 */

import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Measured } from "./load.ts";
import type { Stage } from "./stage.ts";

const PROGRAMS = ["initdb", "pg_ctl", "pgbench", "psql"];

/** Debian keeps each version's programs out of PATH. */
function findPrograms(): string | null {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root) : [];
  const folders = [
    ...versions
      .toSorted((a, b) => Number(b) - Number(a))
      .map((version) => path.join(root, version, "bin")),
    ...(process.env["PATH"] ?? "").split(path.delimiter),
  ];
  const hasAll = (folder: string) =>
    PROGRAMS.every((program) => existsSync(path.join(folder, program)));
  return folders.find(hasAll) ?? null;
}

/** initdb refuses root, so root lends itself the account that packages make. */
function findAccount(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0)
    return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8"));
  return line === null ? null : { uid: Number(line[1]), gid: Number(line[2]) };
}

const SCHEMA = `
  CREATE TABLE codes (
    id BIGINT PRIMARY KEY, campaign TEXT NOT NULL, code TEXT NOT NULL UNIQUE, user_id TEXT,
    claimed_at TIMESTAMPTZ
  );
  CREATE UNIQUE INDEX codes_by_user ON codes (campaign, user_id) WHERE user_id IS NOT NULL;
  CREATE INDEX codes_free ON codes (campaign, id) WHERE user_id IS NULL;`;

const CLAIM = `
\\set user random(1, 1000000000000000000)
UPDATE codes SET user_id = 'u-' || :user, claimed_at = now() WHERE id = (SELECT id FROM codes WHERE campaign = 'bench' AND user_id IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING code;
`;

export class Postgres {
  readonly #bin: string;
  readonly #dir: string;
  readonly #account: { uid: number; gid: number };
  #claims = 0;

  private constructor(bin: string, account: { uid: number; gid: number }) {
    this.#bin = bin;
    this.#account = account;
    // A folder of its own: the account may not look into the benchmark's.
    this.#dir = mkdtempSync(path.join(tmpdir(), "codedrop-pg-"));
    chownSync(this.#dir, account.uid, account.gid);
  }

  /** A cluster with so many codes, or why there is none. */
  static start(stage: Stage, codes: number): Postgres | string {
    const bin = findPrograms();
    if (bin === null) return `${PROGRAMS.join(", ")} are not all installed`;
    const account = findAccount();
    if (account === null) return "initdb refuses root, and there is no account postgres";
    const postgres = new Postgres(bin, account);
    stage.atEnd(() => postgres.#stop());
    const options = `-k ${postgres.#dir} -c listen_addresses=''`;
    postgres.#run("initdb", ["-D", "data", "-A", "trust", "-U", "bench", "--no-sync"]);
    postgres.#run("pg_ctl", ["-D", "data", "-w", "-l", "log", "-o", options, "start"]);
    postgres.#sql(SCHEMA);
    postgres.#sql(
      `INSERT INTO codes SELECT n, 'bench', md5(n::text) FROM generate_series(1, ${codes}) AS n`,
    );
    postgres.#sql("VACUUM ANALYZE codes");
    return postgres;
  }

  get version(): string {
    return this.#sql("SHOW server_version").trim();
  }

  /** Claims for about so long with so many clients; pgbench counts in whole seconds. */
  claim(inFlight: number, ms: number): Measured {
    const seconds = String(Math.max(1, Math.round(ms / 1000)));
    const options = ["-n", "-M", "prepared", "-c", String(inFlight), "-j", "1", "-T", seconds];
    const log = ["-l", "--log-prefix=claims"];
    const output = this.#run(
      "pgbench",
      [...options, ...log, "-f", "-", ...this.#database()],
      CLAIM,
    );
    const perSecond = Number(/tps = ([\d.]+)/.exec(output)?.[1]);
    const latencies = this.#takeLatencies();
    this.#claims += latencies.length;
    return { done: latencies.length, seconds: latencies.length / perSecond, latencies };
  }

  /** Throws unless every claim that was counted took a code. */
  check(): void {
    const taken = Number(this.#sql("SELECT count(*) FROM codes WHERE user_id IS NOT NULL"));
    if (taken !== this.#claims) throw new Error(`${this.#claims} claims took ${taken} codes`);
  }

  /** pgbench logs "client transaction microseconds …" of each. */
  #takeLatencies(): number[] {
    const files = readdirSync(this.#dir).filter((file) => file.startsWith("claims."));
    const latencies = files.flatMap((file) => {
      const lines = readFileSync(path.join(this.#dir, file), "utf8").trim().split("\n");
      return lines.map((line) => Number(line.split(" ")[2]) / 1000);
    });
    for (const file of files) rmSync(path.join(this.#dir, file));
    return latencies;
  }

  #database(): string[] {
    return ["-h", this.#dir, "-U", "bench", "postgres"];
  }

  #sql(text: string): string {
    return this.#run(
      "psql",
      ["-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", ...this.#database()],
      text,
    );
  }

  #run(program: string, args: string[], input = ""): string {
    const { status, stdout, stderr, error } = spawnSync(path.join(this.#bin, program), args, {
      ...this.#account,
      cwd: this.#dir,
      // pg_ctl's server would hold pipes open for ever.
      stdio: program === "pg_ctl" ? "ignore" : "pipe",
      input,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? ""}${stderr ?? ""}`);
    return stdout ?? "";
  }

  #stop(): void {
    try {
      this.#run("pg_ctl", ["-D", "data", "-w", "-m", "immediate", "stop"]);
    } catch {
      // It was not running.
    }
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
