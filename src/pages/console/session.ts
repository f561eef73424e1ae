/** Who is signed in. The key goes to the service once; what the page has of it is a cookie. */

import { Codedrop, CodedropError, type ApiKey, type Problem } from "../../client/client.ts";

/** Who is signed in, by which key, and until when. */
export interface Session {
  brand: { id: string; slug: string; name: string };
  key: ApiKey;
  expires_at: string;
}

const SESSION = "/console/session";

/** Told when a call finds that the session is over. */
let onEnd: () => void = () => undefined;

export function whenItEnds(tell: () => void): void {
  onEnd = tell;
}

/** Every call of the API. The browser adds the cookie; there is no key to send. */
export const codedrop = new Codedrop({
  baseUrl: location.origin,
  key: "session",
  fetch: async (url, init) => {
    const headers = new Headers(init.headers);
    headers.delete("Authorization");
    const answer = await fetch(url, { ...init, headers, credentials: "same-origin" });
    if (answer.status === 401) onEnd();
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
  return readSession(answer);
}

export async function signOut(): Promise<void> {
  await fetch(SESSION, { method: "DELETE" });
}

async function readSession(answer: Response): Promise<Session> {
  const body: unknown = await answer.json();
  if (!answer.ok) throw new CodedropError(body as Problem);
  return body as Session;
}
