/** The way in. */

import { useEffect, useRef, useState } from "preact/hooks";
import { CodedropError } from "../../client/client.ts";
import { useAct } from "./parts/act.tsx";
import { Field } from "./parts/field.tsx";
import { wordsFor } from "./parts/load.tsx";
import { signIn, type Session } from "./session.ts";

/** The field is emptied before the call: the key stays nowhere on the page. */
export function SignIn(props: {
  /** Why whoever was signed in is no more. */
  words: string | null;
  onSignedIn: (session: Session) => void;
}) {
  const [key, setKey] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const { isBusy, error, run } = useAct();
  useEffect(() => {
    document.title = "Sign in · Codedrop";
    input.current?.focus();
  }, []);
  // Whoever mistyped types again.
  useEffect(() => (error === null ? undefined : input.current?.focus()), [error]);
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      setKey("");
      props.onSignedIn(await signIn(key.trim()));
    });
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <h1>Codedrop</h1>
        {props.words !== null && (
          <p class="notice warn" role="status">
            {props.words}
          </p>
        )}
        <p class="quiet">Sign in with a secret key of your brand.</p>
        <Field
          label="Secret key"
          hint="It begins with cdk_live_ or cdk_test_. Your browser gets a cookie that no script can read, and does not keep the key."
          error={error === null ? null : refusalWords(error)}
        >
          {(control) => (
            <input
              {...control}
              ref={input}
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

function refusalWords(error: unknown): string {
  if (!(error instanceof CodedropError)) return wordsFor(error);
  if (error.slug === "unauthenticated") {
    return "That is no secret key that counts: it is mistyped, was revoked or has expired. Publishable keys (cdp_) do not sign in.";
  }
  return wordsFor(error);
}
