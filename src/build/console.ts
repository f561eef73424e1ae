/** /console: one page, whose script does all the rest. */

import { readFileSync } from "node:fs";
import path from "node:path";
import type { Files } from "./build.ts";
import { bundlePage } from "./bundle.ts";

export async function buildConsole(folder: string): Promise<Files> {
  const { files, script, style } = await bundlePage(folder, "main.tsx");
  const page = readFileSync(path.join(folder, "page.html"), "utf8")
    .replace('src="main.tsx"', `src="${script}"`)
    .replace('href="style.css"', `href="${style}"`);
  return files.set("console.html", page);
}
