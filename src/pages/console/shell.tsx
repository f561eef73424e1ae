/** What is around every page of the console, and which page it is. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Empty } from "./parts/load.tsx";
import { useToldTitle } from "./parts/title.ts";
import { to, useRoute, type Route } from "./router.ts";
import type { Session } from "./session.ts";
import { pages } from "./views/pages.tsx";

export interface View {
  /** Of the window and of the page. */
  title: string;
  body: ComponentChildren;
}

const SECTIONS = [
  ["campaigns", "Campaigns"],
  ["codes", "Find a code"],
  ["users", "Users"],
  ["webhooks", "Webhooks"],
  ["keys", "Keys"],
  ["audit-log", "Audit log"],
] as const;

function viewOf(route: Route, session: Session): View {
  const [section = "campaigns", ...rest] = route;
  const view = Object.hasOwn(pages, section) ? pages[section]?.(rest, session) : undefined;
  return view ?? { title: "Nothing here", body: <Empty title="There is no such page." /> };
}

export function Shell({ session, onLeave }: { session: Session; onLeave: () => void }) {
  const route = useRoute();
  const told = useToldTitle();
  const { title: usual, body } = viewOf(route, session);
  const title = told ?? usual;
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${title} · ${session.brand.name} · Codedrop`;
  }, [title]);
  useEffect(() => {
    // Whoever follows a link is at the top of what it leads to, by screen reader, too.
    if (!isFirst.current) heading.current?.focus();
    isFirst.current = false;
  }, [route.join("/")]);
  const [here = "campaigns"] = route;
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => skip(event, heading.current)}>
        Skip to content
      </a>
      <header class="top">
        <a class="name" href={to("campaigns")}>
          Codedrop
        </a>
        <span class="who">
          {session.brand.name}
          {session.key.mode === "test" && <span class="badge warn">test</span>}
        </span>
        <button type="button" class="button plain" onClick={onLeave}>
          Sign out
        </button>
      </header>
      <nav aria-label="Sections">
        {SECTIONS.map(([section, name]) => (
          <a key={section} href={to(section)} aria-current={section === here ? "page" : undefined}>
            {name}
          </a>
        ))}
        <a href="/docs">Documentation</a>
      </nav>
      <main id="main">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {body}
      </main>
    </div>
  );
}

function skip(event: Event, heading: HTMLElement | null): void {
  event.preventDefault();
  heading?.focus();
}
