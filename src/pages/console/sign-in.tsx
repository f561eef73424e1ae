import { useState } from "preact/hooks";
import { useAct } from "./parts/act.tsx";
import { Field } from "./parts/field.tsx";
import { wordsFor } from "./parts/load.tsx";
import { signIn, type Session } from "./session.ts";

/** The field is emptied before the call: the key stays nowhere on the page. */
export function SignIn({ onSignedIn }: { onSignedIn: (session: Session) => void }) {
  const [key, setKey] = useState("");
  const { isBusy, error, run } = useAct();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      setKey("");
      onSignedIn(await signIn(key.trim()));
    });
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <h1>Codedrop</h1>
        <p class="quiet">Sign in with a secret key of your brand.</p>
        <Field
          label="Secret key"
          hint="It begins with cdk_live_ or cdk_test_. Your browser gets a cookie that no script can read, and does not keep the key."
          error={error === null ? null : wordsFor(error)}
        >
          {(control) => (
            <input
              {...control}
              type="password"
              autoComplete="off"
              spellcheck={false}
              required
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          )}
        </Field>
        <button class="button primary" aria-disabled={isBusy}>
          {isBusy ? "Signing in" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
