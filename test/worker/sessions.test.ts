/** Signing in to the console, and what a session is good for. */

import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { SESSION_SECONDS } from "../../src/http/session.ts";
import type { Brand } from "../support/api.ts";
import { api } from "../support/worker-api.ts";

const HOST = "https://codes.example";
const OURS = { "Sec-Fetch-Site": "same-origin" };

let brand: Brand;

beforeEach(async () => {
  brand = await api.newBrand();
});

/** What a browser that shows a page of ours sends, or another site's page if `headers` say so. */
function call(route: string, options: { body?: unknown; headers?: Record<string, string> } = {}) {
  const [method = "", path = ""] = route.split(" ");
  const { body, headers = {} } = options;
  return exports.default.fetch(HOST + path, {
    method,
    headers: { ...OURS, ...(body === undefined ? {} : JSON_BODY), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
const JSON_BODY = { "Content-Type": "application/json", Origin: HOST };

async function signIn(key = brand.secret): Promise<string> {
  const answer = await call("POST /console/session", { body: { key } });
  expect(answer.status).toBe(201);
  return cookieOf(answer);
}

const cookieOf = (answer: Response) => answer.headers.get("Set-Cookie")?.split(";")[0] ?? "";
const statusWith = async (cookie: string, route = "GET /v1/campaigns") =>
  (await call(route, { headers: { Cookie: cookie } })).status;

async function slugOf(answer: Response): Promise<unknown> {
  const { type } = (await answer.json()) as { type: string };
  return type.split("/").at(-1);
}

describe("signing in", () => {
  it("tells who is signed in and until when, and never the key", async () => {
    const answer = await call("POST /console/session", { body: { key: brand.secret } });
    const text = await answer.text();
    expect(text).not.toContain(brand.secret);
    expect(JSON.parse(text)).toMatchObject({
      brand: { id: brand.id },
      key: { kind: "secret", mode: "live", hint: brand.secret.slice(-4) },
      expires_at: expect.stringMatching(/Z$/),
    });
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
  });

  it("gives a cookie that no script, no other site and no plain connection gets", async () => {
    const answer = await call("POST /console/session", { body: { key: brand.secret } });
    const cookie = answer.headers.get("Set-Cookie") ?? "";
    expect(cookie.split("; ").slice(1).toSorted()).toEqual([
      "HttpOnly",
      `Max-Age=${SESSION_SECONDS}`,
      "Path=/",
      "SameSite=Strict",
      "Secure",
    ]);
    expect(cookie).toMatch(/^__Host-codedrop_session=[\w-]{43};/);
    expect(cookie).not.toContain(brand.secret);
  });

  it("keeps of the session what its cookie cannot be made of", async () => {
    const token = (await signIn()).split("=")[1];
    const { results } = await env.DB.prepare("SELECT * FROM console_sessions").all();
    expect(results.length).toBeGreaterThan(0);
    expect(JSON.stringify(results)).not.toContain(token);
    expect(JSON.stringify(results)).not.toContain(brand.secret);
  });

  it.each([
    ["a key that is none", () => `${brand.secret.slice(0, -1)}_`],
    ["a publishable key", () => brand.publishable],
    ["the operator's token", () => env.OPERATOR_TOKEN],
  ])("refuses %s", async (_, key) => {
    const answer = await call("POST /console/session", { body: { key: key() } });
    expect([answer.status, answer.headers.get("Set-Cookie")]).toEqual([401, null]);
  });

  it("refuses what is no key at all, and says what to send", async () => {
    for (const body of [{}, { key: "" }, { key: 1 }, { key: "x", more: 1 }, [], "x"]) {
      expect((await call("POST /console/session", { body })).status).toBe(422);
    }
    const form = await call("POST /console/session", {
      body: {},
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
    });
    expect(form.status).toBe(415);
  });

  it("is for the console's own page: nobody is signed in by another site", async () => {
    for (const site of ["cross-site", "same-site", "none", ""]) {
      const answer = await call("POST /console/session", {
        body: { key: brand.secret },
        headers: { "Sec-Fetch-Site": site },
      });
      expect([answer.status, answer.headers.get("Set-Cookie")]).toEqual([403, null]);
    }
  });

  it("is in the brand's audit log, under its key", async () => {
    await signIn();
    const log = await api.send<{ data: { action: string; actor: string; target: string }[] }>(
      brand.secret,
      "GET /v1/audit-log",
    );
    const [entry] = log.body.data;
    expect(entry?.action).toBe("signIn");
    expect(entry?.actor).toBe(entry?.target);
    expect(entry?.actor).toMatch(/^key_/);
  });

  it("of a suspended brand is refused", async () => {
    const cookie = await signIn();
    await api.send(env.OPERATOR_TOKEN, `PATCH /v1/brands/${brand.id}`, { status: "suspended" });
    expect(await statusWith(cookie)).toBe(403);
    const again = await call("POST /console/session", { body: { key: brand.secret } });
    expect([again.status, await slugOf(again)]).toEqual([403, "brand-suspended"]);
  });
});

describe("a session", () => {
  it("may what its key may, and sees its own brand only", async () => {
    const cookie = await signIn();
    const mine = await api.newCampaign(brand, 0);
    const rival = await api.newBrand();
    const theirs = await api.newCampaign(rival, 0);
    expect(await statusWith(cookie, `GET /v1/campaigns/${mine}`)).toBe(200);
    expect(await statusWith(cookie, `GET /v1/campaigns/${theirs}`)).toBe(404);
    const made = await call("POST /v1/campaigns", {
      body: { name: "Made in the console" },
      headers: { Cookie: cookie, "Idempotency-Key": "one" },
    });
    expect(made.status).toBe(201);
    const again = await call("POST /v1/campaigns", {
      body: { name: "Made in the console" },
      headers: { Cookie: cookie, "Idempotency-Key": "one" },
    });
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    expect(await again.json()).toEqual(await made.json());
  });

  it("of a key with scopes of its own is as narrow", async () => {
    const { body } = await api.send<{ key: string }>(brand.secret, "POST /v1/keys", {
      kind: "secret",
      mode: "test",
      name: "Reader",
      scopes: ["campaigns:read"],
    });
    const cookie = await signIn(body.key);
    expect(await statusWith(cookie)).toBe(200);
    const refused = await call("GET /v1/keys", { headers: { Cookie: cookie } });
    expect([refused.status, await slugOf(refused)]).toEqual([403, "insufficient-scope"]);
    const live = await api.newCampaign(brand, 0);
    expect(await statusWith(cookie, `GET /v1/campaigns/${live}`)).toBe(404);
  });

  it("counts for nothing in what another site's page, or an address bar, asks for", async () => {
    const cookie = await signIn();
    for (const site of ["cross-site", "same-site", "none"]) {
      const headers = { Cookie: cookie, "Sec-Fetch-Site": site };
      expect((await call("GET /v1/campaigns", { headers })).status).toBe(401);
      const made = await call("POST /v1/campaigns", { body: { name: "X" }, headers });
      expect(made.status).toBe(401);
    }
    const plain = await exports.default.fetch(`${HOST}/v1/campaigns`, {
      headers: { Cookie: cookie },
    });
    expect(plain.status).toBe(401);
  });

  it("takes nothing from a call that brings a key: the key counts", async () => {
    const cookie = await signIn();
    const answer = await call("GET /v1/campaigns", {
      headers: { Cookie: cookie, Authorization: "Bearer nothing" },
    });
    expect(answer.status).toBe(401);
    const inBrowser = await call("POST /v1/campaigns", {
      body: { name: "X" },
      headers: { Cookie: cookie, Authorization: `Bearer ${brand.secret}` },
    });
    expect(await slugOf(inBrowser)).toBe("secret-key-in-browser");
  });

  it("is no operator", async () => {
    expect(await statusWith(await signIn(), "GET /v1/brands")).toBe(401);
  });

  it("ends with its time, to the millisecond", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const start = Date.now();
      const cookie = await signIn();
      vi.setSystemTime(start + SESSION_SECONDS * 1000 - 1);
      expect(await statusWith(cookie)).toBe(200);
      vi.setSystemTime(Date.now() + 60_000);
      expect(await statusWith(cookie)).toBe(401);
      await signIn();
      const { results } = await env.DB.prepare(
        "SELECT hash FROM console_sessions WHERE expires_at < ?",
      )
        .bind(Date.now())
        .all();
      expect(results).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("ends when its key is revoked", async () => {
    const { body } = await api.send<{ id: string; key: string }>(brand.secret, "POST /v1/keys", {
      kind: "secret",
      mode: "live",
      name: "Short-lived",
    });
    const cookie = await signIn(body.key);
    expect(await statusWith(cookie)).toBe(200);
    await api.send(brand.secret, `DELETE /v1/keys/${body.id}`);
    expect(await statusWith(cookie)).toBe(401);
    expect(await statusWith(cookie, "GET /console/session")).toBe(204);
  });

  it("ends by signing out, for good and in this browser", async () => {
    const cookie = await signIn();
    const other = await signIn();
    const out = await call("DELETE /console/session", { headers: { Cookie: cookie } });
    expect(out.status).toBe(204);
    expect(out.headers.get("Set-Cookie")).toMatch(/^__Host-codedrop_session=; Max-Age=0/);
    expect(await statusWith(cookie)).toBe(401);
    expect(await statusWith(other)).toBe(200);
    expect(await statusWith(other, "GET /console/session")).toBe(200);
  });

  it("ends when its browser signs in anew", async () => {
    const cookie = await signIn();
    const again = await call("POST /console/session", {
      body: { key: brand.secret },
      headers: { Cookie: cookie },
    });
    expect(await statusWith(cookie)).toBe(401);
    expect(await statusWith(cookieOf(again))).toBe(200);
  });

  it("that was made up is none", async () => {
    for (const value of ["", "x", "%", "a".repeat(5_000), "__Host-codedrop_session"]) {
      expect(await statusWith(`__Host-codedrop_session=${value}`)).toBe(401);
    }
  });
});

describe("pages", () => {
  it.each(["/console", "/docs", "/docs/start", "/docs/reference"])(
    "%s runs only what our host serves, and stands in no frame",
    async (path) => {
      const answer = await call(`GET ${path}`);
      expect([answer.status, answer.headers.get("Content-Type")]).toEqual([
        200,
        "text/html; charset=utf-8",
      ]);
      const policy = answer.headers.get("Content-Security-Policy") ?? "";
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      for (const header of [
        "X-Content-Type-Options",
        "X-Request-Id",
        "Strict-Transport-Security",
      ]) {
        expect(answer.headers.get(header), header).not.toBeNull();
      }
      expect(await answer.text()).not.toMatch(/<style|<script(?![^>]* src=)| style=| on\w+=/);
    },
  );

  it("are asked for anew each time, what they load by a hashed name for a year", async () => {
    const page = await call("GET /console");
    expect(page.headers.get("Cache-Control")).toBe("public, max-age=0, must-revalidate");
    const [script = ""] = /\/assets\/[\w.-]+\.js/.exec(await page.text()) ?? [];
    const loaded = await call(`GET ${script}`);
    expect(loaded.headers.get("Content-Type")).toBe("text/javascript; charset=utf-8");
    expect(loaded.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
    const etag = page.headers.get("ETag") ?? "";
    const again = await call("GET /console", { headers: { "If-None-Match": etag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    // After a rollback the name may be right again.
    const gone = await call("GET /assets/console-GONE.js");
    expect([gone.status, gone.headers.get("Cache-Control")]).toEqual([404, "no-store"]);
  });

  it("that are none are problems, and take no other method", async () => {
    const answer = await call("GET /docs/nothing-of-that-name");
    expect([answer.status, await slugOf(answer)]).toEqual([404, "not-found"]);
    const posted = await call("POST /console", { body: {} });
    expect([posted.status, posted.headers.get("Allow")]).toEqual([405, "GET, HEAD"]);
  });
});
