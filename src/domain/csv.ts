/** Writing CSV: RFC 4180, safe to open in a spreadsheet. */

/** A cell that begins so is a formula to a spreadsheet (OWASP: CSV injection). */
const FORMULA = /^[=+\-@\t\r＝＋－＠]/;

const NEEDS_QUOTES = /[",;\r\n\t]|^\s|\s$/;

/** One field. What a spreadsheet would compute is text behind an apostrophe. */
export function csvField(value: string | number | null): string {
  if (value === null) return "";
  const text = String(value);
  const inert = typeof value === "string" && FORMULA.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

/** One line, with its end. */
export function csvLine(values: readonly (string | number | null)[]): string {
  return `${values.map(csvField).join(",")}\r\n`;
}
