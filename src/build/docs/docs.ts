/** /docs: the guides and the reference as files, with the script and the style that they share. */

import path from "node:path";
import { build } from "esbuild";
import type { Files } from "../build.ts";
import { COMMON } from "../pages.ts";
import { Document, type OpenApi } from "../../pages/docs/document.ts";
import { guidePages } from "./guides.ts";
import { referencePage } from "./reference.ts";
import { page, type Built } from "./shell.ts";

async function bundleScripts(folder: string, files: Files): Promise<Built> {
  const out = path.join(folder, "out");
  const { outputFiles, metafile } = await build({
    ...COMMON,
    entryPoints: [path.join(folder, "main.ts"), path.join(folder, "style.css")],
    absWorkingDir: folder,
    outdir: out,
    entryNames: "assets/docs-[name]-[hash]",
    chunkNames: "assets/docs-[name]-[hash]",
    splitting: true,
    jsx: "automatic",
    jsxImportSource: "preact",
    metafile: true,
  });
  for (const file of outputFiles) files.set(path.relative(out, file.path), file.contents);
  const builtFrom = (entry: string) => {
    const found = Object.entries(metafile.outputs).find(
      ([, { entryPoint }]) => entryPoint === entry,
    );
    if (found === undefined) throw new Error(`${entry} was not built`);
    return `/${path.relative("out", found[0])}`;
  };
  return { script: builtFrom("main.ts"), style: builtFrom("style.css") };
}

/** The files, given those of src/pages/docs and the OpenAPI document. */
export async function buildDocs(folder: string, openApi: string): Promise<Files> {
  const files: Files = new Map();
  const built = await bundleScripts(folder, files);
  const document = new Document(JSON.parse(openApi) as OpenApi);
  for (const parts of [...guidePages(path.join(folder, "guides")), referencePage(document)]) {
    files.set(`${parts.href.slice(1)}.html`, page(parts, built));
  }
  return files;
}
