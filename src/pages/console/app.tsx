/** The console: who is not signed in signs in; who is sees the brand's pages. */

import { useEffect, useState } from "preact/hooks";
import { Show, useLoad } from "./parts/load.tsx";
import { Says, say } from "./parts/says.tsx";
import { currentSession, signOut, whenItEnds, type Session } from "./session.ts";
import { Shell } from "./shell.tsx";
import { SignIn } from "./sign-in.tsx";

export function App() {
  const start = useLoad(currentSession, []);
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  useEffect(() => {
    whenItEnds(() => {
      setSession(null);
      say("Your session has ended. Sign in again.");
    });
  }, []);
  const leave = async () => {
    await signOut();
    setSession(null);
  };
  return (
    <>
      <Show of={start}>
        {(found) => {
          const now = session === undefined ? found : session;
          if (now === null) return <SignIn onSignedIn={setSession} />;
          return <Shell key={now.key.id} session={now} onLeave={() => void leave()} />;
        }}
      </Show>
      <Says />
    </>
  );
}
