import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { buildAssets } from "../src/build/build.ts";
import { findChromium } from "./support/browser.ts";
import { THOROUGHLY } from "./support/thoroughly.ts";

const root = path.resolve(import.meta.dirname, "..");

/** More than a small machine has cores: files wait for alarms and clocks most of the time. */
const WORKERS = 4;
/** Of those that talk to servers of their own: they wait for processes most of the time. */
const SERVED_WORKERS = 3;

/**
 * Of the tests of pages: the stories of the brand, the shopper and the partner. The others take
 * minutes, and are run by `npm run test:browser`.
 */
const STORIES = ["client", "console-campaigns", "demo", "pages"];

const served = ["test/e2e/**/*.test.ts"];
if (findChromium() === null) {
  console.warn("There is no Chromium: test/browser/ is left out. apt-get install chromium");
} else if (THOROUGHLY) served.push("test/browser/**/*.test.ts");
else served.push(`test/browser/{${STORIES.join(",")}}.test.ts`);

// What the Worker serves is of the sources as they are.
await buildAssets();

export default defineConfig(async () => ({
  test: {
    projects: [
      { root, test: { name: "unit", include: ["test/unit/**/*.test.ts"], maxWorkers: WORKERS } },
      {
        root,
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                OPERATOR_TOKEN: "operator-token-of-the-tests",
                LOOPBACK_TARGETS: "allowed",
                MIGRATIONS: await readD1Migrations(path.join(root, "migrations")),
              },
            },
          }),
        ],
        test: {
          name: "worker",
          include: ["test/worker/**/*.test.ts"],
          globalSetup: ["test/support/receiver-setup.ts"],
          setupFiles: ["test/support/worker-setup.ts"],
          // Generous: several runtimes share a small machine.
          testTimeout: 60_000,
          expect: { poll: { timeout: 10_000 } },
          maxWorkers: WORKERS,
        },
      },
      {
        root,
        test: {
          name: "e2e",
          include: served,
          globalSetup: ["test/support/serve.ts", "test/support/receiver-setup.ts"],
          setupFiles: ["test/support/e2e-setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // Of expect.poll, on a machine that does much else at the same time.
          expect: { poll: { timeout: 15_000 } },
          maxWorkers: SERVED_WORKERS,
          // After the others: these time out on a machine that does everything at once.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
}));
