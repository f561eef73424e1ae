/** Who calls, or the field to sign in with a key. The key goes to the service and is not kept. */

import { useEffect, useRef, useState } from "preact/hooks";
import { signIn, signOut, type Session } from "./session.ts";

export function SignIn(props: { session: Session | null | undefined; operationId: string }) {
  const { session, operationId } = props;
  if (session === undefined) return <p class="quiet">Looking who is signed in …</p>;
  if (session === null) return <KeyForm operationId={operationId} />;
  const { brand, key } = session;
  return (
    <p class="signed-in">
      <span>
        Signed in as <strong>{brand.name}</strong>, {key.mode} key …{key.hint}
      </span>{" "}
      <button type="button" class="link" onClick={() => void signOut()}>
        Sign out
      </button>
    </p>
  );
}

function KeyForm({ operationId }: { operationId: string }) {
  const [failure, setFailure] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const key = field.current?.value.trim() ?? "";
    setBusy(true);
    const why = await signIn(key);
    setBusy(false);
    setFailure(why);
    if (field.current !== null) field.current.value = "";
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <label>
        Secret key
        <input
          ref={field}
          type="password"
          name={`key-${operationId}`}
          required
          autoComplete="off"
          spellcheck={false}
          placeholder="cdk_test_…"
          aria-describedby={`key-hint-${operationId}`}
        />
      </label>
      <p class="quiet" id={`key-hint-${operationId}`}>
        Signs you in, as in the console: the key becomes a cookie that no script can read, and is
        not kept in this page. A test key touches nothing live.
      </p>
      <p class="failure" role="alert">
        {failure}
      </p>
      <button class="button primary" aria-disabled={isBusy}>
        Sign in
      </button>
    </form>
  );
}
