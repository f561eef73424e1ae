/**
 * Addresses that callers give us to call: where an issuer's keys are, where events go. Names are
 * judged by their text. Which address a public name has is the resolver's word at the time of the
 * call, and the platform, from where nothing private can be reached, is what then stands before it.
 */

/** Longer than any honest address, and what most servers take. */
export const TARGET_LENGTH_MAX = 2_048;

/** Networks from which no answer of a public host comes (RFC 6890 and IANA's registry). */
const PRIVATE_V4: readonly [network: string, bits: number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

/** Within 2000::/3, which holds all public ones: by their first 16 or 32 bits. */
const PRIVATE_V6: readonly [from: number, to: number][] = [
  // Teredo, ORCHID and their like, whose addresses lead elsewhere, and documentation.
  [0x2001_0000, 0x2001_01ff],
  [0x2001_0db8, 0x2001_0db8],
  // 6to4 holds an IPv4 address, and 3fff::/20 is documentation.
  [0x2002_0000, 0x2002_ffff],
  [0x3fff_0000, 0x3fff_0fff],
];

/** Names that only private networks resolve, with all below them. */
const PRIVATE_NAMES = ["localhost", "localdomain", "local", "internal", "home.arpa"];

function numberOf(dotted: string): number {
  return dotted.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function isWithin(address: string, network: string, bits: number): boolean {
  const size = 2 ** (32 - bits);
  return Math.floor(numberOf(address) / size) === Math.floor(numberOf(network) / size);
}

/** The first two groups of an IPv6 address as URLs write it, as one number. */
function headOf(v6: string): number {
  // Groups that "::" leaves out are zeros; behind it stands nothing that this looks at, unless the
  // address begins with it, and then it is not public whatever follows.
  const [first = "", second = ""] = v6.split(":");
  return parseInt(first || "0", 16) * 0x1_0000 + parseInt(second || "0", 16);
}

function isPrivateV6(v6: string): boolean {
  const head = headOf(v6);
  // What is mapped, translated, unique local, link-local or multicast all lies outside.
  if (head < 0x2000_0000 || head > 0x3fff_ffff) return true;
  return PRIVATE_V6.some(([from, to]) => head >= from && head <= to);
}

const IS_V4 = /^\d+\.\d+\.\d+\.\d+$/;

export function isLoopback(host: string): boolean {
  return (
    host === "[::1]" ||
    (IS_V4.test(host) && isWithin(host, "127.0.0.0", 8)) ||
    host === "localhost" ||
    host.endsWith(".localhost")
  );
}

function isPrivate(host: string): boolean {
  if (host.startsWith("[")) return isPrivateV6(host.slice(1, -1));
  if (IS_V4.test(host)) {
    return PRIVATE_V4.some(([network, bits]) => isWithin(host, network, bits));
  }
  return (
    !host.includes(".") || PRIVATE_NAMES.some((name) => host === name || host.endsWith(`.${name}`))
  );
}

/** The host and port. One dot at the end changes no name. */
function hostOf({ host }: URL): string {
  return host.replace(/\.(?=:\d+$|$)/, "");
}

/**
 * Why the address may not be called, in words, or null when it may. Loopback, by http too and on
 * any port, is for local development. `ownAddress` is one that we are called by ourselves.
 */
export function refusedTarget(
  address: string,
  { allowsLoopback, ownAddress }: { allowsLoopback: boolean; ownAddress?: string },
): string | null {
  if (address.length > TARGET_LENGTH_MAX) {
    return `Must be at most ${TARGET_LENGTH_MAX.toLocaleString("en")} characters.`;
  }
  // URLs drop some of these without a word, and what was meant is then not what is called.
  if (/[\s\\]|\p{Control}|\p{Surrogate}/u.test(address)) {
    return "Must not hold blanks, control characters or backslashes.";
  }
  const url = URL.parse(address);
  if (url === null) return "Must be a complete address such as https://login.example.com/keys.";
  if (url.username !== "" || url.password !== "") return "Must not hold a user name or password.";
  if (address.includes("#")) return "Must not hold a fragment.";
  if (ownAddress !== undefined && hostOf(url) === hostOf(new URL(ownAddress))) {
    return "Must not be on this service's own host.";
  }
  // The notations of an IPv4 address are one by now.
  const host = url.hostname.replace(/\.$/, "");
  if (allowsLoopback && isLoopback(host) && /^https?:$/.test(url.protocol)) return null;
  if (url.protocol !== "https:") return "Must begin with https://.";
  if (url.port !== "") return "Must use port 443.";
  if (host === "" || host.endsWith(".") || isPrivate(host)) return "Must be on a public host.";
  return null;
}
