/** Bundles what partner sites load: one module under a name that stays. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { build, transform } from "esbuild";
import type { Files } from "./build.ts";
import { FOR_BROWSERS } from "./bundle.ts";

export async function buildWidget(folder: string): Promise<Files> {
  const css = readFileSync(path.join(folder, "style.css"), "utf8");
  const { code } = await transform(css, { loader: "css", minify: true });
  const { outputFiles } = await build({
    ...FOR_BROWSERS,
    entryPoints: [path.join(folder, "widget.ts")],
    // The script puts its own sheet in place.
    define: { STYLE: JSON.stringify(code.trim()) },
    // Escapes for umlauts would weigh more.
    charset: "utf8",
  });
  return new Map(outputFiles.map(({ contents }) => ["widget.js", contents]));
}
