/** Network addresses of callers, cut to the part that one household or one server has. */

/**
 * What IP address `text` has in common with its neighbours: the first `v4Bits` or `v6Bits` of it,
 * the rest zero, with the length behind; null when it is no address. An IPv4 address that is
 * written as IPv6 (::ffff:192.0.2.1) counts as IPv4.
 */
export function networkOf(
  text: string,
  { v4Bits, v6Bits }: { v4Bits: number; v6Bits: number },
): string | null {
  const v4 = v4Of(text.replace(/^::ffff:(?=[\d.]+$)/i, ""));
  if (v4 !== null) return `${cut(v4, 8, v4Bits).join(".")}/${v4Bits}`;
  const v6 = v6Of(text);
  if (v6 === null) return null;
  return `${cut(v6, 16, v6Bits)
    .map((group) => group.toString(16))
    .join(":")}/${v6Bits}`;
}

function v4Of(text: string): number[] | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null;
  const bytes = text.split(".").map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

/** RFC 4291 §2.2, without an embedded IPv4 address. */
function v6Of(text: string): number[] | null {
  const [head = "", tail, more] = text.split("::");
  if (more !== undefined || !/^[0-9a-f:]*$/i.test(text)) return null;
  const groupsOf = (part: string) => (part === "" ? [] : part.split(":"));
  const left = groupsOf(head);
  const right = groupsOf(tail ?? "");
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...left, ...Array<string>(missing).fill("0"), ...right];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => parseInt(group, 16))
    : null;
}

/** Keeps the first `bits` of numbers that have `width` bits each. */
function cut(numbers: number[], width: number, bits: number): number[] {
  return numbers.map((number, i) => {
    const kept = Math.min(width, Math.max(0, bits - i * width));
    return number & (((1 << width) - 1) ^ ((1 << (width - kept)) - 1));
  });
}
