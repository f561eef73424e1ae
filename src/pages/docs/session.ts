/** Who is signed in: the console's session, a cookie that no script can read. */

import { sessionMoved, whenSessionMoves } from "../shared/windows.ts";

export interface Session {
  brand: { slug: string; name: string };
  key: { mode: "live" | "test"; hint: string };
  expires_at: string;
}

type Listener = (session: Session | null) => void;

/** Undefined until it was asked for. */
let current: Session | null | undefined;
const listeners = new Set<Listener>();

function tell(session: Session | null): Session | null {
  current = session;
  for (const listener of listeners) listener(session);
  return session;
}

// The console, or another page of the documentation, may have signed in somebody else. A page that
// the browser has kept heard nothing of it.
whenSessionMoves(() => void askSession());
addEventListener("pageshow", ({ persisted }) => persisted && void askSession());

/** Calls back with who is signed in, now and whenever that changes; answers how to stop it. */
export function watchSession(listener: Listener): () => void {
  listeners.add(listener);
  if (current === undefined) void askSession();
  else listener(current);
  return () => listeners.delete(listener);
}

const PLACE = "/console/session";
const OWN = { credentials: "same-origin" } as const;

export async function askSession(): Promise<Session | null> {
  const answer = await fetch(PLACE, OWN).catch(() => null);
  // Without an answer nobody is signed out.
  if (answer === null && current != null) return current;
  // 204: nobody is.
  return tell(answer?.status === 200 ? ((await answer.json()) as Session) : null);
}

/** Nothing when it is done, otherwise why not. */
export async function signIn(key: string): Promise<string | null> {
  const init = { method: "POST", headers: { "Content-Type": "application/json" } };
  const answer = await fetch(PLACE, { ...OWN, ...init, body: JSON.stringify({ key }) }).catch(
    () => null,
  );
  if (answer === null) return "There is no connection.";
  const body = (await answer.json()) as { title?: string; detail?: string };
  if (!answer.ok) return body.detail ?? body.title ?? `The service answered ${answer.status}.`;
  tell(body as Session);
  sessionMoved();
  return null;
}

export async function signOut(): Promise<void> {
  const answer = await fetch(PLACE, { ...OWN, method: "DELETE" }).catch(() => null);
  // The cookie is still there: who believes to be out is not.
  if (answer?.ok !== true) return;
  tell(null);
  sessionMoved();
}
