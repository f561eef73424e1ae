/** What is known of one thing: names with their values. */

import type { ComponentChildren } from "preact";

export type Fact = [name: string, value: ComponentChildren];

/** Facts that are null are left out. In a row of a list they are told in a line each. */
export function Facts({ of: facts, inRow = false }: { of: Fact[]; inRow?: boolean }) {
  return (
    <dl class={inRow ? "told" : "known"}>
      {facts
        .filter(([, value]) => value !== null)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
