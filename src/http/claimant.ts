/** Who claims, and on whose word: a server's, or that of a signed token which a page passes on. */

import type { Context } from "hono";
import type * as z from "zod";
import { verifyTurnstile } from "../challenge/turnstile.ts";
import type { Contact } from "../code-pool/ledger.ts";
import { userKeyOf } from "../code-pool/stub.ts";
import type { Challenge } from "../db/schema.ts";
import { sha256 } from "../db/api-keys.ts";
import type { CampaignRow } from "../db/campaigns.ts";
import { base32 } from "../domain/id.ts";
import { verifyUserToken } from "../identity/user-token.ts";
import type { NewClaim } from "./claim-schemas.ts";
import { near, type HttpEnv } from "./http-env.ts";
import { invalidField } from "./problem-response.ts";
import { ProblemError } from "./problems.ts";

export interface Claimant {
  userId: string;
  /** What stands for the user within the campaign. */
  userKey: string;
  /** What is known of them; whether it is kept is theirs to say. */
  contact: Contact;
  /** SHA-256 of the token of a challenge that was passed: good for one user only. */
  proof: string | null;
}

type Body = z.infer<typeof NewClaim>;

export async function claimantOf(
  c: Context<HttpEnv>,
  campaign: CampaignRow,
  body: Body,
): Promise<Claimant> {
  const claimant =
    c.var.key.kind === "secret" ? vouchedFor(body) : await signedFor(c, campaign, body);
  return { ...claimant, userKey: await userKeyOf(campaign, claimant.userId) };
}

/** From a page, the claim must be that of the token's user; 404 as if there were none. */
export async function requireOwnClaim(
  c: Context<HttpEnv>,
  campaign: CampaignRow,
  userKey: string,
): Promise<void> {
  if (c.var.key.kind === "secret") return;
  const { id } = await userOf(c);
  if ((await userKeyOf(campaign, id)) !== userKey) throw new ProblemError("not-found");
}

type Named = Omit<Claimant, "userKey">;

function vouchedFor({ user, challenge_token: token }: Body): Named {
  if (user === undefined) throw invalidField("/user", "A server says for whom it claims.");
  if (token !== undefined) throw invalidField("/challenge_token", "Only pages send one.");
  const { id, ...contact } = user;
  return { userId: id, contact, proof: null };
}

async function signedFor(c: Context<HttpEnv>, campaign: CampaignRow, body: Body): Promise<Named> {
  if (body.user !== undefined) {
    throw invalidField("/user", "From a page, the user token says who the user is.");
  }
  const { id, ...contact } = await userOf(c);
  const proof = campaign.challenge && (await passed(c, campaign.challenge, body.challenge_token));
  return { userId: id, contact, proof };
}

const TOKEN_HEADER = "Codedrop-User-Token";

/** The user that the token stands for, or 401. */
async function userOf(c: Context<HttpEnv>) {
  const { id: brandId, identity } = c.var.brand;
  if (identity === null) throw tokenInvalid("The brand has not said whose user tokens count.");
  const token = c.req.header(TOKEN_HEADER);
  if (token === undefined) throw tokenInvalid(`The header ${TOKEN_HEADER} is missing.`);
  const verdict = await verifyUserToken(near(c), { brandId, identity }, token);
  if (verdict.kind === "verified") return verdict.user;
  if (verdict.kind === "unverifiable") {
    throw new ProblemError("service-unavailable", {
      detail: "The issuer of user tokens does not give its keys right now.",
    });
  }
  throw tokenInvalid(`The token was refused: ${verdict.reason}.`);
}

function tokenInvalid(detail: string): ProblemError {
  return new ProblemError("user-token-invalid", { detail });
}

/** The hash of a token of the campaign's challenge that was passed on this very page, or 403. */
async function passed(
  c: Context<HttpEnv>,
  { secret }: Challenge,
  token: string | undefined,
): Promise<string> {
  if (token === undefined) throw challengeFailed("challenge_token is missing.");
  const hash = await sha256(token);
  const verdict = await verifyTurnstile(c.env.TURNSTILE_VERIFY_URL, {
    secret,
    token,
    hostname: new URL(c.req.header("Origin") ?? "").hostname,
    attempt: uuidOf(hash),
  });
  if (verdict.kind === "passed") return base32(hash);
  if (verdict.kind === "unavailable") {
    throw new ProblemError("service-unavailable", {
      detail: "The challenge cannot be verified right now. No code was given.",
    });
  }
  throw challengeFailed(
    {
      token: "The token is wrong, too old, or was used before.",
      hostname: "The token was made on another page.",
      action: "The token was made for another action.",
    }[verdict.reason],
  );
}

export function challengeFailed(detail: string): ProblemError {
  return new ProblemError("challenge-failed", { detail });
}

/** A UUID (RFC 9562, version 8) that stands for a hash. */
function uuidOf(hash: Uint8Array): string {
  const hex = hash.toHex();
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
