/**
 * `npm run build:pages`: what people see, as files in dist/assets/ that the platform serves. Runs
 * in Node, before anything serves or bundles. A file that is the same stays as it is, and each is
 * put in place whole, so a server that reads them meanwhile is not disturbed.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { openApiDocument } from "../reference/document.ts";
import { buildConsole } from "./console.ts";
import { buildDocs } from "./docs/docs.ts";
import { buildWidget } from "./widget.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
export const ASSETS_FOLDER = path.join(ROOT, "dist/assets");

/** Files by their path, as it is called for. */
export type Files = Map<string, string | Uint8Array>;

function isThere(file: string, content: string | Uint8Array): boolean {
  try {
    return readFileSync(file).equals(Buffer.from(content));
  } catch {
    return false;
  }
}

function place(folder: string, files: Files): void {
  for (const [name, content] of files) {
    const file = path.join(folder, name);
    if (isThere(file, content)) continue;
    mkdirSync(path.dirname(file), { recursive: true });
    // Not beside it: what lies there is served.
    const draft = `${folder}.${process.pid}`;
    writeFileSync(draft, content);
    renameSync(draft, file);
  }
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !files.has(path.relative(folder, file))) rmSync(file);
  }
}

/** Makes all of it; resolves with the files. */
export async function buildAssets(folder = ASSETS_FOLDER): Promise<Files> {
  const openApi = JSON.stringify(openApiDocument());
  const pages = path.join(ROOT, "src/pages");
  const files: Files = new Map([
    ["openapi.json", openApi],
    ...(await buildConsole(path.join(pages, "console"))),
    ...(await buildWidget(path.join(pages, "widget"))),
    ...(await buildDocs(path.join(pages, "docs"), openApi)),
  ]);
  place(folder, files);
  return files;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const files = await buildAssets();
  console.log(`${files.size} files are in ${path.relative(process.cwd(), ASSETS_FOLDER)}.`);
}
