/** What is around every page of the console, and which page it is. */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Names } from "./names.tsx";
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
  ["events", "Events"],
  ["webhooks", "Webhooks"],
  ["keys", "Keys"],
  ["brand", "Brand"],
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
  // At once, so that nothing that a person does after it is taken back.
  useLayoutEffect(() => {
    // Whoever follows a link is at the top of what it leads to, by screen reader, too.
    if (!isFirst.current) heading.current?.focus();
    isFirst.current = false;
  }, [route.join("/")]);
  const names = useMemo(() => new Map(), []);
  return (
    <Names.Provider value={names}>
      <div class="shell">
        <a class="skip" href="#main" onClick={(event) => skip(event, heading.current)}>
          Skip to content
        </a>
        <Top session={session} onLeave={onLeave} />
        <Nav route={route} />
        <main id="main">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {body}
        </main>
      </div>
    </Names.Provider>
  );
}

function Top({ session, onLeave }: { session: Session; onLeave: () => void }) {
  return (
    <header class="top">
      <a class="name" href={to("campaigns")}>
        Codedrop
      </a>
      <span class="who">
        <bdi class="brand" title={session.brand.name}>
          {session.brand.name}
        </bdi>
        {session.key.mode === "test" && <span class="badge warn">test</span>}
      </span>
      <button type="button" class="button plain" onClick={onLeave}>
        Sign out
      </button>
    </header>
  );
}

/** On a narrow page the sections are behind a button, which says where one is. */
function Nav({ route }: { route: Route }) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const [here = "campaigns"] = route;
  useEffect(() => setOpen(false), [route.join("/")]);
  const close = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return;
    setOpen(false);
    button.current?.focus();
  };
  return (
    <nav aria-label="Sections" class={isOpen ? "open" : ""} onKeyDown={close}>
      <button
        ref={button}
        type="button"
        class="button menu"
        aria-expanded={isOpen}
        aria-controls="sections"
        onClick={() => setOpen(!isOpen)}
      >
        Menu
      </button>
      <div id="sections" onClick={() => setOpen(false)}>
        {SECTIONS.map(([section, name]) => (
          <a key={section} href={to(section)} aria-current={section === here ? "page" : undefined}>
            {name}
          </a>
        ))}
        <a href="/docs">Documentation</a>
      </div>
    </nav>
  );
}

function skip(event: Event, heading: HTMLElement | null): void {
  event.preventDefault();
  heading?.focus();
}
