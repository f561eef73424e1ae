/** Numbers with what they count, and parts of a whole. */

const counts = new Intl.NumberFormat("en");

/** "1 claim", "2,000 claims". */
export function counted(number: number, one: string, more = `${one}s`): string {
  return `${counts.format(number)} ${number === 1 ? one : more}`;
}

/** A part of a whole, in words that do not claim more than is so: all is said of all only. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "–";
  const share = (part / whole) * 100;
  if (share > 0 && share < 0.1) return "< 0.1\u00a0%";
  if (share > 99.9 && share < 100) return "> 99.9\u00a0%";
  if (share >= 99 && share < 100) return `${(Math.floor(share * 10) / 10).toFixed(1)}\u00a0%`;
  return `${share.toFixed(share < 10 && share > 0 ? 1 : 0)}\u00a0%`;
}
