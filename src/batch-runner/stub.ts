/** How the rest of the Worker reaches a brand's runner. */

import { callObject } from "../objects/call.ts";
import type { BatchToMake } from "../inventory/batches.ts";
import type { MakeOutcome } from "./batch-runner.ts";

/** The object as seen from outside. RPC's own types turn a union of results into promises. */
interface Runner {
  make: (batch: BatchToMake) => Promise<MakeOutcome>;
}

/**
 * Makes a batch, or begins it. Safe to repeat: a batch of the same id is not made twice. Rejects
 * when nobody knows whether it was begun.
 */
export async function makeBatch(env: Env, batch: BatchToMake): Promise<MakeOutcome> {
  const runner = () => env.BATCH_RUNNER.getByName(batch.brandId) as unknown as Runner;
  return callObject(runner, (stub) => stub.make(batch));
}
