/** Codes and their match keys as one parameter of a D1 statement. */

/**
 * A JSON array of texts, "<match key>\t<code>"; an array of arrays takes SQLite half as long again
 * to read. A match key holds no blank, so the first tab ends it, whatever the code looks like.
 */
export function codeTexts(codes: readonly { code: string; matchKey: string }[]): string {
  return JSON.stringify(codes.map(({ code, matchKey }) => `${matchKey}\t${code}`));
}

/** The two of a row `d` of json_each, as SQL. */
export const KEY_IN = "substr(d.value, 1, instr(d.value, char(9)) - 1)";
export const CODE_IN = "substr(d.value, instr(d.value, char(9)) + 1)";
