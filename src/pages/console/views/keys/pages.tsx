/** The brand's API keys. */

import type { Route } from "../../router.ts";
import type { Session } from "../../session.ts";
import type { View } from "../../shell.tsx";
import { KeyPage } from "./key.tsx";
import { Keys } from "./keys.tsx";
import { NewKey } from "./new-key.tsx";

export function keyPages(rest: Route, session: Session): View | undefined {
  const [id, ...more] = rest;
  if (more.length > 0) return undefined;
  if (id === undefined) return { title: "Keys", body: <Keys own={session.key.id} /> };
  if (id === "new") return { title: "New key", body: <NewKey by={session.key} /> };
  return { title: "Key", body: <KeyPage key={id} id={id} own={session.key.id} /> };
}
