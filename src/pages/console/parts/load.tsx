/** What comes from the service: not there yet, there, or refused. */

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { CodedropError } from "../../../client/client.ts";

export type Loaded<Value> = { again: () => void } & (
  | { state: "loading" }
  | { state: "there"; value: Value }
  | { state: "failed"; error: unknown }
);

/**
 * Calls when shown and whenever one of `inputs` is another; the answer to an earlier call is
 * dropped. While it is called again, what was there stays.
 */
export function useLoad<Value>(
  call: (signal: AbortSignal) => Promise<Value>,
  inputs: readonly unknown[],
): Loaded<Value> {
  const [loaded, setLoaded] = useState<Omit<Loaded<Value>, "again">>({ state: "loading" });
  const [turn, setTurn] = useState(0);
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => setLoaded({ state: "loading" }), inputs);
  useEffect(() => {
    const leaving = new AbortController();
    // An address that no call can have, such as `#/keys/..`, is refused before there is a promise.
    const called = async () => latest.current(leaving.signal);
    called().then(
      (value) => !leaving.signal.aborted && setLoaded({ state: "there", value } as never),
      (error: unknown) => !leaving.signal.aborted && setLoaded({ state: "failed", error } as never),
    );
    return () => leaving.abort();
  }, [...inputs, turn]);
  const again = useCallback(() => setTurn((before) => before + 1), []);
  return { ...loaded, again } as Loaded<Value>;
}

/** Shows what came, or why it did not. */
export function Show<Value>(props: {
  of: Loaded<Value>;
  children: (value: Value) => ComponentChildren;
}) {
  const { of: loaded, children } = props;
  if (loaded.state === "loading") return <Loading />;
  if (loaded.state === "failed") return <Failure error={loaded.error} again={loaded.again} />;
  return <>{children(loaded.value)}</>;
}

export function Loading() {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading</span>
      <span aria-hidden="true" class="skeleton" />
      <span aria-hidden="true" class="skeleton" />
      <span aria-hidden="true" class="skeleton short" />
    </div>
  );
}

/** What went wrong in words for people, and the name under which our logs know it. */
export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  if (error instanceof CodedropError && error.slug === "insufficient-scope") {
    return <TooNarrow error={error} />;
  }
  return (
    <div class="notice bad" role="alert">
      <p>{wordsFor(error)}</p>
      {error instanceof CodedropError && error.requestId !== null && (
        <p class="quiet">
          Request <code>{error.requestId}</code>
        </p>
      )}
      {again !== undefined && (
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Nothing is broken: the key was made to do less. */
function TooNarrow({ error }: { error: CodedropError }) {
  return (
    <div class="notice warn" role="alert">
      <p>
        <strong>The key that you signed in with may not do this.</strong> {error.detail} Sign in
        with a key that has it, or ask whoever manages your brand’s keys.
      </p>
    </div>
  );
}

export function wordsFor(error: unknown): string {
  if (error instanceof CodedropError) {
    const [first] = error.errors;
    return first === undefined ? error.message : `${error.title}. ${first.pointer} ${first.detail}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Where nothing is yet: what would be here, and how it gets here. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
