/**
 * A process of its own that serves one bundle by workerd, with the bindings of wrangler.toml and
 * without the development proxy. Its parent kills it; there is no other way to stop it.
 */

import path from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions as workerOptionsOf } from "wrangler";

export interface HostOptions {
  /** wrangler.toml, for the bindings. */
  config: string;
  /** The folder with the bundle's index.js. */
  bundle: string;
  stateDir: string;
  port: number;
}

async function serve({ config, bundle, stateDir, port }: HostOptions): Promise<void> {
  const { modulesRules: _, ...workerOptions } = workerOptionsOf(config).workerOptions;
  const options = convertV4MiniflareOptions({
    ...workerOptions,
    name: "codedrop",
    rootPath: bundle,
    modules: true,
    modulesRoot: bundle,
    scriptPath: `${bundle}/index.js`,
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
    host: "127.0.0.1",
    port: 0,
    cf: false,
  });
  const miniflare = new Miniflare({
    ...options,
    resourcePersistencePath: path.join(stateDir, "v3"),
  });
  await miniflare.ready;
}

process.once("message", (options) => {
  serve(options as HostOptions).then(
    () => process.send?.({ ready: true }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
// A parent that died cannot kill this process any more.
process.once("disconnect", () => process.exit(1));
