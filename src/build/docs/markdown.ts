/** Markdown as the guides and the descriptions of the OpenAPI document have it. */

import { Marked, type Tokens } from "marked";
import { highlighted } from "./highlight.ts";
import { Html, html } from "./html.ts";

/** A heading as an address names it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

const marked = new Marked({
  renderer: {
    // Tags that somebody wrote are text.
    html: ({ text }: Tokens.HTML | Tokens.Tag) => html`${text}`.text,
    heading(token: Tokens.Heading) {
      const inner = new Html(this.parser.parseInline(token.tokens));
      if (token.depth === 1) return html`<h1>${inner}</h1>`.text;
      const level = new Html(`h${token.depth}`);
      return html`<${level} id="${anchorOf(token.text)}">${inner}</${level}>`.text;
    },
    code: ({ text, lang = "" }: Tokens.Code) => codeBlock(text, lang).text,
  },
});

/** What can be copied; `data-copy` is where the script puts the button. */
export function codeBlock(text: string, language: string): Html {
  return html`<div class="code" data-copy>
    <pre><code data-language="${language}">${highlighted(text, language)}</code></pre>
  </div>`;
}

export function markdown(text: string): Html {
  return new Html(marked.parse(text, { async: false }));
}

export function inlineMarkdown(text: string): Html {
  return new Html(marked.parseInline(text, { async: false }));
}

export interface Heading {
  depth: number;
  text: string;
}

export function headingsOf(text: string): Heading[] {
  return marked
    .lexer(text)
    .filter((token): token is Tokens.Heading => token.type === "heading")
    .map(({ depth, text: words }) => ({ depth, text: words }));
}
