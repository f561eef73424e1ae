/**
 * Who may call what: every route against every credential. A route that has no row here, or a row
 * that has no route, fails.
 */

import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { SCOPES, type Scope } from "../../src/domain/scope.ts";
import type { Brand } from "../support/api.ts";
import { api } from "../support/worker-api.ts";

/** A secret key with the scope, or a publishable key on one of its pages. */
type OrPage = `${Scope} or a page`;
type Who = "anybody" | "operator" | Scope | OrPage;

/** Who may: anybody, the operator, a secret key with the scope, and perhaps a page. */
const TABLE: Record<string, Who> = {
  "POST /v1/brands": "operator",
  "GET /v1/brands": "operator",
  "GET /v1/brands/{brand}": "operator",
  "PATCH /v1/brands/{brand}": "operator",
  "GET /v1/brand": "brand:read",
  "PATCH /v1/brand": "brand:write",
  "POST /v1/brand/rotate-check-key": "brand:write",
  "POST /v1/keys": "keys:write",
  "GET /v1/keys": "keys:read",
  "GET /v1/keys/{key}": "keys:read",
  "PATCH /v1/keys/{key}": "keys:write",
  "POST /v1/keys/{key}/rotate": "keys:write",
  "DELETE /v1/keys/{key}": "keys:write",
  "POST /v1/campaigns": "campaigns:write",
  "GET /v1/campaigns": "campaigns:read",
  "GET /v1/campaigns/{campaign}": "campaigns:read or a page",
  "PATCH /v1/campaigns/{campaign}": "campaigns:write",
  "POST /v1/campaigns/{campaign}/pause": "campaigns:write",
  "POST /v1/campaigns/{campaign}/resume": "campaigns:write",
  "POST /v1/campaigns/{campaign}/end": "campaigns:write",
  "POST /v1/campaigns/{campaign}/batches": "codes:write",
  "GET /v1/campaigns/{campaign}/batches": "codes:read",
  "GET /v1/batches/{batch}": "codes:read",
  "POST /v1/batches/{batch}/cancel": "codes:write",
  "POST /v1/campaigns/{campaign}/imports": "codes:write",
  "GET /v1/campaigns/{campaign}/imports": "codes:read",
  "GET /v1/imports/{import}": "codes:read",
  "GET /v1/imports/{import}/errors": "codes:read",
  "GET /v1/campaigns/{campaign}/codes": "codes:read",
  "GET /v1/campaigns/{campaign}/codes/export": "codes:read",
  "POST /v1/codes/lookup": "codes:read",
  "POST /v1/codes/revoke": "codes:write",
  "POST /v1/campaigns/{campaign}/claims": "claims:write or a page",
  "GET /v1/campaigns/{campaign}/claims": "claims:read",
  "GET /v1/campaigns/{campaign}/claims/export": "claims:read",
  "GET /v1/claims/{claim}": "claims:read",
  "POST /v1/claims/{claim}/reveal": "claims:write or a page",
  "POST /v1/codes/validate": "redemptions:write",
  "POST /v1/codes/bulk-validate": "redemptions:write",
  "POST /v1/codes/bulk-redeem": "redemptions:write",
  "POST /v1/holds": "redemptions:write",
  "GET /v1/holds/{hold}": "redemptions:read",
  "DELETE /v1/holds/{hold}": "redemptions:write",
  "POST /v1/redemptions": "redemptions:write",
  "GET /v1/redemptions/{redemption}": "redemptions:read",
  "POST /v1/redemptions/{redemption}/rollback": "redemptions:write",
  "GET /v1/campaigns/{campaign}/redemptions/export": "redemptions:read",
  "GET /v1/users/{user_id}": "users:read",
  "DELETE /v1/users/{user_id}": "users:write",
  "GET /v1/erasures/{erasure}": "users:read",
  "GET /v1/campaigns/{campaign}/stats": "campaigns:read",
  "GET /v1/campaigns/{campaign}/integrity": "campaigns:read",
  "GET /v1/campaigns/{campaign}/live": "campaigns:read",
  "GET /v1/events": "events:read",
  "POST /v1/webhook-endpoints": "webhooks:write",
  "GET /v1/webhook-endpoints": "webhooks:read",
  "GET /v1/webhook-endpoints/{endpoint}": "webhooks:read",
  "PATCH /v1/webhook-endpoints/{endpoint}": "webhooks:write",
  "POST /v1/webhook-endpoints/{endpoint}/rotate-secret": "webhooks:write",
  "DELETE /v1/webhook-endpoints/{endpoint}": "webhooks:write",
  "GET /v1/deliveries": "webhooks:read",
  "GET /v1/deliveries/{delivery}": "webhooks:read",
  "POST /v1/deliveries/{delivery}/retry": "webhooks:write",
  "POST /v1/webhook-endpoints/{endpoint}/test": "webhooks:write",
  "GET /v1/audit-log": "audit:read",
  "GET /v1/audit-log/verify": "audit:read",
  "GET /healthz": "anybody",
  "GET /readyz": "anybody",
  "GET /problems/{slug}": "anybody",
};

/** What a key of test mode may not do though it has the scope: it is about what is live. */
const LIVE_ONLY = new Set(["PATCH /v1/brand", "GET /v1/audit-log", "GET /v1/audit-log/verify"]);

/** What came of a call: it was let in, or why not. */
type Verdict =
  | "in"
  | 401
  | "forbidden"
  | "insufficient-scope"
  | "brand-suspended"
  | "in-browser"
  | "origin-not-allowed";

interface Credential {
  bearer: () => string | null;
  headers?: Record<string, string>;
  /** By what the row says. */
  verdict: (who: Who) => Verdict;
}

const keys: Record<string, string> = {};
const key = (name: string) => () => keys[name] ?? "";
const PAGE = "https://partner.example";
const isForPages = (who: string) => who.endsWith(" or a page");
const onPage = (verdict: Verdict) => (who: string) => (isForPages(who) ? verdict : "forbidden");
const forBrand = (verdict: Verdict) => (who: string) =>
  who === "operator" ? "forbidden" : verdict;

const CREDENTIALS: Record<string, Credential> = {
  "no credential": { bearer: () => null, verdict: () => 401 },
  "the operator's token": {
    bearer: () => env.OPERATOR_TOKEN,
    verdict: (who) => (who === "operator" ? "in" : "forbidden"),
  },
  "a secret key": { bearer: key("all"), verdict: forBrand("in") },
  "a secret key of test mode": { bearer: key("test"), verdict: forBrand("in") },
  "a secret key in a page": {
    bearer: key("all"),
    headers: { Origin: PAGE },
    verdict: (who) => (who === "operator" ? "forbidden" : "in-browser"),
  },
  "a secret key in a page of origin null": {
    bearer: key("all"),
    headers: { Origin: "null" },
    verdict: (who) => (who === "operator" ? "forbidden" : "in-browser"),
  },
  "a publishable key on its page": {
    bearer: key("publishable"),
    headers: { Origin: PAGE },
    verdict: onPage("in"),
  },
  ...Object.fromEntries(
    [
      null,
      "null",
      "https://other.example",
      "http://partner.example",
      `${PAGE}:8443`,
      `${PAGE}.evil.example`,
      "https://evilpartner.example",
      "https://sub.partner.example",
    ].map((origin) => [
      `a publishable key on a page of ${origin === null ? "no origin" : origin}`,
      {
        bearer: key("publishable"),
        ...(origin === null ? {} : { headers: { Origin: origin } }),
        verdict: onPage("origin-not-allowed"),
      } satisfies Credential,
    ]),
  ),
  "a revoked secret key": { bearer: key("revoked"), verdict: () => 401 },
  "an expired secret key": { bearer: key("expired"), verdict: () => 401 },
  "a suspended brand's secret key": {
    bearer: key("suspended"),
    verdict: forBrand("brand-suspended"),
  },
  ...Object.fromEntries(
    SCOPES.map((scope) => [
      `a secret key with ${scope} only`,
      {
        bearer: key(scope),
        verdict: (who: string) => {
          if (who === "operator") return "forbidden";
          const needed = who.replace(" or a page", "");
          const isEnough = needed === scope || needed === scope.replace(/:write$/, ":read");
          return isEnough ? "in" : "insufficient-scope";
        },
      } satisfies Credential,
    ]),
  ),
};

const served = (
  (await (await exports.default.fetch("http://codedrop.test/openapi.json")).json()) as {
    paths: Record<string, Record<string, { security: Record<string, string[]>[] }>>;
  }
).paths;
const routes = Object.entries(served).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { security }]) => ({
    name: `${method.toUpperCase()} ${path}`,
    security,
  })),
);

async function makeKey(brand: Brand, fields: object): Promise<{ id: string; key: string }> {
  const made = await api.send<{ id: string; key: string }>(brand.secret, "POST /v1/keys", {
    kind: "secret",
    mode: "live",
    name: "Of the table",
    ...fields,
  });
  if (made.status !== 201) throw new Error(made.text);
  return made.body;
}

beforeAll(async () => {
  const brand = await api.newBrand();
  keys["all"] = brand.secret;
  const forPage = { kind: "publishable", allowed_origins: [PAGE] };
  keys["publishable"] = (await makeKey(brand, forPage)).key;
  keys["test"] = (await makeKey(brand, { mode: "test" })).key;
  for (const scope of SCOPES) keys[scope] = (await makeKey(brand, { scopes: [scope] })).key;
  const revoked = await makeKey(brand, {});
  await api.send(brand.secret, `DELETE /v1/keys/${revoked.id}`);
  keys["revoked"] = revoked.key;
  const expired = await makeKey(brand, {});
  await api.send(brand.secret, `POST /v1/keys/${expired.id}/rotate`, { overlap_seconds: 0 });
  keys["expired"] = expired.key;
  const suspended = await api.newBrand();
  keys["suspended"] = suspended.secret;
  await api.operator(`PATCH /v1/brands/${suspended.id}`, { status: "suspended" });
});

/** How the route takes the credential. Its parameters name nothing: who is let in finds nothing. */
async function verdictOf(name: string, credential: Credential): Promise<Verdict> {
  const route = name.replace(/\{\w+\}/g, "none");
  const answer = await api.send(
    credential.bearer(),
    route,
    /^(POST|PATCH) /.test(name) &&
      !/\/(pause|resume|end|cancel|reveal|rotate-check-key)$/.test(name)
      ? {}
      : undefined,
    credential.headers,
  );
  if (answer.status === 401) return 401;
  if (answer.status !== 403) return "in";
  const slug = String(answer.body["type"]).split("/").at(-1);
  return slug === "secret-key-in-browser" ? "in-browser" : (slug as Verdict);
}

describe("the table of routes and credentials", () => {
  it("has a row for every route, and a route for every row", () => {
    expect(Object.keys(TABLE).toSorted()).toEqual(routes.map(({ name }) => name).toSorted());
  });

  it("says what the reference says", () => {
    const written = routes.map(({ name, security }) => {
      const [entry, other] = security;
      if (entry === undefined) return [name, "anybody"];
      if ("operatorToken" in entry) return [name, "operator"];
      const page = other !== undefined && "publishableKey" in other ? " or a page" : "";
      return [name, `${entry["secretKey"]?.join()}${page}`];
    });
    expect(Object.fromEntries(written)).toEqual(TABLE);
  });
});

describe.each(Object.entries(TABLE))("%s (%s)", (name, who) => {
  it("takes each credential as the table says", async () => {
    const seen: Record<string, Verdict> = {};
    const expected: Record<string, Verdict> = {};
    for (const [credential, how] of Object.entries(CREDENTIALS)) {
      seen[credential] = await verdictOf(name, how);
      expected[credential] = who === "anybody" ? "in" : how.verdict(who);
      const isTooLive = credential === "a secret key of test mode" && LIVE_ONLY.has(name);
      if (isTooLive) expected[credential] = "forbidden";
    }
    expect(seen).toEqual(expected);
  });
});
