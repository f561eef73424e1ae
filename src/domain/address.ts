/** Network addresses of callers, cut to the part that one household or one server has. */

/**
 * The network of IP address `text`: its first `v4Bits` or `v6Bits`, the rest zero, with the length
 * behind (RFC 4632, RFC 4291 §2.3); null when it is no address. An IPv4 address that is written as
 * IPv6 counts as IPv4.
 */
export function networkOf(
  text: string,
  { v4Bits, v6Bits }: { v4Bits: number; v6Bits: number },
): string | null {
  const groups = v6Of(text);
  const v4 = groups === null ? v4Of(text) : mappedV4(groups);
  if (v4 !== null) return `${cut(v4, 8, v4Bits).join(".")}/${v4Bits}`;
  if (groups === null) return null;
  const kept = cut(groups, 16, v6Bits).slice(0, Math.ceil(v6Bits / 16));
  return `${kept.map((group) => group.toString(16)).join(":")}::/${v6Bits}`;
}

function v4Of(text: string): number[] | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null;
  const bytes = text.split(".").map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

/** The eight numbers of an IPv6 address, however it is shortened. */
function v6Of(text: string): number[] | null {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !URL.canParse(`http://[${text}]`)) return null;
  const [left = "", right] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const numbers = (part = "") => (part === "" ? [] : part.split(":").map((n) => parseInt(n, 16)));
  const tail = numbers(right);
  const head = numbers(left);
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** An IPv4 address as IPv6 sockets show it. */
function mappedV4(groups: number[]): number[] | null {
  if (groups.slice(0, 6).join() !== "0,0,0,0,0,65535") return null;
  return groups.slice(6).flatMap((group) => [group >> 8, group & 255]);
}

/** Keeps the first `bits` of numbers that have `width` bits each. */
function cut(numbers: number[], width: number, bits: number): number[] {
  return numbers.map((number, i) => {
    const kept = Math.min(width, Math.max(0, bits - i * width));
    return number & (((1 << width) - 1) ^ ((1 << (width - kept)) - 1));
  });
}
