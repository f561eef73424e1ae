/** What changes by itself is asked for again and again. */

import { useEffect, useRef } from "preact/hooks";

/** Every `ms` while somebody looks at the page; not at all where it is null. */
export function useEvery(ms: number | null, tick: () => void): void {
  const latest = useRef(tick);
  latest.current = tick;
  useEffect(() => {
    if (ms === null) return undefined;
    const timer = setInterval(() => !document.hidden && latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}
