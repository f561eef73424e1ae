/** How the rest of the Worker reaches a brand's herald. */

import { callObject } from "../objects/call.ts";

/**
 * Before a change that is to be told, now or at its time. Rejects when nobody knows whether anyone
 * will look: then the change must not be made.
 */
export async function expectChange(env: Env, brandId: string): Promise<void> {
  await callObject(
    () => env.HERALD.getByName(brandId),
    (herald) => herald.expect(brandId),
  );
}

/** After it. The herald would look by itself, some seconds later. */
export async function tellOfChange(env: Env, brandId: string): Promise<void> {
  await callObject(
    () => env.HERALD.getByName(brandId),
    (herald) => herald.look(),
  );
}
