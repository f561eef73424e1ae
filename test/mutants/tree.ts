/** A copy of the project in which something is wrong. */

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Mutant } from "./mutants.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const COPIED = [
  "dist/assets",
  "src",
  "test",
  "migrations",
  "package.json",
  "tsconfig.json",
  "wrangler.toml",
];
/** The files that the mutant changes, as it has them; throws where it fits no more. */
export function edited({ edits }: Mutant): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { file, from, to } of edits) {
    const text = texts.get(file) ?? readFileSync(path.join(ROOT, file), "utf8");
    if (text.split(from).length !== 2) throw new Error(`${file} does not hold once: ${from}`);
    texts.set(
      file,
      text.replace(from, () => to),
    );
  }
  return texts;
}

/** Hands over the root of the copy, which is removed afterwards. */
export async function withMutant<T>(
  mutant: Mutant,
  use: (root: string) => T | Promise<T>,
): Promise<T> {
  const copy = mkdtempSync(path.join(tmpdir(), "codedrop-mutant-"));
  try {
    for (const name of COPIED) {
      cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
    }
    symlinkSync(path.join(ROOT, "node_modules"), path.join(copy, "node_modules"));
    for (const [file, text] of edited(mutant)) writeFileSync(path.join(copy, file), text);
    return await use(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
