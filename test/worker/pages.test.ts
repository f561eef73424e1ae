/** What a page of a partner site sees: preflights, headers, and the public view of a campaign. */

import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Answer, Brand } from "../support/api.ts";
import { api } from "../support/worker-api.ts";
import { countingApi } from "../support/watched-api.ts";

const PAGE = "https://partner.example";
/** Of another brand's key. */
const RIVAL_PAGE = "https://rival.example";

let brand: Brand;
let campaign: string;
let key: string;

async function publishableKey(of: Brand, origins: string[], fields: object = {}): Promise<string> {
  const made = await api.send<{ key: string }>(of.secret, "POST /v1/keys", {
    kind: "publishable",
    mode: "live",
    name: "Page",
    allowed_origins: origins,
    ...fields,
  });
  return made.body.key;
}

beforeAll(async () => {
  brand = await api.newBrand();
  key = await publishableKey(brand, [PAGE]);
  await publishableKey(await api.newBrand(), [RIVAL_PAGE]);
  campaign = await api.newCampaign(brand, 3, {
    discount: { type: "percentage", value: 15 },
    consent: { required: false, text: "Tell the brand?", version: "1" },
    metadata: { note: "for nobody else" },
  });
});

const preflight = (route: string, origin: string) =>
  api.send(null, `OPTIONS ${route}`, undefined, {
    Origin: origin,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,codedrop-user-token",
  });
const view = (origin: string, bearer = key) =>
  api.send(bearer, `GET /v1/campaigns/${campaign}`, undefined, { Origin: origin });
const allowed = (answer: Answer) => answer.headers.get("Access-Control-Allow-Origin");

describe("a preflight", () => {
  it("is answered for an origin that any key lists, with fixed methods and headers", async () => {
    for (const [route, method] of [
      [`/v1/campaigns/${campaign}`, "GET"],
      [`/v1/campaigns/${campaign}/claims`, "POST"],
      ["/v1/claims/clm_00000000000000000000/reveal", "POST"],
    ] as const) {
      for (const origin of [PAGE, RIVAL_PAGE]) {
        const answer = await preflight(route, origin);
        expect([answer.status, answer.text]).toEqual([204, ""]);
        expect(allowed(answer)).toBe(origin);
        expect(answer.headers.get("Vary")).toBe("Origin");
        expect(answer.headers.get("Access-Control-Allow-Methods")).toBe(method);
        expect(answer.headers.get("Access-Control-Allow-Headers")).toBe(
          "authorization, content-type, idempotency-key, codedrop-user-token",
        );
        expect(answer.headers.get("Access-Control-Max-Age")).toBe("7200");
        expect(answer.headers.has("Access-Control-Allow-Credentials")).toBe(false);
      }
    }
  });

  it("is refused to every other origin, however alike", async () => {
    for (const origin of [
      "null",
      "https://other.example",
      "http://partner.example",
      "https://partner.example:8443",
      "https://partner.example.evil.example",
      "https://evilpartner.example",
      "https://sub.partner.example",
      `https://${"a".repeat(300)}.example`,
      "x",
    ]) {
      const answer = await preflight(`/v1/campaigns/${campaign}/claims`, origin);
      expect([origin, answer.status, allowed(answer)]).toEqual([origin, 403, null]);
      expect(answer.headers.get("Vary")).toBe("Origin");
    }
  });

  it("is not known on routes for secret keys", async () => {
    const checkout = ["/v1/codes/validate", "/v1/redemptions", "/v1/holds"];
    for (const route of ["/v1/campaigns", "/v1/keys", ...checkout]) {
      const answer = await preflight(route, PAGE);
      expect([route, answer.status, allowed(answer)]).toEqual([route, 405, null]);
    }
  });

  it("of an origin whose only key is gone is refused", async () => {
    const origin = "https://gone.example";
    const made = await api.send<{ id: string }>(brand.secret, "POST /v1/keys", {
      kind: "publishable",
      mode: "live",
      name: "Gone",
      allowed_origins: [origin],
    });
    await api.send(brand.secret, `DELETE /v1/keys/${made.body.id}`);
    expect((await preflight(`/v1/campaigns/${campaign}`, origin)).status).toBe(403);
  });
});

describe("a page", () => {
  it("sees of a campaign what it may know, and may keep it for seconds", async () => {
    const answer = await view(PAGE);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      id: campaign,
      slug: expect.any(String),
      name: expect.any(String),
      status: "active",
      discount: { type: "percentage", value: 15 },
      starts_at: null,
      ends_at: null,
      availability: "available",
      consent: { required: false, text: "Tell the brand?", version: "1" },
      challenge: null,
      shop_url: null,
    });
    expect(allowed(answer)).toBe(PAGE);
    expect(answer.headers.get("Cache-Control")).toBe("public, max-age=5");
    // Two brands may each have a campaign of the same slug, and one page the keys of both.
    expect(answer.headers.get("Vary")).toBe("Origin, Authorization");
    expect(answer.headers.get("Access-Control-Expose-Headers")).toBe(
      "Location, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, X-Request-Id",
    );
  });

  it("of another brand reads why it is refused, and nothing else", async () => {
    const answer = await view(RIVAL_PAGE);
    expect([answer.status, String(answer.body["type"])]).toEqual([
      403,
      expect.stringContaining("/problems/origin-not-allowed"),
    ]);
    expect(allowed(answer)).toBe(RIVAL_PAGE);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
  });

  it("reads that it must not hold a secret key", async () => {
    const answer = await view(PAGE, brand.secret);
    expect([answer.status, allowed(answer)]).toEqual([403, PAGE]);
    expect(answer.body["type"]).toContain("/problems/secret-key-in-browser");
  });

  it("that nobody listed is told nothing that its browser would let it read", async () => {
    const answer = await view("https://other.example");
    expect([answer.status, allowed(answer), answer.headers.get("Vary")]).toEqual([
      403,
      null,
      "Origin",
    ]);
  });

  it("finds neither another brand's campaign nor one of the other mode", async () => {
    const rival = await api.newBrand();
    const theirs = await api.newCampaign(rival, 0);
    const test = await api.newCampaign(brand, 0, { mode: "test" });
    const testKey = await publishableKey(brand, [PAGE], { mode: "test" });
    const see = async (bearer: string, id: string) =>
      (await api.send(bearer, `GET /v1/campaigns/${id}`, undefined, { Origin: PAGE })).status;
    expect([await see(key, theirs), await see(key, test)]).toEqual([404, 404]);
    expect([await see(testKey, campaign), await see(testKey, test)]).toEqual([404, 200]);
  });
});

describe("availability", () => {
  const availability = async (id: string) => {
    // In another isolate than the one that remembers.
    const { availabilityOf } = await import("../../src/http/availability.ts");
    const { findCampaign } = await import("../../src/db/campaigns.ts");
    const found = await findCampaign(env.DB, { brandId: brand.id, mode: null }, id);
    if (found === null) throw new Error("No campaign");
    return availabilityOf(env, found);
  };

  it("is low at a tenth of the codes, exhausted when none is left, over all shards", async () => {
    for (const shards of [1, 3]) {
      const small = await api.newCampaign(brand, 10, { shards });
      const claim = async (users: string[]) => {
        for (const user of users) await api.claim(brand, small, user);
      };
      await claim(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
      expect(await availability(small)).toBe("low");
      const sold = await api.newCampaign(brand, 1, { shards });
      await api.claim(brand, sold, "1");
      expect(await availability(sold)).toBe("exhausted");
      expect(await availability(await api.newCampaign(brand, 0, { shards }))).toBe("exhausted");
    }
  });

  it("is asked of nobody again within seconds", async () => {
    const { api: here, calls } = countingApi();
    const see = () => here.send(key, `GET /v1/campaigns/${campaign}`, undefined, { Origin: PAGE });
    await see();
    const before = { ...calls };
    expect((await see()).status).toBe(200);
    expect(calls).toEqual(before);
  });
});
