import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll } from "vitest";
import { logs } from "./logs.ts";

await applyD1Migrations(env.DB, env.MIGRATIONS);

// Tests provoke faults on purpose; what the Worker logs of them is of interest only where it tells
// too much. It is never passed on: a log line from an object's own context, sent to the reporter,
// can hang the run for ever (https://github.com/cloudflare/workers-sdk/issues/15719). Tests that
// look at logs spy on these.
for (const level of ["debug", "log", "info", "warn", "error"] as const) {
  console[level] = (...values: unknown[]) => logs.recordCall(values);
}

logs.forbid(env.OPERATOR_TOKEN);

// Registered before any hook of the file, so it comes after them all.
afterAll(() => logs.check());
