/** What is known of one thing: names with their values. */

import type { ComponentChildren } from "preact";

/** Facts that are null are left out. */
export function Facts({ of: facts }: { of: [name: string, value: ComponentChildren][] }) {
  return (
    <dl class="known">
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
