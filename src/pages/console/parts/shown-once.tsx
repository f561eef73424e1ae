/** A new key or secret: only its hash is kept, so that it is never to be had again. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Copy } from "./words.tsx";

export function ShownOnce(props: {
  title: string;
  /** What it is, such as "key". */
  name: string;
  text: string;
  onDone: () => void;
  children?: ComponentChildren;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section class="card once stack">
      <h2 ref={heading} tabIndex={-1}>
        {props.title}
      </h2>
      <p>
        Copy it to a safe place now. It is shown this once, and nobody can show it to you again.
      </p>
      <Copy text={props.text} name={props.name} />
      {props.children}
      <div class="bar">
        <button type="button" class="button primary" onClick={props.onDone}>
          I have stored it
        </button>
      </div>
    </section>
  );
}
