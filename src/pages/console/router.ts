/**
 * Where in the console one is: the part of the address behind `#`, which no server sees. Back,
 * forward, reload and bookmarks work as on any page.
 */

import { useLayoutEffect, useState } from "preact/hooks";

/** `/campaigns/cmp_1/edit` as its parts, decoded. */
export type Route = readonly string[];

function routeNow(): Route {
  const parts = location.hash.replace(/^#\/?/, "").split("/");
  return parts.filter((part) => part !== "").map(decoded);
}

/** What somebody typed may be no code at all. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(routeNow);
  // At once: an address that changes before the first paint is followed, too.
  useLayoutEffect(() => {
    const follow = (event: HashChangeEvent) => {
      if (holdsBack?.(event.newURL) !== true) setRoute(routeNow());
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}

/** Whether the page that is shown wants to stay, told where one is going. */
type Guard = (address: string) => boolean;

let holdsBack: Guard | null = null;

/** Asked before another page is shown; it sees to the address. One at a time. */
export function guardPage(guard: Guard | null): void {
  holdsBack = guard;
}

/** For `href`. */
export function to(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export function go(...parts: string[]): void {
  location.hash = to(...parts);
}
