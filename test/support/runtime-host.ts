/**
 * A process of its own that serves one bundle by workerd, with the bindings of wrangler.toml and
 * without the development proxy. Its parent kills it; there is no other way to stop it.
 */

import { readdirSync } from "node:fs";
import path from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions as workerOptionsOf } from "wrangler";

export interface HostOptions {
  /** wrangler.toml, for the bindings. */
  config: string;
  /** The folder with the bundle: one script, named after its entry. */
  bundle: string;
  stateDir: string;
  operatorToken: string;
  /** Variables in place of those of wrangler.toml. */
  vars: Record<string, string>;
  /** Whether the isolates can be looked into. */
  inspect: boolean;
}

/** Where it serves, and where V8's inspector listens. */
export interface Served {
  address: string;
  inspector: string | null;
}

async function serve(host: HostOptions): Promise<Served> {
  const { config, bundle, stateDir, operatorToken } = host;
  const script = readdirSync(bundle).find((name) => name.endsWith(".js"));
  const { modulesRules: _, ...workerOptions } = workerOptionsOf(config).workerOptions;
  const options = convertV4MiniflareOptions({
    ...workerOptions,
    // Not the developer's own, which .dev.vars may hold.
    bindings: { OPERATOR_TOKEN: operatorToken, LOOPBACK_TARGETS: "allowed", ...host.vars },
    name: "codedrop",
    rootPath: bundle,
    modules: true,
    modulesRoot: bundle,
    scriptPath: `${bundle}/${script}`,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    host: "127.0.0.1",
    port: 0,
    cf: false,
    ...(host.inspect ? { inspectorPort: 0 } : {}),
  });
  const miniflare = new Miniflare({
    ...options,
    resourcePersistencePath: path.join(stateDir, "v3"),
  });
  await miniflare.ready;
  return {
    address: (await miniflare.unsafeGetDirectURL()).origin,
    inspector: host.inspect ? String(await miniflare.getInspectorURL()) : null,
  };
}

process.once("message", (options) => {
  serve(options as HostOptions).then(
    (served) => process.send?.(served),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
// A parent that died cannot kill this process any more.
process.once("disconnect", () => process.exit(1));
