/** Finding one's way in a piece of JSON without reading it. */

const SPACE = " \t\n\r";
const SCALAR_END = /[ \t\n\r,\]}]/g;

export function pastSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && SPACE.includes(text.charAt(at))) at += 1;
  return at;
}

/** The quote that ends a string of which `from` is the first place, or -1. */
export function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && backslashesBefore(text, at, from) % 2 === 1) at = text.indexOf('"', at + 1);
  return at;
}

function backslashesBefore(text: string, end: number, from: number): number {
  let at = end;
  while (at > from && text[at - 1] === "\\") at -= 1;
  return end - at;
}

/** Where a string that goes on after `text` can be cut without cutting an escape. */
export function pastEscapes(text: string, from: number): number {
  const last = text.lastIndexOf("\\");
  // An even number of backslashes are escapes of one another.
  if (last < from || backslashesBefore(text, last + 1, from) % 2 === 0) return text.length;
  const length = text[last + 1] === "u" ? String.raw`\u0000`.length : String.raw`\n`.length;
  return text.length - last < length ? last : text.length;
}

/**
 * Where the value at `from`, which is no string, ends, or -1. What is between brackets need not be
 * JSON, nor the brackets match one another; that is for a parser to say.
 */
export function valueEnd(text: string, from: number): number {
  if (!"[{".includes(text.charAt(from))) {
    SCALAR_END.lastIndex = from;
    return SCALAR_END.exec(text)?.index ?? -1;
  }
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") depth -= 1;
    else if (char === '"') {
      at = closingQuote(text, at + 1);
      if (at < 0) return -1;
    }
    if (depth === 0) return at + 1;
  }
  return -1;
}
