/** Who is signed in. The key goes to the service once; what the page has of it is a cookie. */

import { Codedrop, CodedropError, type ApiKey, type Problem } from "../../client/client.ts";
import { sessionMoved, whenSessionMoves } from "../shared/windows.ts";

/** Who is signed in, by which key, and until when. */
export interface Session {
  brand: { id: string; slug: string; name: string };
  key: ApiKey;
  expires_at: string;
}

const SESSION = "/console/session";

/** Told when the session may be another than the page thinks: it is to look. */
let look: () => void = () => undefined;

export function whenItChanges(tell: () => void): () => void {
  look = tell;
  const stop = whenSessionMoves(tell);
  // A page that the browser has kept may come back long after.
  const comeBack = (event: PageTransitionEvent) => event.persisted && tell();
  addEventListener("pageshow", comeBack);
  return () => {
    stop();
    removeEventListener("pageshow", comeBack);
  };
}

/** After the brand was renamed, or the key of this very session was revoked. */
export function sessionChanged(): void {
  look();
  sessionMoved();
}

/** Every call of the API. The browser adds the cookie; there is no key to send. */
export const codedrop = new Codedrop({
  baseUrl: location.origin,
  key: "session",
  fetch: async (url, init) => {
    const headers = new Headers(init.headers);
    headers.delete("Authorization");
    const answer = await fetch(url, { ...init, headers, credentials: "same-origin" });
    if (answer.status === 401) look();
    return answer;
  },
});

/** The session of this browser, or null. Throws when that cannot be told. */
export async function currentSession(): Promise<Session | null> {
  const answer = await fetch(SESSION);
  if (answer.status === 204) return null;
  return readSession(answer);
}

/** Throws a CodedropError when the key is no good. */
export async function signIn(key: string): Promise<Session> {
  const answer = await fetch(SESSION, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ key }),
  });
  const session = await readSession(answer);
  sessionMoved();
  return session;
}

export async function signOut(): Promise<void> {
  const answer = await fetch(SESSION, { method: "DELETE" });
  if (!answer.ok) throw new Error("You are still signed in: signing out did not work. Try again.");
  sessionMoved();
}

async function readSession(answer: Response): Promise<Session> {
  const body: unknown = await answer.json();
  if (!answer.ok) throw new CodedropError(body as Problem);
  return body as Session;
}
