/** How the rest of the Worker reaches a brand's eraser. */

import { callObject } from "../objects/call.ts";
import { ClashError, type Clash } from "../db/alongside.ts";
import type { Erasure, ErasureToMake } from "../inventory/erasures.ts";

/** The object as seen from outside. */
interface Eraser {
  erase: (erasure: ErasureToMake) => Promise<Erasure | { clash: Clash }>;
}

/**
 * Erases a user, or begins to. Safe to repeat. Rejects when nobody knows whether it was begun, with
 * a ClashError when it was not.
 */
export async function eraseUser(env: Env, erasure: ErasureToMake): Promise<Erasure> {
  const eraser = () => env.USER_ERASER.getByName(erasure.brandId) as unknown as Eraser;
  const outcome = await callObject(eraser, (stub) => stub.erase(erasure));
  if ("clash" in outcome) throw new ClashError(outcome.clash);
  return outcome;
}
