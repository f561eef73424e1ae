/** Short words on what was done, seen at the foot of the page and heard by screen readers. */

import { useEffect, useLayoutEffect, useState } from "preact/hooks";

/** Long enough to be read, short enough not to be in the way. */
const SHOWN_MS = 6_000;

let tell: (words: string) => void = () => undefined;

export function say(words: string): void {
  tell(words);
}

export function Says() {
  const [said, setSaid] = useState<{ words: string; at: number } | null>(null);
  useLayoutEffect(() => {
    tell = (words) => setSaid({ words, at: Date.now() });
  }, []);
  useEffect(() => {
    if (said === null) return undefined;
    const timer = setTimeout(() => setSaid(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div class="says" role="status" aria-live="polite">
      {said !== null && <p key={said.at}>{said.words}</p>}
    </div>
  );
}
