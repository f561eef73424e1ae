/** What every end-to-end test starts from, made once: the bundle, and data without a brand. */

import { cpSync } from "node:fs";
import { inject } from "vitest";

/** The folder with the bundle; `stateDir` becomes a data folder with a migrated database. */
export function prepared(stateDir: string): string {
  cpSync(inject("template"), stateDir, { recursive: true });
  return inject("bundle");
}
