/** The three calls that a page may make, to the Codedrop that the element's attributes name. */

import type { Claim } from "../../client/code-types.ts";
import type { PublicCampaign } from "../../client/types.ts";
import { call, refusal, type Outcome } from "./calls.ts";

export interface Asked {
  token: string;
  onWait: () => void;
}

export interface NewClaim extends Asked {
  consent: { share_contact: true; version: string } | null;
  challengeToken: string | null;
  idempotencyKey: string;
}

export interface Service {
  view: (cache: RequestCache) => Promise<Outcome<PublicCampaign>>;
  claim: (asked: NewClaim) => Promise<Outcome<Claim>>;
  reveal: (claim: string, asked: Asked) => Promise<Outcome<Claim>>;
}

/** Pages without TLS have no randomUUID. */
export function newIdempotencyKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

function noService(slug: string): Service {
  const refuse = () => Promise.resolve(refusal(slug));
  return { view: refuse, claim: refuse, reveal: refuse };
}

/** Where an attribute is missing, or has a secret key, every call is refused and none is made. */
export function serviceOf(element: Element): Service {
  const campaign = element.getAttribute("campaign") ?? "";
  const key = element.getAttribute("key") ?? element.getAttribute("publishable-key") ?? "";
  const base = URL.parse(element.getAttribute("base-url") ?? new URL(import.meta.url).origin);
  if (key.startsWith("cdk_")) return noService("secret-key-in-browser");
  if (campaign === "" || key === "" || base === null) return noService("not-configured");
  const to = (path: string) => new URL(`${base.href.replace(/\/?$/, "/")}v1/${path}`);
  const path = `campaigns/${encodeURIComponent(campaign)}`;
  const authorization = { Authorization: `Bearer ${key}` };
  const post = ({ token }: Asked, more: Record<string, string> = {}) => ({
    method: "POST",
    headers: { ...authorization, "Codedrop-User-Token": token, ...more },
  });
  return {
    view: (cache) => call(to(path), { headers: authorization, cache }, () => {}),
    claim(asked) {
      const headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": asked.idempotencyKey,
      };
      const body = JSON.stringify({
        ...(asked.consent === null ? {} : { consent: asked.consent }),
        ...(asked.challengeToken === null ? {} : { challenge_token: asked.challengeToken }),
      });
      return call(to(`${path}/claims`), { ...post(asked, headers), body }, asked.onWait);
    },
    reveal: (claim, asked) =>
      call(to(`claims/${encodeURIComponent(claim)}/reveal`), post(asked), asked.onWait),
  };
}
