/** Times and spans as forms have them. */

/** For `datetime-local`: in the reader's zone, to the minute. */
export function toLocal(at: string | null): string {
  if (at === null) return "";
  const date = new Date(at);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function fromLocal(text: string): string | null {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** "Europe/Berlin, UTC+02:00" at that time, or now. */
export function zoneWords(text = ""): string {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const date = text === "" ? new Date() : new Date(text);
  const minutes = -(Number.isNaN(date.getTime()) ? new Date() : date).getTimezoneOffset();
  const two = (number: number) => String(Math.floor(number)).padStart(2, "0");
  const sign = minutes < 0 ? "−" : "+";
  const offset = `${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
  return timeZone === "UTC" ? "UTC" : `${timeZone}, UTC${sign}${offset}`;
}

export const UNITS = {
  seconds: 1,
  minutes: 60,
  hours: 3_600,
  days: 86_400,
} as const;

export type Unit = keyof typeof UNITS;

/** In the largest unit in which it is a whole number. */
export function toSpan(seconds: number | null): { value: string; unit: Unit } {
  if (seconds === null) return { value: "", unit: "days" };
  const units = (Object.keys(UNITS) as Unit[]).toReversed();
  const unit = units.find((one) => seconds % UNITS[one] === 0) ?? "seconds";
  return { value: String(seconds / UNITS[unit]), unit };
}

export function fromSpan(value: string, unit: Unit): number | null {
  return value === "" ? null : Math.round(Number(value) * UNITS[unit]);
}
