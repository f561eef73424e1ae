/** Who a request says it comes from: rightly, of a wrong kind, of another brand, or made up. */

import { formatApiKey } from "../../src/domain/api-key.ts";
import type { Random } from "../support/random.ts";
import type { Operation } from "./document.ts";
import { ORIGIN, type World } from "./world.ts";

type Headers = [name: string, value: string][];

export interface Credential {
  headers: Headers;
  /** Why no answer may be a success. */
  fault: string | null;
  /** Ours: what it is shown may be used for later requests. */
  isOwn: boolean;
  isRival: boolean;
}

const bearer = (key: string): Headers => [["Authorization", `Bearer ${key}`]];
export const TOKEN_HEADER = "Codedrop-User-Token";

/** How the schemes of the document are met. A call that needs another one is made without it. */
const SCHEMES: Record<string, (world: World) => Headers> = {
  operatorToken: (world) => bearer(world.operatorToken),
  secretKey: (world) => bearer(world.brand.secret),
  publishableKey: (world) => [...bearer(world.keys.page), ["Origin", ORIGIN]],
  userToken: (world) => [[TOKEN_HEADER, world.userToken]],
};

export function rightCredential(operation: Operation, world: World, random: Random): Credential {
  const schemes = operation.security.length === 0 ? [] : random.pick(operation.security);
  const headers = schemes.flatMap((scheme) => SCHEMES[scheme]?.(world) ?? []);
  return { headers, fault: null, isOwn: true, isRival: false };
}

export function oddCredential(operation: Operation, world: World, random: Random): Credential {
  const right = rightCredential(operation, world, random);
  const odd = (headers: Headers, fault: string | null = null): Credential => ({
    headers,
    // A call that anybody may make is a success for anybody.
    fault: operation.security.every((schemes) => schemes.length > 0)
      ? faultOf(operation, fault)
      : null,
    isOwn: false,
    isRival: false,
  });
  if (right.headers.some(([name]) => name === TOKEN_HEADER) && random.chance(0.5)) {
    const others = right.headers.filter(([name]) => name !== TOKEN_HEADER);
    const token = random.pick(brokenTokens(world.userToken));
    return odd([...others, [TOKEN_HEADER, token]], "a user token that does not count");
  }
  return random.pick<() => Credential>([
    () => odd([], "no credential"),
    () => ({ ...odd(bearer(world.rival.secret)), isRival: true }),
    () => odd(malformed(world, random), "a credential that does not count"),
    () => odd(malformed(world, random), "a credential that does not count"),
    () => odd(wrongKind(operation, world, random), "a credential of a wrong kind"),
    // These may do some of it, or see what is theirs.
    () => odd(bearer(random.pick([world.keys.narrow, world.keys.test]))),
  ])();
}

function faultOf({ security }: Operation, fault: string | null): string | null {
  return security.length === 0 ? null : fault;
}

function malformed(world: World, random: Random): Headers {
  const { secret } = world.brand;
  const drawn = (length: number) => Uint8Array.from({ length }, () => random.int(0, 255));
  const value = random.pick([
    "",
    "Bearer",
    "Bearer ",
    "Bearer x",
    `Bearer ${secret}x`,
    `Bearer ${secret.slice(0, -1)}`,
    `Bearer ${secret.toUpperCase()}`,
    `Bearer ${secret}, Bearer ${secret}`,
    `Basic ${secret}`,
    secret,
    `Bearer ${formatApiKey("secret", "live", drawn)}`,
    `Bearer ${world.suspended.secret}`,
    "Bearer \u00e9\u00ff",
    `Bearer ${"x".repeat(5_000)}`,
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1LTEifQ.",
  ]);
  return [["Authorization", value]];
}

function wrongKind({ security }: Operation, world: World, random: Random): Headers {
  const taken = new Set(security.flat());
  const others = ["operatorToken", "secretKey", "publishableKey"]
    .filter((scheme) => !taken.has(scheme))
    .map((scheme) => SCHEMES[scheme]?.(world) ?? []);
  // From no page at all, and from one that its key does not list.
  others.push(bearer(world.keys.page), [
    ...bearer(world.brand.publishable),
    ["Origin", "https://evil.example"],
  ]);
  return random.pick(others);
}

function brokenTokens(token: string): string[] {
  const [head = "", claims = "", signature = ""] = token.split(".");
  return [
    "",
    "x",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1LTEifQ.",
    `${head}.${claims}.`,
    `${head}.${claims}`,
    `${head}.${claims}.${signature.slice(0, -2)}`,
    `${head}.${claims.slice(0, -3)}.${signature}`,
    `${head}x.${claims}.${signature}`,
    `${head}.${claims}.${signature}=`,
    `${token}, ${token}`,
    `Bearer ${token}`,
    "\u00e9",
    "..",
    "x.".repeat(4_000),
  ];
}
