/** What surrounds the text of every page: the bar at the top, and the way to all others. */

import type { Bundle } from "../bundle.ts";
import { html, type Html } from "./html.ts";

export interface Place {
  href: string;
  title: string;
}

export interface PageParts {
  title: string;
  description: string;
  /** Where the page is. */
  href: string;
  /** The menu beside the text. */
  menu: Html;
  main: Html;
  /** The headings of a page that has many. */
  contents?: Html | null;
  kind: "guide" | "reference";
}

/** A link in a menu, marked where it leads to the page itself. */
export function menuLink({ href, title }: Place, current: string): Html {
  const mark = href === current ? html` aria-current="page"` : null;
  return html`<li><a href="${href}" ${mark}>${title}</a></li>`;
}

export function page(parts: PageParts, { script, style }: Bundle): string {
  const { title, description, menu, main, contents = null, kind } = parts;
  const whole = title === "Codedrop" ? title : `${title} · Codedrop`;
  const top = [
    { href: "/docs", title: "Guides" },
    { href: "/docs/reference", title: "Reference" },
  ];
  const isHere = (place: string) => (place === "/docs/reference") === (kind === "reference");
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta name="color-scheme" content="light dark" />
        <title>${whole}</title>
        <meta name="description" content="${description}" />
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${style}" />
        <script type="module" src="${script}"></script>
      </head>
      <body class="${kind}">
        <a class="skip" href="#main">Skip to the text</a>
        <header class="bar">
          <a class="brand" href="/docs">Codedrop</a>
          <nav aria-label="Documentation">
            ${top.map(
              (place) =>
                html`<a
                  href="${place.href}"
                  ${isHere(place.href) ? html` aria-current="true"` : null}
                  >${place.title}</a
                >`,
            )}<a href="/console">Console</a>
          </nav>
          <button class="button menu-button" popovertarget="menu">Menu</button>
        </header>
        <div class="page">
          <nav class="menu" id="menu" popover aria-label="${kind === "guide" ? "Guides" : "Calls"}">
            ${menu}
          </nav>
          <main id="main" tabindex="-1">${main}</main>
          ${contents}
        </div>
      </body>
    </html> `.text;
}
