/** What a person does: one call at a time, and what came of it is said. */

import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { say } from "./says.tsx";
import { Failure } from "./load.tsx";

export interface Act {
  isBusy: boolean;
  /** Of the last try, until the next. */
  error: unknown;
  run: (work: () => Promise<void>) => Promise<void>;
}

/** A second press while the first is under way does nothing. */
export function useAct(): Act {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  return {
    isBusy,
    error,
    run: async (work) => {
      if (isBusy) return;
      setBusy(true);
      setError(null);
      try {
        await work();
      } catch (caught) {
        setError(caught);
      } finally {
        setBusy(false);
      }
    },
  };
}

/** A button that calls; says `done` aloud and visibly when it has worked. */
export function ActButton(props: {
  act: () => Promise<unknown>;
  done?: string;
  kind?: "primary" | "danger";
  children: ComponentChildren;
}) {
  const { isBusy, error, run } = useAct();
  const press = () =>
    run(async () => {
      await props.act();
      if (props.done !== undefined) say(props.done);
    });
  return (
    <>
      <button
        type="button"
        class={`button ${props.kind ?? ""}`}
        aria-disabled={isBusy}
        onClick={() => void press()}
      >
        {props.children}
      </button>
      {error !== null && <Failure error={error} />}
    </>
  );
}
