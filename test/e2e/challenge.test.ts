/** A campaign that asks pages for Turnstile; a server on this machine plays the service. */

import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Answer, Brand, ClaimBody } from "../support/api.ts";
import { prepared } from "../support/prepared.ts";
import { Runtime } from "../support/runtime.ts";

const PAGE = "https://partner.example";
const ISSUER = "https://login.partner.example/";
const SITE_SECRET = "0x4-secret-of-the-site";

interface Question {
  secret: string;
  response: string;
  idempotency_key: string;
}

const work = mkdtempSync(path.join(tmpdir(), "codedrop-challenge-"));
const asked: Question[] = [];
/** How the service answers; null: never. */
let play: ((question: Question) => { status?: number; body: string } | null) | null = null;
let service: Server;
let runtime: Runtime;
let brand: Brand;
let key: string;
let identitySecret: string;

const passing = { success: true, hostname: "partner.example", action: "claim" };
const answering = (answer: unknown) => () => ({ body: JSON.stringify(answer) });

beforeAll(async () => {
  service = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const question = JSON.parse(text) as Question;
      asked.push(question);
      const answer = play?.(question) ?? null;
      if (answer === null) return;
      response.writeHead(answer.status ?? 200, { "Content-Type": "application/json" });
      response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => {
    service.listen(0, "127.0.0.1", resolve);
  });
  const address = service.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const stateDir = path.join(work, "state");
  const folder = prepared(stateDir);
  const vars = { TURNSTILE_VERIFY_URL: `http://127.0.0.1:${port}/siteverify` };
  runtime = await Runtime.start({ bundle: folder, stateDir, vars });
  brand = await runtime.api.newBrand();
  const made = await runtime.api.send<{ key: string }>(brand.secret, "POST /v1/keys", {
    kind: "publishable",
    mode: "live",
    name: "Page",
    allowed_origins: [PAGE],
  });
  key = made.body.key;
  const { body } = await runtime.api.send<{ identity: { secret: string } }>(
    brand.secret,
    "PATCH /v1/brand",
    { identity: { issuer: ISSUER, audience: "codedrop", algorithm: "HS256" } },
  );
  identitySecret = body.identity.secret;
});

afterAll(async () => {
  await runtime.kill();
  service.closeAllConnections();
  service.close();
  rmSync(work, { recursive: true, force: true });
});

beforeEach(() => {
  asked.length = 0;
  play = answering(passing);
});

const newCampaign = (codes: number, fields: object = {}) =>
  runtime.api.newCampaign(brand, codes, {
    challenge: { type: "turnstile", site_key: "0x4-site", secret: SITE_SECRET },
    ...fields,
  });

async function claim(
  campaign: string,
  user: string,
  challengeToken: string | null,
): Promise<Answer<ClaimBody>> {
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(ISSUER)
    .setAudience("codedrop")
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(new TextEncoder().encode(identitySecret));
  return runtime.api.send<ClaimBody>(
    key,
    `POST /v1/campaigns/${campaign}/claims`,
    challengeToken === null ? {} : { challenge_token: challengeToken },
    { Origin: PAGE, "Codedrop-User-Token": token },
  );
}

async function refused(campaign: string, user: string, token: string | null) {
  const answer = await claim(campaign, user, token);
  const slug = String((answer.body as unknown as { type: string }).type)
    .split("/")
    .at(-1);
  return [answer.status, slug];
}

describe("a challenge", () => {
  it("that is passed lets the page claim; the service is told secret and token", async () => {
    const campaign = await newCampaign(2);
    const answer = await claim(campaign, "ann", "token-a");
    expect(answer.status).toBe(201);
    expect(asked).toEqual([
      {
        secret: SITE_SECRET,
        response: "token-a",
        idempotency_key: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8/),
      },
    ]);
    expect(answer.text).not.toContain(SITE_SECRET);
  });

  it("is not asked of a server, which vouches for its user", async () => {
    const campaign = await newCampaign(1);
    expect((await runtime.api.claim(brand, campaign, "ann")).status).toBe(201);
    expect(asked).toEqual([]);
  });

  it("that is missing, failed, of another page or another action gives no code", async () => {
    const campaign = await newCampaign(1);
    expect(await refused(campaign, "ann", null)).toEqual([403, "challenge-failed"]);
    expect(asked).toEqual([]);
    for (const answer of [
      { success: false, "error-codes": ["invalid-input-response"] },
      { success: false, "error-codes": ["timeout-or-duplicate"] },
      { success: false },
      { ...passing, hostname: "other.example" },
      { ...passing, hostname: "evil.partner.example" },
      { ...passing, action: "login" },
      { success: true },
    ]) {
      play = answering(answer);
      expect([answer, await refused(campaign, "ann", "token-b")]).toEqual([
        answer,
        [403, "challenge-failed"],
      ]);
    }
    expect((await runtime.api.integrity(brand, campaign)).claimed).toBe(0);
  });

  it("that nobody can judge gives no code, and says that it is not the page's fault", async () => {
    const campaign = await newCampaign(1);
    for (const answer of [
      { status: 500, body: "{}" },
      { status: 302, body: "" },
      { body: "<html>" },
      { body: "[]" },
      { body: JSON.stringify({ ...passing, more: "x".repeat(20_000) }) },
      { body: JSON.stringify({ success: false, "error-codes": ["invalid-input-secret"] }) },
      null,
    ]) {
      play = () => answer;
      expect([answer?.body.slice(0, 20), await refused(campaign, "ann", "token-c")]).toEqual([
        answer?.body.slice(0, 20),
        [503, "service-unavailable"],
      ]);
    }
    expect((await runtime.api.integrity(brand, campaign)).claimed).toBe(0);
  });

  it("is good for one user, whatever the service says, also over several shards", async () => {
    for (const shards of [1, 4]) {
      const campaign = await newCampaign(20, { shards });
      const token = `token-of-${shards}`;
      expect((await claim(campaign, "ann", token)).status).toBe(201);
      // The answer may have been lost.
      expect((await claim(campaign, "ann", token)).status).toBe(200);
      for (const user of ["bob", "cat", "dan", "eve", "fay", "gus"]) {
        expect([user, await refused(campaign, user, token)]).toEqual([
          user,
          [403, "challenge-failed"],
        ]);
      }
      const [first, ...others] = asked.filter(({ response }) => response === token);
      expect(others.every((one) => one.idempotency_key === first?.idempotency_key)).toBe(true);
      const together = await Promise.all(
        ["h", "i", "j", "k"].map((user) => claim(campaign, user, `shared-${shards}`)),
      );
      expect(together.filter(({ status }) => status === 201)).toHaveLength(1);
    }
  });
});
