/** Style that a linter does not hold: the shape of the tree, and which way imports point. */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { problems } from "../../src/http/problems.ts";

const root = path.resolve(import.meta.dirname, "../..");
const LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;
const COLUMNS_MAX = 100;

function filesOf(...patterns: string[]): string[] {
  return execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", ...patterns],
    {
      cwd: root,
      encoding: "utf8",
    },
  )
    .split("\n")
    .filter((file) => file !== "" && existsSync(path.join(root, file)));
}

const read = (file: string) => readFileSync(path.join(root, file), "utf8");
const sources = filesOf("src/*.ts", "src/**/*.ts", "src/**/*.tsx").filter(
  (file) => !file.endsWith("env.d.ts"),
);
const all = [...sources, ...filesOf("test/*.ts", "test/**/*.ts")];

/** Which rooms a room may import from, besides itself. */
const ARROWS: Record<string, string[]> = {
  domain: [],
  objects: [],
  db: ["domain"],
  inventory: ["db", "domain"],
  "code-pool": ["objects", "inventory", "db", "domain"],
  "batch-runner": ["objects", "herald", "code-pool", "inventory", "db", "domain"],
  users: ["objects", "herald", "code-pool", "inventory", "db", "domain"],
  events: ["code-pool", "inventory", "db", "domain"],
  webhooks: ["objects", "code-pool", "events", "outbound", "db", "domain"],
  herald: ["objects", "webhooks", "code-pool", "inventory", "db", "domain"],
  directory: ["db", "domain"],
  outbound: ["db", "domain"],
  challenge: ["outbound"],
  identity: ["outbound", "directory", "db", "domain"],
  http: [
    "challenge",
    "identity",
    "directory",
    "batch-runner",
    "users",
    "herald",
    "code-pool",
    "objects",
    "events",
    "webhooks",
    "inventory",
    "db",
    "domain",
  ],
  dev: ["build"],
  client: [],
  cli: ["client"],
  pages: ["client", "domain"],
  reference: ["http", "identity", "webhooks", "domain"],
  build: ["reference", "pages"],
  "": ["http", "batch-runner", "code-pool", "herald", "users", "webhooks", "domain"],
};

function roomOf(file: string): string {
  const [, room = "", rest] = file.split("/");
  return rest === undefined ? "" : room;
}

describe("the tree", () => {
  it("has the agreed top level and nothing else", () => {
    const top = new Set(filesOf(".").map((file) => file.split("/")[0] ?? ""));
    const named = [...top].filter((name) => !name.startsWith("."));
    expect(named.toSorted()).toEqual(
      [
        "README.md",
        "migrations",
        "package-lock.json",
        "package.json",
        "src",
        "test",
        "tsconfig.json",
        "wrangler.toml",
      ].toSorted(),
    );
  });

  it("numbers its migrations without a gap", () => {
    const numbers = filesOf("migrations/*.sql")
      .toSorted()
      .map((file) => /(\d{4})_[a-z_]+\.sql$/.exec(file)?.[1]);
    expect(numbers).toEqual(numbers.map((_, i) => String(i + 1).padStart(4, "0")));
  });

  it("pins every dependency to one version", () => {
    const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
    const versions = Object.values({ ...manifest["dependencies"], ...manifest["devDependencies"] });
    for (const version of versions) expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  });
});

describe("imports", () => {
  it("point one way, are relative, name the file, and meet no barrel", () => {
    const wrong: string[] = [];
    for (const file of sources) {
      const room = roomOf(file);
      for (const [, target = ""] of read(file).matchAll(/from "(\.[^"]*)"/g)) {
        const aim = path.join(path.dirname(file), target);
        const allowed = [room, ...(ARROWS[room] ?? [])].includes(roomOf(aim));
        if (!allowed || !/\.tsx?$/.test(target) || target.endsWith("index.ts"))
          wrong.push(`${file} → ${target}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(new Set(sources.map(roomOf))).toEqual(new Set(Object.keys(ARROWS)));
  });

  it("leave the domain pure: no package, no clock, no randomness", () => {
    for (const file of sources.filter((name) => roomOf(name) === "domain")) {
      expect([
        file,
        /from "[^.]|Date\.now|new Date\(\)|Math\.random|crypto\./.exec(read(file))?.[0],
      ]).toEqual([file, undefined]);
    }
  });

  it("keep D1's SQL in inventory/, an object's in its own room", () => {
    const elsewhere = sources.filter(
      (file) =>
        !["inventory", "code-pool", "webhooks"].includes(roomOf(file)) &&
        file !== "src/http/routes/platform.ts" &&
        /\.prepare\(|\.exec</.test(read(file)),
    );
    expect(elsewhere).toEqual([]);
  });
});

/**
 * Lengths of the functions of a file that oxfmt has laid out: from the head's line to the closing
 * brace's.
 */
function longFunctions(file: string): string[] {
  const lines = read(file).split("\n");
  const found: string[] = [];
  lines.forEach((line, i) => {
    const head =
      /^(\s*)(?:export )?(?:default )?(?:override )?(?:async )?(?:function\b|\*?#?\w+\($|\*?#?\w+\([^)]*\).*\{$|const \w+ = (?:async )?\(.*\{$|(?:async )?\(c\) => \{)/.exec(
        line,
      );
    if (head === null || /^\s*(if|for|while|switch|return|describe|it|test|expect)\b/.test(line))
      return;
    const indent = head[1] ?? "";
    // A head may end lines later, and its result's type may close a brace of its own: "}> {".
    let end = i;
    do end = lines.findIndex((later, j) => j > end && later.startsWith(`${indent}}`));
    while (end > 0 && lines[end]?.endsWith("{") === true && /^\s*\}[>\])]/.test(lines[end] ?? ""));
    // A call that is only spread over lines ends in ")".
    const isCall = lines.slice(i, end).some((later) => later === `${indent});`);
    if (end > 0 && !isCall && end - i + 1 > FUNCTION_LINES_MAX)
      found.push(`${file}:${i + 1} has ${end - i + 1} lines`);
  });
  return found;
}

describe("every file", () => {
  it(`has at most ${LINES_MAX} lines in src, and functions of at most ${FUNCTION_LINES_MAX}`, () => {
    const long = sources.filter((file) => read(file).split("\n").length > LINES_MAX + 1);
    expect(long).toEqual([]);
    expect(sources.flatMap(longFunctions)).toEqual([]);
  });

  it(`keeps comments within ${COLUMNS_MAX} columns and leaves nothing open`, () => {
    const wrong: string[] = [];
    for (const file of all) {
      read(file)
        .split("\n")
        .forEach((line, i) => {
          const comment = /^\s*(\/\/|\*|\/\*)/.test(line);
          if (comment && line.length > COLUMNS_MAX) wrong.push(`${file}:${i + 1} is long`);
          if (/\b(TO[D]O|FIX[M]E|X{3}:)/.test(line)) wrong.push(`${file}:${i + 1} is open`);
          if (/\b(it|test|describe)\.(only|skip)\(/.test(line))
            wrong.push(`${file}:${i + 1} is not run`);
        });
    }
    expect(wrong).toEqual([]);
  });

  it("outside test/ names no test", () => {
    for (const file of sources)
      expect([file, /vitest|cloudflare:test/.test(read(file))]).toEqual([file, false]);
  });
});

describe("problems", () => {
  it("are all in the README, and the README names no other", () => {
    const table = /## Problems\n([\s\S]*?)\n## /.exec(read("README.md"))?.[1] ?? "";
    const named = [...table.matchAll(/^\| `([a-z-]+)` \| (\d{3})/gm)].map(([, slug, status]) => [
      slug,
      status,
    ]);
    const known = Object.entries(problems).map(([slug, { status }]) => [slug, String(status)]);
    expect(named).toEqual(known);
  });
});
