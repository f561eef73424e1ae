/**
 * What must be true of every route: generated from the OpenAPI document, so that none is left out.
 */

import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { randomBytes } from "../../src/db/new-id.ts";
import { formatApiKey } from "../../src/domain/api-key.ts";
import { formatDeliveryId } from "../../src/domain/delivery.ts";
import { SCOPES } from "../../src/domain/scope.ts";
import type { Answer, Brand } from "../support/api.ts";
import { newEndpoint, NOBODY_LISTENS, Sender } from "../support/webhooks.ts";
import { api } from "../support/worker-api.ts";

interface Operation {
  tags: string[];
  operationId?: string;
  security?: Record<string, unknown>[];
  parameters?: { in: string; name: string }[];
  requestBody?: { content: Record<string, { schema: { $ref?: string } }> };
  responses: Record<string, { content?: Record<string, { schema: unknown }> }>;
}

interface Document {
  openapi: string;
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Record<string, unknown>> };
}

interface Route {
  name: string;
  method: string;
  template: string;
  operation: Operation;
  credential: "operator" | "brand" | "none";
}

const document = (await (
  await exports.default.fetch("http://codedrop.test/openapi.json")
).json()) as Document;

const routes: Route[] = Object.entries(document.paths).flatMap(([template, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    const schemes = new Set((operation.security ?? []).flatMap((entry) => Object.keys(entry)));
    return {
      name: `${method.toUpperCase()} ${template}`,
      method: method.toUpperCase(),
      template,
      operation,
      credential: schemes.has("operatorToken")
        ? ("operator" as const)
        : schemes.has("secretKey")
          ? ("brand" as const)
          : ("none" as const),
    };
  }),
);
/** Takes any id that a user could have, and tells nobody whether there is such a user. */
const ERASES = "DELETE /v1/users/{user_id}";
const DELETES = "DELETE /v1/webhook-endpoints/{endpoint}";
/** One that the other routes can do without. */
let spareEndpoint = "";
const guarded = routes.filter(({ credential }) => credential !== "none");
/** Routes whose body is JSON of a schema; a file that is uploaded is another matter. */
const withBody = routes.filter(
  ({ operation }) => operation.requestBody?.content["application/json"]?.schema.$ref !== undefined,
);
const uploads = routes.filter(
  (route) => route.operation.requestBody !== undefined && !withBody.includes(route),
);

/** Paths that pages may call: they answer preflights. */
const PAGES = new Set([
  "/v1/campaigns/{campaign}",
  "/v1/campaigns/{campaign}/claims",
  "/v1/claims/{claim}/reveal",
]);

/** What people see, and what only the console calls: no part of the API. */
const SEEN = new Set([
  "/",
  "/assets/:file",
  "/console",
  "/console/session",
  "/demo",
  "/docs",
  "/docs/:guide",
  "/:page{console|docs}/",
  "/openapi.json",
  "/widget.js",
]);

let brand: Brand;
let rival: Brand;
let values: Record<string, string>;

beforeAll(async () => {
  brand = await api.newBrand();
  rival = await api.newBrand();
  const campaign = await api.newCampaign(brand, 0);
  const batch = await api.send(brand.secret, `POST /v1/campaigns/${campaign}/batches`, {
    count: 5,
  });
  const claim = await api.claim(brand, campaign, "u-1");
  const redeemed = await api.send(brand.secret, "POST /v1/redemptions", {
    code: claim.body.code,
    order_id: "o-1",
  });
  const other = await api.claim(brand, campaign, "u-3");
  const held = await api.send(brand.secret, "POST /v1/holds", {
    code: other.body.code,
    order_id: "o-2",
    ttl_seconds: 600,
  });
  const uploaded = await api.send(
    brand.secret,
    `POST /v1/campaigns/${campaign}/imports`,
    "code\nOWN-1\n",
    { "Content-Type": "text/csv" },
  );
  const key = await api.send<{ id: string }>(brand.secret, "POST /v1/keys", {
    kind: "secret",
    mode: "live",
    name: "Other",
  });
  const endpoint = await newEndpoint(brand, NOBODY_LISTENS);
  spareEndpoint = (await newEndpoint(brand, NOBODY_LISTENS)).id;
  const test = await new Sender(endpoint).ping();
  const erasure = await api.send(brand.secret, `DELETE /v1/users/${ERASED_USER}`);
  values = {
    user_id: "u-1",
    erasure: String(erasure.body["id"]),
    brand: rival.id,
    key: key.body.id,
    campaign,
    batch: String(batch.body["id"]),
    claim: claim.body.id,
    redemption: String(redeemed.body["id"]),
    hold: String(held.body["id"]),
    import: String(uploaded.body["id"]),
    endpoint: endpoint.id,
    delivery: formatDeliveryId({ endpointId: endpoint.id, number: test?.number ?? 0 }),
    slug: "not-found",
  };
});

/** Called again and again: nobody whom the other routes need. */
const ERASED_USER = "u-2";

/** The route's path with real ids, or with `instead` for each. */
function pathOf(route: Route, instead?: string): string {
  if (route.name === ERASES) return `/v1/users/${instead ?? ERASED_USER}`;
  if (route.name === DELETES) return `/v1/webhook-endpoints/${instead ?? spareEndpoint}`;
  return route.template.replace(/\{(\w+)\}/g, (_, name: string) => instead ?? values[name] ?? "");
}

function bearerOf(route: Route): string | null {
  if (route.credential === "none") return null;
  return route.credential === "operator" ? env.OPERATOR_TOKEN : brand.secret;
}

/** A body that the route takes: the example of its schema. */
function exampleBody(route: Route): unknown {
  const ref = route.operation.requestBody?.content["application/json"]?.schema.$ref ?? "";
  return document.components.schemas[ref.split("/").at(-1) ?? ""]?.["example"];
}

function call(
  route: Route,
  options: { path?: string; bearer?: string | null; body?: unknown } = {},
) {
  const body = "body" in options ? options.body : exampleBody(route);
  const bearer = options.bearer === undefined ? bearerOf(route) : options.bearer;
  return api.send(bearer, `${route.method} ${options.path ?? pathOf(route)}`, body);
}

function expectProblem(answer: Answer, status: number, slug: string): void {
  expect([answer.status, answer.body["type"]]).toEqual([
    status,
    `http://codedrop.test/problems/${slug}`,
  ]);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  expect(answer.body).toMatchObject({
    title: expect.any(String),
    detail: expect.any(String),
    status,
    request_id: answer.headers.get("X-Request-Id"),
  });
}

describe("the OpenAPI document", () => {
  it("is 3.1 and names every operation once, with its security, answers and examples", () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const ids = routes.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(routes.length);
    expect(ids).not.toContain(undefined);
    for (const route of routes) {
      expect(route.operation.security, route.name).toBeDefined();
      expect(Object.keys(route.operation.responses), route.name).toEqual(
        expect.arrayContaining(["405", "422", "500", "503"]),
      );
    }
    for (const route of withBody) expect(exampleBody(route), route.name).toBeDefined();
    for (const { name, operation } of routes.filter(({ credential }) => credential === "brand")) {
      const scopes = operation.security?.flatMap((entry) => entry["secretKey"] ?? []);
      expect([name, scopes]).toEqual([name, [expect.toBeOneOf([...SCOPES])]]);
    }
  });

  it("names each tag that an operation has, and no other", () => {
    const named = document.tags.map(({ name }) => name);
    const used = new Set(routes.flatMap(({ operation }) => operation.tags));
    expect(named.toSorted()).toEqual([...used].toSorted());
  });

  it("holds every path that the Worker serves", async () => {
    const { createApp } = await import("../../src/http/app.ts");
    const served = createApp()
      .routes.filter(({ method, path }) => !["ALL", "OPTIONS"].includes(method) && !SEEN.has(path))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    expect(new Set(served)).toEqual(new Set(routes.map(({ name }) => name)));
  });

  it("refuses unknown fields in every request schema", () => {
    for (const route of withBody) {
      const ref = route.operation.requestBody?.content["application/json"]?.schema.$ref ?? "";
      const schema = document.components.schemas[ref.split("/").at(-1) ?? ""];
      expect([route.name, schema?.["additionalProperties"]]).toEqual([route.name, false]);
    }
  });
});

describe.each(routes)("$name", (route) => {
  it("answers with a request id and the security headers", async () => {
    const answer = await call(route);
    expect(answer.status).toBeLessThan(500);
    expect(answer.headers.get("X-Request-Id")).toMatch(/^[\w-]{16,}$/);
    expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(answer.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    expect(answer.headers.get("Strict-Transport-Security")).toContain("max-age=31536000");
    if (route.template.startsWith("/v1/")) {
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
    }
  });

  it("refuses an unknown query parameter with 422", async () => {
    const answer = await call(route, { path: `${pathOf(route)}?surprise=1` });
    expectProblem(answer, 422, "validation-failed");
    expect(answer.body["errors"]).toEqual([
      { in: "query", pointer: "/surprise", detail: expect.any(String) },
    ]);
  });

  it("answers 405 with Allow to another method", async () => {
    const served = Object.keys(document.paths[route.template] ?? {});
    const preflight = PAGES.has(route.template) ? [] : ["OPTIONS"];
    for (const method of ["PUT", "DELETE", ...preflight]) {
      if (served.includes(method.toLowerCase())) continue;
      const answer = await api.send(bearerOf(route), `${method} ${pathOf(route)}`);
      expectProblem(answer, 405, "method-not-allowed");
      expect(answer.headers.get("Allow")).toContain(route.method);
    }
  });

  it("is found under its exact path only", async () => {
    for (const path of [`${pathOf(route)}/`, `/${pathOf(route)}`, `${pathOf(route)}%20`]) {
      const answer = await call(route, { path });
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });
});

describe.each(guarded)("$name", (route) => {
  it("rejects strangers with one and the same 401", async () => {
    const wellFormed = formatApiKey("secret", "live", randomBytes);
    const bodies = [];
    for (const bearer of [null, "", "x", "cdk_live_x", wellFormed, `${brand.secret}x`]) {
      const answer = await call(route, { bearer });
      expectProblem(answer, 401, "unauthenticated");
      expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
      bodies.push({ ...answer.body, request_id: null });
    }
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    const inQuery = await call(route, {
      bearer: null,
      path: `${pathOf(route)}?api_key=${brand.secret}`,
    });
    expect(inQuery.status).toBe(401);
  });

  it("refuses the other kind of credential with 403", async () => {
    const other = route.credential === "operator" ? brand.secret : env.OPERATOR_TOKEN;
    expectProblem(await call(route, { bearer: other }), 403, "forbidden");
    const isForPages = route.operation.security?.some((entry) => "publishableKey" in entry);
    const onNoPage = isForPages ? "origin-not-allowed" : "forbidden";
    expectProblem(await call(route, { bearer: brand.publishable }), 403, onNoPage);
  });
});

describe.each(guarded.filter(({ credential }) => credential === "brand"))("$name", (route) => {
  it("refuses a secret key that comes from a web page", async () => {
    const answer = await api.send(
      brand.secret,
      `${route.method} ${pathOf(route)}`,
      exampleBody(route),
      { Origin: "https://partner.example" },
    );
    expectProblem(answer, 403, "secret-key-in-browser");
  });

  it("tells another brand exactly what it tells of an id that does not exist", async () => {
    if (!route.template.includes("{") || route.name === ERASES) return;
    const kinds: Record<string, string> = {
      campaign: "cmp",
      batch: "bat",
      claim: "clm",
      redemption: "rdm",
      hold: "hld",
      import: "imp",
      key: "key",
      user_id: "usr",
      erasure: "era",
      endpoint: "whe",
      delivery: "dlv",
    };
    const parameter = /\{(\w+)\}/.exec(route.template)?.[1] ?? "";
    const unknown = `${kinds[parameter]}_00000000000000000000`;
    const theirs = await call(route, { bearer: rival.secret });
    const nobodys = await call(route, { bearer: rival.secret, path: pathOf(route, unknown) });
    expectProblem(theirs, 404, "not-found");
    const bytes = ({ text, body }: Answer) => text.replace(String(body["request_id"]), "");
    expect(bytes(theirs)).toBe(bytes(nobodys));
    const headers = (answer: Answer) =>
      [...answer.headers].filter(([name]) => name !== "x-request-id");
    expect(headers(theirs)).toEqual(headers(nobodys));
  });

  it("answers 404 to ids that cannot be", async () => {
    if (!route.template.includes("{")) return;
    const couldBeUsers = ["x", "%F0%9F%92%A5", "'; DROP TABLE codes; --", "%zz"];
    const cannotBe = ["%00", "a".repeat(4_000)];
    for (const id of route.name === ERASES ? cannotBe : [...cannotBe, ...couldBeUsers]) {
      const answer = await call(route, { path: pathOf(route, id) });
      expect([id.slice(0, 20), answer.status]).toEqual([id.slice(0, 20), 404]);
    }
  });
});

describe.each(withBody)("$name", (route) => {
  const raw = (body: BodyInit | null, headers: Record<string, string> = {}) =>
    exports.default.fetch(
      new Request(`http://codedrop.test${pathOf(route)}`, {
        method: route.method,
        headers: { Authorization: `Bearer ${bearerOf(route)}`, ...headers },
        body,
      }),
    );
  const asJson = { "Content-Type": "application/json" };

  it("answers 400 to what is not JSON, 415 to what does not say it is", async () => {
    const malformed: BodyInit[] = ["{", "", "nope", '{"a":1,}', "\u0000", '{"name": undefined}'];
    for (const body of malformed) {
      expect([body, (await raw(body, asJson)).status]).toEqual([body, 400]);
    }
    expect((await raw(new Uint8Array([0x22, 0xff, 0xfe, 0x22]), asJson)).status).toBe(400);
    for (const type of [
      "text/plain",
      "application/xml",
      "application/x-www-form-urlencoded",
      "json",
    ]) {
      const answer = await raw(JSON.stringify(exampleBody(route)), { "Content-Type": type });
      expect([type, answer.status]).toEqual([type, 415]);
    }
    for (const type of [
      "application/json ; charset=utf-8",
      "application/json;",
      "Application/JSON",
    ]) {
      const answer = await raw(JSON.stringify(exampleBody(route)), { "Content-Type": type });
      // What the example names may not be there, or may be taken: it was understood.
      expect([type, answer.status < 300 || [404, 409].includes(answer.status)]).toEqual([
        type,
        true,
      ]);
    }
    const untyped = await raw(new TextEncoder().encode(JSON.stringify(exampleBody(route))));
    expect(untyped.status).toBe(415);
  });

  it("answers 422 to JSON of another shape, and names each place", async () => {
    for (const body of [[], "text", 5, null, true]) {
      const answer = await call(route, { body: JSON.stringify(body) });
      expectProblem(answer, 422, "validation-failed");
    }
    const example = exampleBody(route) as object;
    const unknown = await call(route, { body: { ...example, is_admin: true } });
    expectProblem(unknown, 422, "validation-failed");
    expect(unknown.body["errors"]).toEqual([
      { in: "body", pointer: "/is_admin", detail: expect.any(String) },
    ]);
    for (const body of [
      '{"__proto__": {"admin": true}}',
      '{"name": "x", "metadata": {"\\u005f_proto__": "x"}}',
      '{"name": "x", "metadata": {"__pr\\u006fto__": "x"}}',
      '{"user": {"id": "u", "attributes": {"__proto__": "x"}}}',
    ]) {
      expectProblem(await call(route, { body }), 422, "validation-failed");
    }
  });

  it("answers 422 to every field of a wrong type", async () => {
    const example = exampleBody(route) as Record<string, unknown>;
    for (const [field, value] of Object.entries(example)) {
      const wrong = typeof value === "number" ? "seven" : 7;
      const answer = await call(route, { body: { ...example, [field]: wrong } });
      expectProblem(answer, 422, "validation-failed");
      expect(JSON.stringify(answer.body["errors"])).toContain(`"pointer":"/${field}"`);
    }
  });

  it("answers 413 to a body that is too large, announced or not", async () => {
    const large = `{"name": "${"x".repeat(300_000)}"}`;
    expect((await raw(large, asJson)).status).toBe(413);
    const unannounced = new Response(large).body;
    expect((await raw(unannounced, asJson)).status).toBe(413);
  });

  it("survives hostile JSON", async () => {
    const hostile = [
      `${"[".repeat(10_000)}${"]".repeat(10_000)}`,
      `{${Array.from({ length: 3_000 }, (_, i) => `"k${i}":1`).join()}}`,
      '{"name": 1e400}',
      '{"name": "\\ud800"}',
      '{"name": "a\\u0000b"}',
      '{"count": 9007199254740993}',
      '{"count": -0}',
      '{"name": {"toString": null}}',
      `{"user": {"id": ${"[".repeat(500)}${"]".repeat(500)}}}`,
    ];
    for (const body of hostile) {
      const answer = await call(route, { body });
      expect([body.slice(0, 30), answer.status]).toEqual([body.slice(0, 30), 422]);
    }
  });
});

const bodiless = guarded.filter(
  (route) => route.method === "POST" && ![...withBody, ...uploads].includes(route),
);

describe.each(bodiless)("$name", (route) => {
  it("takes no body, or an empty one, and refuses any other", async () => {
    const send = async (body: string, type = "application/json") =>
      (
        await api.send(bearerOf(route), `${route.method} ${pathOf(route)}`, body, {
          "Content-Type": type,
        })
      ).status;
    for (const body of ["", "{}", " {} "]) {
      if (route.template.endsWith("/end")) continue;
      expect([body, [200, 202, 409].includes(await send(body))]).toEqual([body, true]);
    }
    expect(await send("{nope")).toBe(400);
    expect(await send("{}", "text/plain")).toBe(415);
    for (const body of ['{"x":1}', "[]", "null", "1"]) expect(await send(body)).toBe(422);
    expect(await send(`"${"x".repeat(300_000)}"`)).toBe(413);
    expect(Object.keys(route.operation.responses)).toEqual(
      expect.arrayContaining(["400", "413", "415", "422"]),
    );
  });
});

describe.each(
  routes.filter(({ operation }) => operation.parameters?.some(({ name }) => name === "cursor")),
)("$name", (route) => {
  it("refuses limits outside 1–100 with 422", async () => {
    for (const limit of ["0", "-1", "101", "1e9", "abc", "", "1.5", "9".repeat(400), "%20"]) {
      const answer = await call(route, { path: `${pathOf(route)}?limit=${limit}` });
      expectProblem(answer, 422, "validation-failed");
    }
    const twice = await call(route, { path: `${pathOf(route)}?limit=1&limit=2` });
    expectProblem(twice, 422, "validation-failed");
    expect((await call(route, { path: `${pathOf(route)}?limit=100` })).status).toBe(200);
  });

  it("refuses a cursor that it did not give", async () => {
    for (const cursor of ["x", "", "W10", "bnVsbA", "%00", "a".repeat(600)]) {
      const answer = await call(route, { path: `${pathOf(route)}?cursor=${cursor}` });
      expectProblem(answer, 422, "validation-failed");
    }
    const foreign = btoa(JSON.stringify(["another list", "brd_1"])).replace(/=+$/, "");
    const answer = await call(route, { path: `${pathOf(route)}?cursor=${foreign}` });
    expectProblem(answer, 400, "invalid-cursor");
  });
});

describe("uploads", () => {
  it("are the files of imports", () => {
    expect(uploads.map(({ name }) => name)).toEqual(["POST /v1/campaigns/{campaign}/imports"]);
  });
});

describe("an unknown path", () => {
  it("is 404 for everybody, with or without a key", async () => {
    for (const path of [
      "/v1",
      "/v1/nope",
      "/.env",
      "/.git/HEAD",
      "/metrics",
      "/admin",
      "/V1/brand",
    ]) {
      expectProblem(await api.send(null, `GET ${path}`), 404, "not-found");
      expectProblem(await api.send(brand.secret, `GET ${path}`), 404, "not-found");
    }
  });
});

describe("a problem's type", () => {
  it("leads to a page that explains it", async () => {
    const { problems } = await import("../../src/http/problems.ts");
    for (const [slug, { title }] of Object.entries(problems)) {
      const page = await api.send(null, `GET /problems/${slug}`);
      expect([slug, page.status]).toEqual([slug, 200]);
      expect(page.headers.get("Content-Type")).toContain("text/html");
      expect(page.text).toContain(title);
    }
    for (const slug of ["nope", "toString", "__proto__"]) {
      expectProblem(await api.send(null, `GET /problems/${slug}`), 404, "not-found");
    }
  });
});
