import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";

await applyD1Migrations(env.DB, env.MIGRATIONS);

// Tests provoke faults on purpose, and what the Worker logs of them is of no interest. Besides, a
// log line from an object's own context, sent on to the reporter, can hang the run for ever
// (https://github.com/cloudflare/workers-sdk/issues/15719). Tests that look at logs spy on these.
for (const level of ["debug", "log", "info", "warn", "error"] as const) {
  console[level] = () => undefined;
}
