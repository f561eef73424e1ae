/** The console: who is not signed in signs in; who is sees the brand's pages. */

import { useEffect, useRef, useState } from "preact/hooks";
import { CodedropError } from "../../client/client.ts";
import { forgetLookedUp } from "./looked-up.ts";
import { Failure, Loading, wordsFor } from "./parts/load.tsx";
import { Says, say } from "./parts/says.tsx";
import { currentSession, signOut, whenItChanges, type Session } from "./session.ts";
import { Shell } from "./shell.tsx";
import { SignIn } from "./sign-in.tsx";

type State =
  | { is: "loading" }
  | { is: "in"; session: Session }
  /** `words`: why somebody who was signed in is no more. */
  | { is: "out"; words: string | null }
  | { is: "unknown"; error: unknown };

const ENDED = "Your session has ended. Sign in again.";

export function App() {
  const [state, setState] = useState<State>({ is: "loading" });
  const latest = useRef(state);
  latest.current = state;
  const set = (next: State) => {
    if (next.is === "out") forgetLookedUp();
    setState(next);
  };
  const look = async () => set(await stateNow(latest.current));
  useEffect(() => {
    void look();
    return whenItChanges(() => void look());
  }, []);
  useSessionEnd(state, () => void look());
  const leave = async () => {
    try {
      await signOut();
    } catch (error) {
      return say(wordsFor(error));
    }
    // What it names is of the brand that leaves.
    history.replaceState(null, "", location.pathname);
    set({ is: "out", words: null });
  };
  return (
    <>
      {state.is === "loading" && <Loading />}
      {state.is === "unknown" && (
        <main class="sign-in">
          <Failure error={state.error} again={() => void look()} />
        </main>
      )}
      {state.is === "out" && (
        <SignIn words={state.words} onSignedIn={(session) => set({ is: "in", session })} />
      )}
      {state.is === "in" && (
        <Shell key={state.session.key.id} session={state.session} onLeave={() => void leave()} />
      )}
      <Says />
    </>
  );
}

async function stateNow(before: State): Promise<State> {
  try {
    const session = await currentSession();
    if (session !== null) return { is: "in", session };
    // Several calls may have found out, one after the other: what was said stays.
    if (before.is === "out") return before;
    return { is: "out", words: before.is === "in" ? ENDED : null };
  } catch (error) {
    // Another brand's key, or the same one later, may be good.
    if (error instanceof CodedropError && error.status === 403) {
      return { is: "out", words: wordsFor(error) };
    }
    // Without an answer nobody is signed out: the page says so where it is missing.
    return before.is === "in" ? before : { is: "unknown", error };
  }
}

/** Looks again when its time is over, also where nobody calls anything. */
function useSessionEnd(state: State, look: () => void): void {
  const end = state.is === "in" ? Date.parse(state.session.expires_at) : null;
  useEffect(() => {
    if (end === null) return undefined;
    const timer = setTimeout(look, Math.max(0, end - Date.now()));
    return () => clearTimeout(timer);
  }, [end]);
}
