/**
 * Test mode cannot touch live stock. Generated from the OpenAPI document, so that no route is left
 * out: one that is added falls into it by itself, or asks here for what it names.
 */

import { runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { formatDeliveryId } from "../../src/domain/delivery.ts";
import type { Answer, Brand } from "../support/api.ts";
import { newSecretKey } from "../support/brand-key.ts";
import { countingApi } from "../support/watched-api.ts";
import { newEndpoint, NOBODY_LISTENS, Sender } from "../support/webhooks.ts";
import { api } from "../support/worker-api.ts";

interface Operation {
  security?: Record<string, unknown>[];
  parameters?: { in: string; name: string; schema?: { enum?: string[] } }[];
  requestBody?: { content: Record<string, { schema: { $ref?: string } }> };
}

const document = (await (
  await exports.default.fetch("http://codedrop.test/openapi.json")
).json()) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { example?: unknown; properties?: object }> };
};

const routes = Object.entries(document.paths).flatMap(([template, methods]) =>
  Object.entries(methods)
    .filter(([, { security }]) => security?.some((entry) => "secretKey" in entry))
    .map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${template}`,
      method: method.toUpperCase(),
      template,
      operation,
      parameters: [...template.matchAll(/\{(\w+)\}/g)].map(([, parameter = ""]) => parameter),
    })),
);
type Route = (typeof routes)[number];

/** What has the form of each thing's id, and is none's. */
const NOBODYS: Record<string, string> = {
  campaign: "cmp_00000000000000000000",
  key: "key_00000000000000000000",
  batch: "bat_00000000000000000000",
  claim: "clm_00000000000000000000",
  redemption: "rdm_00000000000000000000",
  hold: "hld_00000000000000000000",
  import: "imp_00000000000000000000",
  user: "nobody",
  user_id: "nobody",
  erasure: "era_00000000000000000000",
  endpoint: "whe_00000000000000000000",
  delivery: "dlv_0000000000000000000000000000000",
  code: "NONE-SUCH-CODE",
};

let brand: Brand;
/** The same brand by its test key. */
let tester: Brand;
let live: Record<string, string>;
/** Every code of the live campaign: two generated, of which one is spent, and one imported. */
let liveCodes: string[];

beforeAll(async () => {
  brand = await api.newBrand();
  tester = { ...brand, secret: await newSecretKey(brand.id, "test") };
  const campaign = await api.newCampaign(brand, 0);
  const batch = await api.send(brand.secret, `POST /v1/campaigns/${campaign}/batches`, {
    count: 2,
  });
  const claim = await api.claim(brand, campaign, "live-user");
  const second = await api.claim(brand, campaign, "live-user-2");
  const redemption = await spend(brand, claim.body.code, "live-order");
  const hold = await api.send(brand.secret, "POST /v1/holds", {
    code: second.body.code,
    order_id: "live-order-2",
    ttl_seconds: 3_600,
  });
  const uploaded = await upload(brand, campaign, ["OWN-LIVE-1"]);
  while (await runDurableObjectAlarm(env.CODE_POOL.getByName(`${campaign}/0`)));
  const codes = await codesOf(brand, campaign);
  liveCodes = codes.map(({ code }) => code);
  const erased = await api.send(brand.secret, "DELETE /v1/users/live-user-gone");
  const endpoint = await newEndpoint(brand, NOBODY_LISTENS);
  const test = await new Sender(endpoint).ping();
  const keys = await api.listAll<{ id: string; mode: string }>(brand.secret, "/v1/keys");
  live = {
    campaign,
    key: keys.find(({ mode }) => mode === "live")?.id ?? "",
    batch: String(batch.body["id"]),
    claim: claim.body.id,
    redemption: String(redemption.body["id"]),
    hold: String(hold.body["id"]),
    import: String(uploaded.body["id"]),
    user: "live-user",
    user_id: "live-user",
    erasure: String(erased.body["id"]),
    endpoint: endpoint.id,
    delivery: formatDeliveryId({ endpointId: endpoint.id, number: test?.number ?? 0 }),
    code: codes.find(({ status }) => status === "claimed")?.code ?? "",
  };
});

function codesOf(of: Brand, campaign: string) {
  return api.listAll<{ code: string; status: string }>(
    of.secret,
    `/v1/campaigns/${campaign}/codes`,
  );
}

function spend(by: Brand, code: string, order: string) {
  return api.send(by.secret, "POST /v1/redemptions", { code, order_id: order });
}

function validate(by: Brand, code: string) {
  return api.send(by.secret, "POST /v1/codes/validate", { code });
}

function upload(by: Brand, campaign: string, codes: string[], query = "") {
  return api.send(by.secret, `POST /v1/campaigns/${campaign}/imports${query}`, { codes });
}

/** All that there is of live stock, in D1 and in the pool, as text. */
async function liveStock(): Promise<string> {
  const ofCampaign = ["batches", "imports", "leases"].map((table) =>
    env.DB.prepare(`SELECT * FROM ${table} WHERE campaign_id = ?`).bind(live["campaign"]),
  );
  const ofBrand = ["codes", "code_shapes", "imported_lengths"].map((table) =>
    env.DB.prepare(`SELECT * FROM ${table} WHERE inventory = ?`).bind(brand.id),
  );
  const ofMode = ["campaigns", "webhook_endpoints"].map((table) =>
    env.DB.prepare(`SELECT * FROM ${table} WHERE brand_id = ? AND mode = 'live'`).bind(brand.id),
  );
  const found = await env.DB.batch([...ofCampaign, ...ofBrand, ...ofMode]);
  const asked = ["claims", "stats"].map((what) =>
    api.send(brand.secret, `GET /v1/campaigns/${live["campaign"]}/${what}`),
  );
  // The rate of claims falls by itself.
  const answers = (await Promise.all(asked)).map(({ body: { data, totals } }) => data ?? totals);
  return JSON.stringify([found.map(({ results }) => results), answers]);
}

/** The body that the route takes, with what `names` has in every field that names such a thing. */
function bodyOf(
  { operation }: Route,
  names: Record<string, string>,
): { body: unknown; named: boolean } {
  const ref = operation.requestBody?.content["application/json"]?.schema.$ref;
  const schema = document.components.schemas[ref?.split("/").at(-1) ?? ""];
  if (schema === undefined) {
    return { body: operation.requestBody && { codes: [names["code"]] }, named: false };
  }
  const body = { ...(schema.example as Record<string, unknown>) };
  let named = false;
  for (const field of Object.keys(schema.properties ?? {})) {
    const one = names[field.replace(/_id$/, "")];
    const each = names[field.replace(/(_id)?s$/, "")];
    if (one !== undefined && field !== "user") body[field] = one;
    else if (each !== undefined && Array.isArray(body[field])) body[field] = [each];
    else continue;
    named = true;
  }
  return { body, named };
}

/** The same call about things of `names`: in its path, its query and its body. */
async function ask(route: Route, names: Record<string, string>) {
  const path = route.template.replace(/\{(\w+)\}/g, (_, name: string) => names[name] ?? "");
  const filters = (route.operation.parameters ?? []).flatMap(({ in: place, name }) => {
    const value = names[name.replace(/_id$/, "")];
    return place === "query" && value !== undefined ? [`${name}=${encodeURIComponent(value)}`] : [];
  });
  const query = filters.length > 0 ? `?${filters.join("&")}` : "";
  const { body, named } = bodyOf(route, names);
  const answer = await api.send(tester.secret, `${route.method} ${path}${query}`, body);
  return { answer, named: named || filters.length > 0 || route.parameters.length > 0 };
}

/** What an answer says, whatever it was asked about. */
function told({ status, text, headers }: Answer, names: Record<string, string>): string {
  let said = text.replaceAll(headers.get("X-Request-Id") ?? "-", "");
  for (const name of Object.values(names)) said = said.replaceAll(name, "");
  // An erasure that was just begun has an id and times of its own.
  said = said.replaceAll(/era_\w+|\d{4}-\d\d-\d\dT[\d:.]+Z/g, "");
  const kept = [...headers].filter(([name]) => !["x-request-id", "location"].includes(name));
  return JSON.stringify([status, said, kept]);
}

describe.each(routes)("with a test key $name", (route) => {
  it("answers of live things as of things that do not exist, and changes none", async () => {
    for (const parameter of route.parameters) {
      // Whoever adds a route says here what a live one of its things is.
      expect(Object.keys(live), `a live {${parameter}}`).toContain(parameter);
      expect(Object.keys(NOBODYS), `no {${parameter}}`).toContain(parameter);
    }
    const before = await liveStock();
    const { answer: theirs, named } = await ask(route, live);
    expect(await liveStock()).toBe(before);
    if (route.parameters.length > 0 && !route.parameters.includes("user_id")) {
      expect(theirs.status).toBe(404);
    }
    if (named) {
      const { answer: nobodys } = await ask(route, NOBODYS);
      expect(told(theirs, live)).toBe(told(nobodys, NOBODYS));
    } else expect(theirs.status).toBeLessThan(500);
  });

  it("never tells of live things that it was not asked about", async () => {
    const campaign = await api.newCampaign(tester, 3);
    await api.claim(tester, campaign, "test-user");
    const names = { ...NOBODYS, campaign, user: "test-user", code: "TEST-CODE-1" };
    const { answer } = await ask(route, names);
    for (const name of [...Object.values(live), ...liveCodes]) {
      expect(answer.text).not.toContain(name);
    }
  });
});

describe("with a test key", () => {
  it("a live campaign's slug finds nothing", async () => {
    const [mine, none] = await Promise.all(
      ["default", "no-such-slug"].map((slug) =>
        api.send(tester.secret, `GET /v1/campaigns/${slug}`),
      ),
    );
    expect(mine?.status).toBe(404);
    expect(mine && told(mine, {})).toBe(none && told(none, {}));
  });

  it("an import of live codes is all new, and the same again live", async () => {
    const campaign = await api.newCampaign(tester, 0);
    const fresh = { rows: 3, accepted: 3, duplicates: 0 };
    const dry = await upload(tester, campaign, [...liveCodes], "?dry_run=true");
    expect(dry.body).toMatchObject(fresh);
    expect((await upload(tester, campaign, [...liveCodes])).body).toMatchObject(fresh);
    const again = await upload(tester, campaign, [...liveCodes]);
    expect(again.body).toMatchObject({ accepted: 0, duplicates: 3 });
    await upload(tester, campaign, ["FIRST-A-TEST"]);
    const liveCampaign = await api.newCampaign(brand, 0);
    const later = await upload(brand, liveCampaign, ["FIRST-A-TEST", "OWN-LIVE-1"]);
    expect(later.body).toMatchObject({ accepted: 1, duplicates: 1 });
  });

  it("counts do not move with live stock, nor live counts with test stock", async () => {
    const testCampaign = await api.newCampaign(tester, 3);
    const pairs = [
      [tester, testCampaign, brand, String(live["campaign"])],
      [brand, String(live["campaign"]), tester, testCampaign],
    ] as const;
    for (const [mine, campaign, others, theirs] of pairs) {
      const stats = async () => {
        const { body } = await api.send(mine.secret, `GET /v1/campaigns/${campaign}/stats`);
        // These two follow the clock.
        return { ...body, claims_per_hour: null, empty_at: null };
      };
      const before = await stats();
      await api.addCodes(others, theirs, 2);
      await api.claim(others, theirs, "one-more");
      expect(await stats()).toEqual(before);
      expect(await api.integrity(mine, campaign)).toMatchObject({ ok: true });
    }
  });

  it("new keys for check characters are those of test codes", async () => {
    const before = await liveStock();
    const rotated = await api.send(tester.secret, "POST /v1/brand/rotate-check-key");
    expect([rotated.status, rotated.body["shapes"]]).toEqual([200, 1]);
    expect(await liveStock()).toBe(before);
  });

  it("codes that look like live ones leave a guess at a live checkout refused by its looks", async () => {
    const forged = "CDFG-HJKM-NPQR";
    const isAskedOf = async (by: Brand) => {
      const counting = countingApi();
      await counting.api.send(by.secret, "POST /v1/codes/validate", { code: forged });
      counting.calls.d1 = 0;
      const verdict = await counting.api.send(by.secret, "POST /v1/codes/validate", {
        code: forged,
      });
      return [verdict.body["reason"], counting.calls.d1];
    };
    expect(await isAskedOf(brand)).toEqual(["unknown", 0]);
    const campaign = await api.newCampaign(tester, 0);
    const before = await liveStock();
    expect((await upload(tester, campaign, [forged])).body).toMatchObject({ accepted: 1 });
    expect(await liveStock()).toBe(before);
    expect(await isAskedOf(brand)).toEqual(["unknown", 0]);
    expect(await isAskedOf(tester)).toEqual(["not-claimed", 1]);
  });
});

describe("a code that is in both inventories", () => {
  it("is spent by each key for itself", async () => {
    const campaigns = [await api.newCampaign(brand, 0), await api.newCampaign(tester, 0)] as const;
    await upload(brand, campaigns[0], ["IN-BOTH-1"]);
    await upload(tester, campaigns[1], ["IN-BOTH-1"]);
    await api.claim(tester, campaigns[1], "u-1");
    expect((await validate(brand, "IN-BOTH-1")).body["reason"]).toBe("not-claimed");
    const first = await spend(tester, "IN-BOTH-1", "o-1");
    expect([first.status, first.body["campaign_id"]]).toEqual([201, campaigns[1]]);
    await api.claim(brand, campaigns[0], "u-1");
    expect((await validate(brand, "IN-BOTH-1")).body).toMatchObject({ valid: true });
    const second = await spend(brand, "IN-BOTH-1", "o-2");
    expect([second.status, second.body["campaign_id"]]).toEqual([201, campaigns[0]]);
    expect((await spend(tester, "IN-BOTH-1", "o-2")).status).toBe(409);
    const revoked = await api.send(tester.secret, "POST /v1/codes/revoke", {
      codes: ["OWN-LIVE-1", "IN-BOTH-1"],
    });
    expect(revoked.body["data"]).toMatchObject([{ code: "OWN-LIVE-1" }, { result: "redeemed" }]);
  });
});

describe("a live key", () => {
  it("takes no test code at the checkout, and still sees test campaigns", async () => {
    const campaign = await api.newCampaign(tester, 2);
    const { code } = (await api.claim(tester, campaign, "u-1")).body;
    expect((await validate(tester, code)).body).toMatchObject({ valid: true });
    expect((await validate(brand, code)).body).toMatchObject({ valid: false, reason: "unknown" });
    expect((await validate(brand, code)).body["campaign_id"]).toBe(null);
    expect((await spend(brand, code, "o-1")).status).toBe(404);
    const lookUp = await api.send(brand.secret, "POST /v1/codes/lookup", { code });
    expect(lookUp.status).toBe(404);
    const revoked = await api.send(brand.secret, "POST /v1/codes/revoke", { codes: [code] });
    expect(revoked.body["data"]).toEqual([{ code, result: "unknown" }]);
    expect((await validate(tester, code)).body).toMatchObject({ valid: true });
    for (const what of ["", "/codes", "/claims", "/stats", "/integrity"]) {
      const seen = await api.send(brand.secret, `GET /v1/campaigns/${campaign}${what}`);
      expect([what, seen.status]).toEqual([what, 200]);
    }
  });
});
