/** `identity`: who says who a brand's users are. */

import * as z from "zod";
import { randomBytes } from "../db/new-id.ts";
import type { Identity as BrandIdentity } from "../domain/identity.ts";
import { refusedTarget, TARGET_LENGTH_MAX } from "../domain/target.ts";
import { line } from "./schemas.ts";

/** As long as HS256's own output: a shorter key is weaker than the signature, RFC 7518 §3.2. */
const SECRET_BYTES = 32;

const issuer = line(255).meta({ description: "What a user token's `iss` is, to the letter." });
const audience = line(255).meta({ description: "What a user token's `aud` is, or has among." });
const algorithm = z.literal("HS256").meta({
  description: "User tokens are signed with a secret that we make, instead of an issuer's key.",
});
const jwksUrl = z.string().max(TARGET_LENGTH_MAX).meta({
  description: "Where the issuer's public keys are: https, port 443, a public host.",
});

/** What a brand asks for. */
export const NewIdentity = z
  .strictObject({
    issuer,
    audience,
    jwks_url: jwksUrl.optional(),
    algorithm: algorithm.optional(),
  })
  .check((ctx) => {
    const both = ctx.value.jwks_url !== undefined && ctx.value.algorithm !== undefined;
    const neither = ctx.value.jwks_url === undefined && ctx.value.algorithm === undefined;
    if (!both && !neither) return;
    const message = both
      ? "An issuer with keys at jwks_url takes no algorithm."
      : 'Needs jwks_url, or algorithm "HS256" for a shared secret.';
    ctx.issues.push({
      code: "custom",
      path: [both ? "algorithm" : "jwks_url"],
      message,
      input: ctx.value,
    });
  })
  .meta({
    id: "NewIdentity",
    description:
      "Either jwks_url or algorithm. With algorithm each call makes a new shared secret, in force within a minute; the one before is no good from then on.",
    example: {
      issuer: "https://login.partner.example/",
      audience: "codedrop",
      jwks_url: "https://login.partner.example/.well-known/jwks.json",
    },
  });

/** What a brand has. */
export const Identity = z
  .strictObject({
    issuer: z.string(),
    audience: z.string(),
    jwks_url: z.string().optional(),
    algorithm: algorithm.optional(),
    secret: z.string().optional().meta({
      description:
        "Only in the answer of the call that made it, and never shown again. Sign with it as it stands: the key is the text's UTF-8 bytes, not what base64url would decode them to.",
    }),
  })
  .meta({ id: "Identity", description: "Who says, by signed user tokens, who your users are." });

/** `url` is refused in words; the rest of a valid request always gives an identity. */
export function identityAsked(
  asked: z.infer<typeof NewIdentity>,
  options: { allowsLoopback: boolean },
): { kind: "identity"; identity: BrandIdentity } | { kind: "refused-url"; reason: string } {
  const expected = { issuer: asked.issuer, audience: asked.audience };
  if (asked.jwks_url === undefined) {
    const secret = randomBytes(SECRET_BYTES).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
    return { kind: "identity", identity: { ...expected, algorithm: "HS256", secret } };
  }
  const reason = refusedTarget(asked.jwks_url, options);
  if (reason !== null) return { kind: "refused-url", reason };
  return { kind: "identity", identity: { ...expected, jwksUrl: asked.jwks_url } };
}

/** Without the secret. */
export function presentIdentity(identity: BrandIdentity): z.infer<typeof Identity> {
  const { issuer: iss, audience: aud } = identity;
  return "secret" in identity
    ? { issuer: iss, audience: aud, algorithm: identity.algorithm }
    : { issuer: iss, audience: aud, jwks_url: identity.jwksUrl };
}
