/** Keys and scopes, as people read them. */

import type { ApiKey } from "../../../../client/client.ts";
import { Badge } from "../../parts/words.tsx";

export type KeyState = "active" | "expires soon" | "expired" | "revoked";

const SOON_MS = 7 * 86_400_000;

export function stateOf(key: ApiKey): KeyState {
  if (key.revoked_at !== null) return "revoked";
  if (key.expires_at === null) return "active";
  const left = Date.parse(key.expires_at) - Date.now();
  if (left <= 0) return "expired";
  return left < SOON_MS ? "expires soon" : "active";
}

export const isGood = (key: ApiKey) => !["expired", "revoked"].includes(stateOf(key));

export function KeyState({ of: key }: { of: ApiKey }) {
  return <Badge of={stateOf(key)} />;
}

/** As it ends, which is all that is kept of it in the clear. */
export function Hint({ of: key }: { of: ApiKey }) {
  const prefix = key.kind === "secret" ? "cdk" : "cdp";
  return (
    <code>
      {prefix}_{key.mode}_…{key.hint}
    </code>
  );
}

export function scopeWords(key: ApiKey): string {
  if (key.kind === "publishable") return "Claims from its pages";
  if (key.scopes === null) return "Everything";
  return key.scopes.join(", ");
}
