/** The heading of a page whose name is known only when it is loaded. */

import { useEffect, useState } from "preact/hooks";

let tell: (title: string | null) => void = () => undefined;

/** Until the page is left. */
export function useTitle(title: string | null): void {
  useEffect(() => {
    tell(title);
    return () => tell(null);
  }, [title]);
}

/** For the shell: what the page calls itself, or null. */
export function useToldTitle(): string | null {
  const [told, setTold] = useState<string | null>(null);
  useEffect(() => {
    tell = setTold;
  }, []);
  return told;
}
