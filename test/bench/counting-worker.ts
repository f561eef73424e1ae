/** The benchmark's Worker with every statement counted. Only rows are read off it, never times. */

import { countedD1, countedKv, countStorage, Tally } from "./counters.ts";
import { app, BatchRunner as TimedRunner, CodePool as TimedPool } from "./worker.ts";

export { Herald, UserEraser, WebhookSender } from "./worker.ts";

// One isolate serves the Worker and its objects here, so that both write into this one.
const tally = new Tally();

export class BatchRunner extends TimedRunner {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, { ...env, DB: countedD1(env.DB, tally, "d1-by-runner") });
  }
}

export class CodePool extends TimedPool {
  constructor(ctx: DurableObjectState, env: Env) {
    const counted = { ...env, DB: countedD1(env.DB, tally, "d1-by-pool") };
    super(countStorage(ctx, tally), counted);
  }
}

export default {
  fetch(request, env, context) {
    if (request.url.endsWith("/bench/tally")) {
      if (request.method === "DELETE") tally.reset();
      return Response.json(tally.counts());
    }
    const DB = countedD1(env.DB, tally, "d1-by-worker");
    const DIRECTORY = countedKv(env.DIRECTORY, tally);
    return app.fetch(request, { ...env, DB, DIRECTORY }, context);
  },
} satisfies ExportedHandler<Env>;
