/** What a partner installs: packed as npm does it, in a project that has nothing else. */

import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const ROOT = path.resolve(import.meta.dirname, "../..");

export const run = promisify(execFile);

/** The host's Node, which may be older than the project's own. */
export const host = {
  ...process.env,
  PATH: (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .filter((folder) => !folder.includes("node_modules"))
    .join(path.delimiter),
};

/** Packs the tree as it is. Not while others pack or build it: they write the same files. */
export async function pack(folder: string): Promise<{ tarball: string; files: string[] }> {
  const args = ["pack", "--json", "--pack-destination", folder];
  const { stdout } = await run("npm", args, { cwd: ROOT });
  // Older versions of npm print the output of `prepare` first.
  const [packed] = JSON.parse(stdout.slice(stdout.lastIndexOf("\n[") + 1)) as [
    { filename: string; files: { path: string }[] },
  ];
  return {
    tarball: path.join(folder, packed.filename),
    files: packed.files.map((file) => file.path),
  };
}

/** Makes the folder a project with the package in it. */
export async function install(project: string, tarball: string): Promise<void> {
  mkdirSync(project, { recursive: true });
  writeFileSync(path.join(project, "package.json"), '{ "type": "module" }');
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], { cwd: project });
}

/** Compiles a project's file; throws what the compiler says of it. */
export async function compile(
  project: string,
  file: string,
  compilerOptions: object,
): Promise<void> {
  const base = { strict: true, exactOptionalPropertyTypes: true, target: "es2022" };
  const config = path.join(project, "tsconfig.json");
  const options = { ...base, ...compilerOptions };
  writeFileSync(config, JSON.stringify({ compilerOptions: options, files: [file] }));
  const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "-p", config]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}
