/** /docs: the guides and the reference as files, with the script and the style that they share. */

import path from "node:path";
import type { Files } from "../build.ts";
import { bundlePage } from "../bundle.ts";
import { Document, type OpenApi } from "../../pages/docs/document.ts";
import { guidePages } from "./guides.ts";
import { referencePage } from "./reference.ts";
import { page } from "./shell.ts";

/** The files, given those of src/pages/docs and the OpenAPI document. */
export async function buildDocs(folder: string, openApi: string): Promise<Files> {
  const bundle = await bundlePage(folder, "main.ts");
  const { files } = bundle;
  const document = new Document(JSON.parse(openApi) as OpenApi);
  for (const parts of [...guidePages(path.join(folder, "guides")), referencePage(document)]) {
    files.set(`${parts.href.slice(1)}.html`, page(parts, bundle));
  }
  return files;
}
