/** Codes that a brand brings: what one may be, and what can be wrong with a row of an import. */

/** Characters (Unicode code points) of one code, as the API promises. */
export const IMPORTED_CODE_LENGTH_MAX = 128;

/** What can be wrong with one row, and what to change so that it is taken. Shown to people. */
export const ROW_FAULTS = {
  empty: "Give the row a code; blanks alone are none.",
  "too-long": `Shorten the code to ${IMPORTED_CODE_LENGTH_MAX} characters.`,
  "broken-text":
    "Save the file as UTF-8 and send it again: characters of this code cannot be read or were lost earlier.",
  "control-character": "Remove tabs, line breaks and other control characters from the code.",
  "outer-blank": "Remove the blanks before and after the code.",
  "no-code":
    "Give the row a code: a value in the `code` column, or a JSON string (also for codes of digits only).",
  "not-json": 'Write one JSON object on each line, such as {"code": "SUMMER-1"}.',
  "stray-quote": "Put every field that contains quotes in quotes, and double the quotes inside it.",
  "unclosed-quote":
    "Close the quote that opens in this row or in one before it, and double the quotes inside a field.",
  "extra-fields":
    "Put every field that contains the delimiter in quotes: this row has more than the file has columns.",
  "row-too-long": "Shorten the row: it is longer than any that a spreadsheet writes.",
} as const satisfies Record<string, string>;

export type RowFault = keyof typeof ROW_FAULTS;

// Controls of both sets and the two line breaks of Unicode. No script needs them.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const CONTROLS = new RegExp(CONTROL, "g");

// What decoders put in place of bytes that are not UTF-8. A code that has it in the file itself was
// broken by whoever wrote the file.
const REPLACEMENT = "\ufffd";

/**
 * What is wrong with a code, judged as written: nothing is trimmed, folded or replaced, and any
 * script will do. Null when it can be taken.
 */
export function codeFault(code: string): RowFault | null {
  if (isLongerThan(code, IMPORTED_CODE_LENGTH_MAX)) return "too-long";
  const inner = code.trim();
  if (inner === "") return "empty";
  if (code.includes(REPLACEMENT) || !code.isWellFormed()) return "broken-text";
  if (CONTROL.test(code)) return "control-character";
  return inner.length === code.length ? null : "outer-blank";
}

/** Whether `text` has more than `max` code points. */
function isLongerThan(text: string, max: number): boolean {
  // A code point is one UTF-16 unit or two.
  if (text.length <= max) return false;
  return text.length > 2 * max || [...text].length > max;
}

/**
 * A code that was refused, fit to be shown and stored: cut to the longest that could have been
 * taken, control characters as their pictures (␀, ␉), broken characters as U+FFFD. Shares no
 * memory with the text that it was cut from, so that a list of faults does not hold the file.
 */
export function legibleCode(code: string): string {
  const start = code.slice(0, 2 * IMPORTED_CODE_LENGTH_MAX).toWellFormed();
  return [...start].slice(0, IMPORTED_CODE_LENGTH_MAX).join("").replace(CONTROLS, picture);
}

function picture(control: string): string {
  const unit = control.charCodeAt(0);
  if (unit < 0x20) return String.fromCharCode(0x2400 + unit);
  return unit === 0x7f ? "\u2421" : REPLACEMENT;
}
