/** /docs and the guides: Markdown with a menu, a table of contents, and the next one below. */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { html, type Html } from "./html.ts";
import { anchorOf, headingsOf, inlineMarkdown, markdown } from "./markdown.ts";
import { REFERENCE } from "./reference.ts";
import { menuLink, type PageParts, type Place } from "./shell.ts";

/** In the order in which they are read. */
const ORDER = ["start", "partner-site", "webhooks", "own-codes", "drop", "checkout"];

/** Fewer headings need no table. */
const CONTENTS_MIN = 3;

interface Guide extends Place {
  /** Its first paragraph. */
  summary: string;
  text: string;
}

function readGuides(folder: string): Guide[] {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .map((file) => file.slice(0, -".md".length));
  if (names.toSorted().join() !== ORDER.toSorted().join()) {
    throw new Error(`The guides are ${names.join(", ")}; the order has ${ORDER.join(", ")}.`);
  }
  return ORDER.map((name) => {
    const text = readFileSync(path.join(folder, `${name}.md`), "utf8");
    const [, title, summary] = /^# (.+)\n\n(.+)\n/.exec(text) ?? [];
    if (title === undefined || summary === undefined) {
      throw new Error(`${name}.md must open with a title and a paragraph.`);
    }
    return { href: `/docs/${name}`, title, summary, text };
  });
}

function menu(guides: Guide[], current: string): Html {
  const places = [{ href: "/docs", title: "Overview" }, ...guides, REFERENCE];
  return html`<ul>
    ${places.map((place) => menuLink(place, current))}
  </ul>`;
}

function contents(text: string): Html | null {
  const headings = headingsOf(text).filter(({ depth }) => depth === 2);
  if (headings.length < CONTENTS_MIN) return null;
  return html`<nav class="contents" aria-labelledby="contents-title">
    <h2 id="contents-title">On this page</h2>
    <ul>
      ${headings.map(
        (heading) =>
          html`<li><a href="#${anchorOf(heading.text)}">${inlineMarkdown(heading.text)}</a></li>`,
      )}
    </ul>
  </nav>`;
}

/** The pages before and after, in the order of the menu. */
function neighbours(places: Place[], at: number): Html {
  const step = (place: Place | undefined, rel: string, word: string) =>
    place === undefined
      ? html`<span></span>`
      : html`<a class="card" rel="${rel}" href="${place.href}"
          ><span class="quiet">${word}</span> ${place.title}</a
        >`;
  return html`<nav class="steps" aria-label="Previous and next">
    ${step(places[at - 1], "prev", "Previous")}${step(places[at + 1], "next", "Next")}
  </nav>`;
}

const INTRODUCTION = `# Codedrop

Brands keep pools of discount codes. A user asks for one, from anywhere, and gets exactly one that nobody else ever gets.

New here? Take the [five-minute start](/docs/start). Every call is in the [reference](/docs/reference), where you can also try it. What a brand does by hand, it does in the [console](/console).`;

const CREDENTIALS = `## Which credential

| credential | looks like | stands | may |
| --- | --- | --- | --- |
| secret key | \`cdk_live_…\`, \`cdk_test_…\` | on a server | do all of one brand, as far as its scopes go |
| publishable key | \`cdp_live_…\`, \`cdp_test_…\` | in a page of an origin that it lists | read a campaign, claim for a user |
| user token | a JWT, signed by your server | in a page, for minutes | say who the user is |
| operator token | \`OPERATOR_TOKEN\` | with who runs the service | make and suspend brands |

Test keys see test campaigns only, and never touch live stock.

## When a call is refused

Every error is an RFC 9457 problem. Switch on the end of \`type\`, never on the words: \`type\` leads to a page that says what to do, and \`detail\` is for people.`;

function startPage(guides: Guide[]): PageParts {
  const cards = guides.map(
    ({ href, title, summary }) =>
      html`<li>
        <a class="card" href="${href}"
          ><strong>${title}</strong><span>${inlineMarkdown(summary)}</span></a
        >
      </li>`,
  );
  const main = html`${markdown(INTRODUCTION)}
    <h2 id="guides">Guides</h2>
    <ul class="cards">
      ${cards}
    </ul>
    ${markdown(CREDENTIALS)}`;
  return {
    title: "Codedrop",
    description: "Hands each user exactly one discount code. Guides and reference.",
    href: "/docs",
    kind: "guide",
    menu: menu(guides, "/docs"),
    main,
  };
}

export function guidePages(folder: string): PageParts[] {
  const guides = readGuides(folder);
  const places = [{ href: "/docs", title: "Overview" }, ...guides, REFERENCE];
  return [
    startPage(guides),
    ...guides.map(({ href, title, summary, text }, i) => ({
      title,
      description: summary.replaceAll(/[`*]|\]\(.*?\)|\[/g, ""),
      href,
      kind: "guide" as const,
      menu: menu(guides, href),
      main: html`<article>${markdown(text)}</article>
        ${neighbours(places, i + 1)}`,
      contents: contents(text),
    })),
  ];
}
