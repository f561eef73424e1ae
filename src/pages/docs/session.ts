/** Who is signed in: the console's session, a cookie that no script can read. */

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
  return null;
}

export async function signOut(): Promise<void> {
  await fetch(PLACE, { ...OWN, method: "DELETE" }).catch(() => null);
  tell(null);
}
