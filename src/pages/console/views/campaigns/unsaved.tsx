/** Asks before what was typed is lost. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "../../parts/dialog.tsx";
import { guardPage } from "../../router.ts";

/**
 * While `isDirty`, closing the window makes the browser ask, and leaving for another page of the
 * console makes `question` ask. The address has changed by then: it is put back until the answer.
 * `letGo` is for who has saved.
 */
export function useUnsaved(isDirty: boolean) {
  const [target, setTarget] = useState<string | null>(null);
  const guards = useRef({ isDirty, mayGo: false });
  guards.current.isDirty = isDirty;
  useEffect(() => {
    const here = location.href;
    const holds = () => guards.current.isDirty && !guards.current.mayGo;
    const onClose = (event: BeforeUnloadEvent) => holds() && event.preventDefault();
    addEventListener("beforeunload", onClose);
    guardPage((address) => {
      if (!holds() || address === here) return false;
      history.pushState(null, "", here);
      setTarget(address);
      return true;
    });
    return () => {
      removeEventListener("beforeunload", onClose);
      guardPage(null);
    };
  }, []);
  const letGo = () => {
    guards.current.mayGo = true;
  };
  const stay = () => setTarget(null);
  const question = target !== null && (
    <Dialog title="Leave without saving?" onClose={stay}>
      <p>What you changed here is not saved. If you leave now, it is lost.</p>
      <div class="bar acts">
        <button type="button" class="button" onClick={stay}>
          Stay here
        </button>
        <button
          type="button"
          class="button danger"
          onClick={() => {
            letGo();
            location.replace(target);
          }}
        >
          Leave without saving
        </button>
      </div>
    </Dialog>
  );
  return { question, letGo };
}
