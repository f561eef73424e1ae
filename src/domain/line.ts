// Control characters and lone surrogates: no name needs them, and they break logs, CSV and SQLite.
// oxlint-disable-next-line no-control-regex
export const UNFIT = /[\u0000-\u001f\u007f]|\p{Surrogate}/u;

/** Whether this is one line of text, of 1–`max` UTF-16 units, without blanks at its ends. */
export function isLine(text: string, max: number): boolean {
  return text !== "" && text.length <= max && !UNFIT.test(text) && text.trim() === text;
}
