/**
 * Origins of web pages (RFC 6454), as browsers write them: scheme, host and port, nothing else.
 * They are compared character by character, never by a pattern or a suffix.
 */

/** Characters of the longest origin that a browser can send: a host name has 253 at most. */
export const ORIGIN_MAX = 267;

/** No wildcards, which browsers never send. */
const HOST = /^([a-z0-9._-]+|\[[0-9a-f:]+\])$/;
/** Pages on the developer's own machine, which have no https. */
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** Whether `text` is an origin as a browser would send it, by https or from this very machine. */
export function isOrigin(text: string): boolean {
  if (text.length > ORIGIN_MAX) return false;
  try {
    const { origin, protocol, hostname } = new URL(text);
    // "https://shop.example/", "HTTPS://…" and "https://shop.example:443" are not what is sent.
    if (origin !== text || !HOST.test(hostname)) return false;
    return protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
  } catch {
    return false;
  }
}
