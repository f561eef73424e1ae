/** Asks before something is done, and says what will happen. */

import type { ComponentChildren } from "preact";
import { useAct } from "./act.tsx";
import { Dialog } from "./dialog.tsx";
import { Failure } from "./load.tsx";

export function Confirm(props: {
  title: string;
  /** On the button, such as "Revoke the key". */
  verb: string;
  kind?: "primary" | "danger";
  /** Whether all is there that must be said first. */
  isReady?: boolean;
  act: () => Promise<unknown>;
  onClose: () => void;
  /** What is shown of a field's error, instead of the service's words below. */
  children: ComponentChildren | ((error: unknown) => ComponentChildren);
}) {
  const { isReady = true, kind = "danger", children } = props;
  const { isBusy, error, run } = useAct();
  const submit = (event: Event) => {
    event.preventDefault();
    if (!isReady) return;
    void run(async () => {
      await props.act();
      props.onClose();
    });
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form class="stack" onSubmit={submit}>
        {typeof children === "function" ? children(error) : children}
        {error !== null && <Failure error={error} />}
        <div class="bar end">
          <button type="button" class="button" onClick={props.onClose}>
            Cancel
          </button>
          <button class={`button ${kind}`} aria-disabled={isBusy || !isReady}>
            {props.verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
