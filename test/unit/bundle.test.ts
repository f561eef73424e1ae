/** What [alias] in wrangler.toml takes out of the bundle, held against who would have it. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import * as z from "zod";

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

interface Metafile {
  inputs: Record<string, { imports: { path: string; original?: string }[] }>;
}

/** Which file imports what, as the bundler saw it. */
function bundled(): Metafile {
  const folder = mkdtempSync(path.join(tmpdir(), "codedrop-bundle-"));
  const file = path.join(folder, "meta.json");
  const wrangler = path.join(root, "node_modules/wrangler/bin/wrangler.js");
  const args = [wrangler, "deploy", "--dry-run", "--outdir", folder, "--metafile", file];
  try {
    execFileSync(process.execPath, args, { cwd: root, stdio: "pipe" });
    return JSON.parse(readFileSync(file, "utf8")) as Metafile;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bundling takes seconds on a busy machine. */
const TIMEOUT_MS = 60_000;

it("stands in only for the files of the library that is meant", { timeout: TIMEOUT_MS }, () => {
  const section = /\[alias\]\n([^[]*)/.exec(read("wrangler.toml"))?.[1] ?? "";
  const aliases = [...section.matchAll(/^"?([^"\s]+)"? = "\.\/([^"]+)"$/gm)].map(
    ([, specifier = "", file = ""]) => ({ specifier, file }),
  );
  const relative = aliases.filter(({ specifier }) => specifier.startsWith("."));
  expect(relative.length).toBeGreaterThan(5);
  const imports = Object.entries(bundled().inputs).flatMap(([importer, input]) =>
    input.imports.map(({ path: to, original }) => ({ importer, to, original })),
  );
  for (const { specifier, file } of relative) {
    const library = /drizzle|hono|zod/.exec(path.basename(file))?.[0] ?? "";
    const importers = imports.filter((one) => one.original === specifier);
    // An alias that nothing meets is to be removed.
    expect([specifier, importers.length > 0]).toEqual([specifier, true]);
    for (const { importer, to } of importers) {
      expect([importer, to]).toEqual([
        expect.stringMatching(`node_modules/${library}(-orm)?/`),
        expect.stringMatching(file),
      ]);
    }
  }
});

it("gives zod's files all that they call of its core's namespace", () => {
  const called = read("node_modules/zod/v4/classic/schemas.js").matchAll(/\butil\.(\w+)/g);
  const core = read("src/http/bundled/zod-core.js");
  const kept = /const util = \{([^}]*)\}/.exec(core)?.[1] ?? "";
  const names = new Set([...called].map(([, name]) => name));
  expect([...kept.matchAll(/(\w+)(: none)?,/g)].map(([, name]) => name)).toEqual(
    [...names].toSorted(),
  );
  // What stands in for something stands in for something of the library's.
  const replaced = [...core.matchAll(/(?:[Nn]one|without|\$ZodObject) as ([$\w]+)/g)].map(
    ([, name]) => name,
  );
  expect(replaced.length).toBeGreaterThan(30);
  expect(Object.keys(z.core)).toEqual(expect.arrayContaining(replaced));
  // Files beside it that are bundled take the namespace from where it is, or not at all.
  for (const file of ["checks", "errors", "iso", "parse"]) {
    expect(read(`node_modules/zod/v4/classic/${file}.js`)).not.toMatch(
      /\bcore\.util\b|\{[^}]*\butil\b[^}]*\} from "\.\.\/core\/index\.js"/,
    );
  }
});

/** A schema of each kind that is used, by its name in zod. */
const KINDS: Record<string, z.ZodType> = {
  array: z.array(z.int()).min(1).max(1),
  boolean: z.boolean(),
  datetime: z.iso.datetime(),
  email: z.email(),
  enum: z.enum(["a", "b"]),
  int: z.int().min(2).max(3),
  literal: z.literal("a"),
  null: z.null(),
  number: z.number().gt(2).lt(3),
  object: z.object({ a: z.string().optional() }).refine(() => false),
  record: z.record(z.string().max(1), z.int()),
  strictObject: z.strictObject({ a: z.string().nullable() }),
  string: z.string().min(2).max(3).regex(/b/),
  union: z.union([z.int(), z.string().max(1)]),
  url: z.url({ protocol: /^https$/ }),
};
const UNFIT = [null, undefined, NaN, Infinity, 1e20, 1.5, 5, "", "long", "http://a.example"];
const UNFIT_TOO = [[], [1, 2], ["a"], {}, { a: 1 }, { b: 1 }, { b: 1, cc: "" }, new Map(), true];

it("says in English what zod says of each kind of schema that is used", async () => {
  const sources = execFileSync("git", ["grep", "-hE", "", "--", "src/*.ts"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const used = [...sources.matchAll(/\bz\s*\.(?:iso\s*\.)?(\w+)\(/g)].map(([, name]) => name);
  expect(new Set(used)).toEqual(new Set(Object.keys(KINDS)));
  const file = path.join(root, "src/http/bundled/zod-en.js");
  const ours = (await import(file)) as { default: typeof z.locales.en };
  const said = (value: unknown, schema: z.ZodType, { localeError: error }: z.core.$ZodConfig) =>
    schema.safeParse(value, error === undefined ? {} : { error }).error?.issues;
  for (const schema of Object.values(KINDS)) {
    for (const value of [...UNFIT, ...UNFIT_TOO]) {
      expect(said(value, schema, ours.default())).toEqual(said(value, schema, z.locales.en()));
    }
  }
});
