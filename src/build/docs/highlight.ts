/** Colours for samples: what is a comment, a text or a word of the language. No more than that. */

import { html, type Html } from "./html.ts";

const COMMENT = { js: /\/\/.*|\/\*[^]*?\*\//, sh: /(?<=^|\s)#.*/, html: /<!--[^]*?-->/ };
const TEXT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/;
const WORDS =
  /\b(?:import|from|export|const|let|new|await|async|for|of|if|else|return|function|throw|try|catch|null|true|false)\b/;

const union = (...shapes: [name: string, shape: RegExp][]) =>
  new RegExp(shapes.map(([name, { source }]) => `(?<${name}>${source})`).join("|"), "gm");

const script = union(["comment", COMMENT.js], ["string", TEXT], ["word", WORDS]);
const LANGUAGES: Record<string, RegExp> = {
  js: script,
  ts: script,
  json: union(
    ["string", /"(?:[^"\\\n]|\\.)*"(?=\s*[,\]}\n])/],
    ["word", /\b(?:null|true|false)\b/],
  ),
  sh: union(["comment", COMMENT.sh], ["string", TEXT]),
  html: union(["comment", COMMENT.html], ["string", /"[^"\n]*"/], ["word", /<\/?[\w-]+|>/]),
};

export function highlighted(text: string, language: string): Html {
  const shape = LANGUAGES[language];
  if (shape === undefined) return html`${text}`;
  const parts: Html[] = [];
  let end = 0;
  for (const match of text.matchAll(shape)) {
    const [kind] =
      Object.entries(match.groups ?? {}).find(([, found]) => found !== undefined) ?? [];
    parts.push(html`${text.slice(end, match.index)}<span class="${kind ?? ""}">${match[0]}</span>`);
    end = match.index + match[0].length;
  }
  return html`${parts}${text.slice(end)}`;
}
