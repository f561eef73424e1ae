/** A form that asks for one thing, and what came of it below. */

import { Fragment, type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Field } from "./field.tsx";

/** Asking the same again looks anew. `start` is asked for at once. */
export function LookUp(props: {
  label: string;
  hint: string;
  button: string;
  capitals?: boolean;
  maxLength: number;
  start: () => string | null;
  children: (asked: string) => ComponentChildren;
}) {
  const [asked, setAsked] = useState(props.start);
  const [typed, setTyped] = useState(asked ?? "");
  const [turn, setTurn] = useState(0);
  const submit = (event: Event) => {
    event.preventDefault();
    setAsked(typed.trim());
    setTurn(turn + 1);
  };
  return (
    <>
      <form class="card search" onSubmit={submit}>
        <Field label={props.label} hint={props.hint}>
          {(control) => (
            <input
              {...control}
              value={typed}
              autoComplete="off"
              autoCapitalize={props.capitals === true ? "characters" : "none"}
              spellcheck={false}
              required
              maxLength={props.maxLength}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          )}
        </Field>
        <button class="button primary">{props.button}</button>
      </form>
      {asked !== null && asked !== "" && <Fragment key={turn}>{props.children(asked)}</Fragment>}
    </>
  );
}
