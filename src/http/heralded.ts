import type { Context } from "hono";
import { expectChange, tellOfChange } from "../herald/stub.ts";
import type { HttpEnv } from "./http-env.ts";

/** What is said of when a campaign gives codes. */
export interface Window {
  startsAt?: number | null;
  endsAt?: number | null;
}

/** Whether a campaign has a time to be told after `change`, which is about its times. */
export function setsWindow(change: Window, seen: Window = {}): boolean {
  const { startsAt, endsAt } = { ...seen, ...change };
  const isSet = change.startsAt !== undefined || change.endsAt !== undefined;
  return isSet && (startsAt != null || endsAt != null);
}

/** Makes a change of which the brand `isTold`, so that it is told whatever crashes meanwhile. */
export async function heralded<Outcome>(
  c: Context<HttpEnv>,
  isTold: boolean,
  make: () => Promise<Outcome>,
): Promise<Outcome> {
  if (!isTold) return make();
  const { id } = c.var.brand;
  await expectChange(c.env, id);
  const outcome = await make();
  c.executionCtx.waitUntil(tellOfChange(c.env, id).catch(() => undefined));
  return outcome;
}
