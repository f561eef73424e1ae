import path from "node:path";
import { defineConfig } from "vitest/config";
import { buildAssets } from "../../src/build/build.ts";

await buildAssets();

// Apart from the other tests: these need a Chromium, which npm does not bring.
export default defineConfig({
  test: {
    root: path.resolve(import.meta.dirname, "../.."),
    include: ["test/browser/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
});
