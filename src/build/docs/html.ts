/** HTML in template literals: what is put in is text, unless it was made here. */

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Part = Html | string | number | null | readonly Part[];

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  if (part === null) return "";
  if (typeof part === "object") return part.map(render).join("");
  return String(part).replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

export function html(texts: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(String.raw({ raw: texts }, ...parts.map(render)));
}

export function joined(parts: readonly Html[], between: string): Html {
  return html`${parts.map((part, i) => html`${i === 0 ? "" : between}${part}`)}`;
}
