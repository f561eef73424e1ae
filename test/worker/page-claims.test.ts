/** Claims that a page makes: with a publishable key, for the user of a signed token. */

import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { configurePools } from "../../src/code-pool/stub.ts";
import { findCampaign } from "../../src/db/campaigns.ts";
import type { Answer, Brand, ClaimBody } from "../support/api.ts";
import { countingApi } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

const PAGE = "https://partner.example";
const ISSUER = "https://login.partner.example/";

let brand: Brand;
let key: string;
let secret: string;

async function publishableKey(of: Brand, fields: object = {}): Promise<string> {
  const made = await api.send<{ key: string }>(of.secret, "POST /v1/keys", {
    kind: "publishable",
    mode: "live",
    name: "Page",
    allowed_origins: [PAGE],
    ...fields,
  });
  return made.body.key;
}

/** A brand that trusts tokens signed with the secret that comes back. */
async function trusting(of: Brand): Promise<string> {
  const { body } = await api.send<{ identity: { secret: string } }>(of.secret, "PATCH /v1/brand", {
    identity: { issuer: ISSUER, audience: "codedrop", algorithm: "HS256" },
  });
  return body.identity.secret;
}

beforeAll(async () => {
  brand = await api.newBrand();
  key = await publishableKey(brand);
  secret = await trusting(brand);
});

function tokenOf(user: string, signedWith = secret): Promise<string> {
  return new SignJWT({ email: `${user}@partner.example`, name: "Ann" })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(ISSUER)
    .setAudience("codedrop")
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(new TextEncoder().encode(signedWith));
}

interface Ask {
  user: string;
  campaign: string;
  body?: unknown;
  bearer?: string;
  token?: string | null;
  headers?: Record<string, string>;
}

async function claim(ask: Ask, with_ = api): Promise<Answer<ClaimBody>> {
  const token = ask.token === undefined ? await tokenOf(ask.user) : ask.token;
  return with_.send<ClaimBody>(
    ask.bearer ?? key,
    `POST /v1/campaigns/${ask.campaign}/claims`,
    ask.body ?? {},
    {
      Origin: PAGE,
      ...(token === null ? {} : { "Codedrop-User-Token": token }),
      ...ask.headers,
    },
  );
}

const slugOf = (answer: Answer<unknown>) =>
  String((answer.body as { type: string }).type)
    .split("/")
    .at(-1);

describe("a page", () => {
  it("claims for the user of the token, who meets the same code from a server", async () => {
    const campaign = await api.newCampaign(brand, 3);
    const first = await claim({ user: "ann", campaign });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ user_id: "ann", campaign_id: campaign });
    expect(first.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
    expect(first.headers.get("Location")).toBe(`/v1/claims/${first.body.id}`);
    const again = await claim({ user: "ann", campaign });
    const byServer = await api.claim(brand, campaign, "ann");
    for (const answer of [again, byServer]) {
      expect([answer.status, answer.body.code]).toEqual([200, first.body.code]);
    }
    const other = await claim({ user: "bob", campaign });
    expect([other.status, other.body.code === first.body.code]).toEqual([201, false]);
  });

  it("cannot say itself who the user is", async () => {
    const campaign = await api.newCampaign(brand, 1);
    const answer = await claim({ user: "eve", campaign, body: { user: { id: "ann" } } });
    expect([answer.status, slugOf(answer)]).toEqual([422, "validation-failed"]);
    expect((answer.body as unknown as { errors: object[] }).errors).toEqual([
      { in: "body", pointer: "/user", detail: expect.any(String) },
    ]);
  });

  it("without a token, or with one that does not count, gets 401 and no code", async () => {
    const campaign = await api.newCampaign(brand, 1);
    const rival = await api.newBrand();
    const theirs = await trusting(rival);
    for (const token of [null, "", "x.y.z", await tokenOf("ann", theirs)]) {
      const answer = await claim({ user: "ann", campaign, token });
      expect([token, answer.status, slugOf(answer)]).toEqual([token, 401, "user-token-invalid"]);
      expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
    }
    const silent = await api.newBrand();
    const bearer = await publishableKey(silent);
    const noIdentity = await claim({ user: "ann", campaign: "default", bearer });
    expect(slugOf(noIdentity)).toBe("user-token-invalid");
    expect((await api.integrity(brand, campaign)).claimed).toBe(0);
  });

  it("reaches the campaigns of its key's brand and mode only", async () => {
    const rival = await api.newBrand();
    const theirs = await api.newCampaign(rival, 1);
    const test = await api.newCampaign(brand, 1, { mode: "test" });
    for (const campaign of [theirs, test]) {
      expect((await claim({ user: "ann", campaign })).status).toBe(404);
    }
    const testKey = await publishableKey(brand, { mode: "test" });
    expect((await claim({ user: "ann", campaign: test, bearer: testKey })).status).toBe(201);
    const live = await api.newCampaign(brand, 1);
    expect((await claim({ user: "ann", campaign: live, bearer: testKey })).status).toBe(404);
  });

  it("keeps the token's e-mail and name only where the user consented", async () => {
    const consent = { required: false, text: "Tell the brand?", version: "2" };
    const campaign = await api.newCampaign(brand, 3, { consent });
    const without = await claim({ user: "ann", campaign });
    expect(without.body).toMatchObject({ consent: null, contact: null });
    const body = { consent: { share_contact: true, version: "2" } };
    const with_ = await claim({ user: "bob", campaign, body });
    expect(with_.body).toMatchObject({
      consent: body.consent,
      contact: { email: "bob@partner.example", name: "Ann" },
    });
    const old = await claim({
      user: "cat",
      campaign,
      body: { consent: { share_contact: true, version: "1" } },
    });
    expect(slugOf(old)).toBe("consent-required");
  });

  it("has Idempotency-Keys that are its user's: another user's same key is another", async () => {
    const campaign = await api.newCampaign(brand, 3);
    const headers = { "Idempotency-Key": "1" };
    const ann = await claim({ user: "ann", campaign, headers });
    const bob = await claim({ user: "bob", campaign, headers });
    expect([ann.status, bob.status]).toEqual([201, 201]);
    expect([ann.body.user_id, bob.body.user_id]).toEqual(["ann", "bob"]);
    expect(bob.body.code).not.toBe(ann.body.code);
    const again = await claim({ user: "ann", campaign, headers });
    expect([again.status, again.text]).toEqual([201, ann.text]);
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
  });

  it("asks neither D1 nor any issuer for a warm claim", async () => {
    const campaign = await api.newCampaign(brand, 20);
    const { api: here, calls } = countingApi();
    await claim({ user: "ann", campaign }, here);
    const before = calls.d1;
    for (const user of ["bob", "cat", "dan"]) {
      expect((await claim({ user, campaign }, here)).status).toBe(201);
    }
    expect(calls.d1).toBe(before);
  });

  it("sends JSON: a form or plain text, which need no preflight, is refused", async () => {
    const campaign = await api.newCampaign(brand, 1);
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
      const answer = await claim({ user: "ann", campaign, headers: { "Content-Type": type } });
      expect([type, answer.status]).toEqual([type, 415]);
    }
  });
});

describe("a server", () => {
  it("says for whom it claims, and needs no token", async () => {
    const campaign = await api.newCampaign(brand, 1);
    const route = `POST /v1/campaigns/${campaign}/claims`;
    const nobody = await api.send(brand.secret, route, {});
    expect([nobody.status, slugOf(nobody)]).toEqual([422, "validation-failed"]);
    const proof = await api.send(brand.secret, route, {
      user: { id: "ann" },
      challenge_token: "x",
    });
    expect(proof.status).toBe(422);
    const ignored = await api.send(
      brand.secret,
      route,
      { user: { id: "ann" } },
      { "Codedrop-User-Token": "x.y.z" },
    );
    expect(ignored.status).toBe(201);
  });
});

describe("a challenge that a campaign is given", () => {
  /** What PATCH does, by an isolate that cannot make this one forget its copy. */
  async function challengeElsewhere(campaign: string): Promise<void> {
    const challenge = { type: "turnstile", siteKey: "site", secret: "secret-of-the-challenge" };
    await env.DB.prepare("UPDATE campaigns SET challenge = ?, version = version + 1 WHERE id = ?")
      .bind(JSON.stringify(challenge), campaign)
      .run();
    const row = await findCampaign(env.DB, { brandId: brand.id, mode: null }, campaign);
    if (row === null) throw new Error("No campaign");
    await configurePools(env, row);
  }

  it("is met by every page that claims after the answer, whatever copy it is judged by", async () => {
    const campaign = await api.newCampaign(brand, 3, { claims_per_user: 2 });
    expect((await claim({ user: "ann", campaign })).status).toBe(201);
    await challengeElsewhere(campaign);
    for (const user of ["ann", "bob"]) {
      const answer = await claim({ user, campaign });
      expect([user, answer.status, slugOf(answer)]).toEqual([user, 403, "challenge-failed"]);
    }
    // The copy is new by now: the page is told of the challenge.
    const view = await api.send(key, `GET /v1/campaigns/${campaign}`, undefined, {
      Origin: PAGE,
    });
    expect(view.body["challenge"]).toEqual({ type: "turnstile", site_key: "site" });
    expect((await api.integrity(brand, campaign)).claimed).toBe(1);
    // Servers answer for their users themselves.
    expect((await api.claim(brand, campaign, "cy")).status).toBe(201);
  });
});
