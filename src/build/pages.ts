/** Bundles pages: scripts and styles get a hash of their content into their names. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { build, type BuildOptions } from "esbuild";
import type { Files } from "./build.ts";

/** Pages with a script and a style of their own: the folder and where the page is served. */
const PAGES = [{ folder: "console", file: "console.html" }];

/** Browsers of the last two years. */
const TARGET = "es2023";

export const COMMON = {
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  target: TARGET,
  legalComments: "none",
  logLevel: "warning",
} satisfies BuildOptions;

export async function bundlePages(root: string): Promise<Files> {
  const { outputFiles, metafile } = await build({
    ...COMMON,
    entryPoints: PAGES.flatMap(({ folder }) => [
      path.join(root, folder, "main.tsx"),
      path.join(root, folder, "style.css"),
    ]),
    absWorkingDir: root,
    outdir: path.join(root, "out"),
    outbase: root,
    entryNames: "assets/[dir]-[hash]",
    chunkNames: "assets/shared-[hash]",
    splitting: true,
    jsx: "automatic",
    jsxImportSource: "preact",
    metafile: true,
  });
  const files: Files = new Map(
    outputFiles.map((file) => [path.relative(path.join(root, "out"), file.path), file.contents]),
  );
  const builtFrom = new Map(
    Object.entries(metafile.outputs).map(([name, { entryPoint }]) => [
      entryPoint,
      `/${path.relative("out", name)}`,
    ]),
  );
  for (const { folder, file } of PAGES) {
    const html = readFileSync(path.join(root, folder, "page.html"), "utf8");
    files.set(
      file,
      html.replace(/(src|href)="(main\.tsx|style\.css)"/g, (_, attribute: string, name: string) => {
        const built = builtFrom.get(`${folder}/${name}`);
        if (built === undefined) throw new Error(`${folder}/page.html names ${name}, not built`);
        return `${attribute}="${built}"`;
      }),
    );
  }
  return files;
}
