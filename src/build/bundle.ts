/** Bundles for browsers: scripts and styles get a hash of their content into their names. */

import path from "node:path";
import { build, type BuildOptions } from "esbuild";
import type { Files } from "./build.ts";

/** Browsers of the last two years. */
const TARGET = "es2023";

export const FOR_BROWSERS = {
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  target: TARGET,
  legalComments: "none",
  logLevel: "warning",
} satisfies BuildOptions;

/** What pages load: its files, and the addresses of the script and the style among them. */
export interface Bundle {
  files: Files;
  script: string;
  style: string;
}

/** Bundles a folder's script and its style.css, under names that begin with the folder's. */
export async function bundlePage(folder: string, script: string): Promise<Bundle> {
  const out = path.join(folder, "out");
  const name = path.basename(folder);
  const { outputFiles, metafile } = await build({
    ...FOR_BROWSERS,
    entryPoints: [path.join(folder, script), path.join(folder, "style.css")],
    absWorkingDir: folder,
    outdir: out,
    entryNames: `assets/${name}-[name]-[hash]`,
    chunkNames: `assets/${name}-[name]-[hash]`,
    splitting: true,
    jsx: "automatic",
    jsxImportSource: "preact",
    metafile: true,
  });
  const builtFrom = (entry: string) => {
    const found = Object.entries(metafile.outputs).find(
      ([, { entryPoint }]) => entryPoint === entry,
    );
    if (found === undefined) throw new Error(`${entry} was not built`);
    return `/${path.relative("out", found[0])}`;
  };
  return {
    files: new Map(outputFiles.map((file) => [path.relative(out, file.path), file.contents])),
    script: builtFrom(script),
    style: builtFrom("style.css"),
  };
}
