/** Ways to a code and to a user, which no address names. */

import { setLookedUp, setLookedUpUser } from "../looked-up.ts";
import { to } from "../router.ts";

/** Longer codes than most are broken over lines. */
const WHOLE_MAX = 24;

export function CodeLink({ code }: { code: string }) {
  const kind = code.length > WHOLE_MAX ? "" : "whole";
  return (
    <a href={to("codes")} class={kind} onClick={() => setLookedUp(code)}>
      <code>{code}</code>
    </a>
  );
}

/** Null: erased, or nobody. */
export function UserLink({ id }: { id: string | null }) {
  if (id === null) return <span class="quiet">–</span>;
  return (
    <a href={to("users")} onClick={() => setLookedUpUser(id)}>
      <bdi>{id}</bdi>
    </a>
  );
}
