/** How the rest of the Worker reaches a brand's eraser. */

import { callObject } from "../code-pool/stub.ts";
import type { Erasure, NewErasure } from "../inventory/erasures.ts";

/** The object as seen from outside. */
interface Eraser {
  erase: (erasure: NewErasure) => Promise<Erasure>;
}

/**
 * Erases a user, or begins to. Safe to repeat. Rejects when nobody knows whether it was begun.
 */
export async function eraseUser(env: Env, erasure: NewErasure): Promise<Erasure> {
  const eraser = () => env.USER_ERASER.getByName(erasure.brandId) as unknown as Eraser;
  return callObject(eraser, (stub) => stub.erase(erasure));
}
