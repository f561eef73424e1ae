/**
 * One server for the end-to-end tests. With BASE_URL (and OPERATOR_TOKEN) in the environment they
 * run against that deployment instead.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { logs } from "./logs.ts";
import { pack } from "./packed.ts";
import { bundle, newState } from "./runtime.ts";
import { Server } from "./server.ts";

declare module "vitest" {
  interface ProvidedContext {
    baseUrl: string;
    operatorToken: string;
    /** For prepared.ts. */
    bundle: string;
    template: string;
    /** The package, for packed.ts. */
    tarball: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const work = mkdtempSync(path.join(tmpdir(), "codedrop-e2e-"));
  const [folder, template] = [path.join(work, "bundle"), path.join(work, "template")];
  bundle(folder);
  newState(template);
  project.provide("bundle", folder);
  project.provide("template", template);
  project.provide("tarball", (await pack(work)).tarball);
  const end = await serve(project, path.join(work, "state"));
  return async () => {
    await end();
    rmSync(work, { recursive: true, force: true });
    logs.check();
  };
}

async function serve(project: TestProject, stateDir: string): Promise<() => Promise<void>> {
  const given = process.env["BASE_URL"];
  if (given !== undefined) {
    project.provide("baseUrl", given);
    project.provide("operatorToken", process.env["OPERATOR_TOKEN"] ?? "");
    return async () => undefined;
  }
  const server = await Server.start(stateDir);
  project.provide("baseUrl", server.address);
  project.provide("operatorToken", server.operatorToken);
  return async () => {
    server.kill();
    await server.closed();
  };
}
