/** The typed client over a real socket, against a service that fails in every way. */

import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  Codedrop,
  CodedropConnectionError,
  CodedropError,
  type ClientOptions,
  type CreateOptions,
  type Retry,
} from "../../src/client/client.ts";
import { createApp } from "../../src/http/app.ts";
import {
  cutAfter,
  FakeService,
  hangUp,
  problem,
  silence,
  type Reply,
} from "../support/fake-service.ts";

const KEY = "cdk_test_ofTheTests";
const BATCHES = "POST /v1/campaigns/spring/batches";
const CLAIMS = "POST /v1/campaigns/spring/claims";
const IMPORTS = "POST /v1/campaigns/spring/imports";
const EXPORT = "GET /v1/campaigns/spring/codes/export";

let service: FakeService;

beforeAll(async () => {
  service = await FakeService.start();
});
afterEach(() => service.forget());
afterAll(() => service.stop());

function client(options: Partial<ClientOptions> = {}): Codedrop {
  return new Codedrop({ baseUrl: service.url, key: KEY, backoffMs: 1, ...options });
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail.");
}

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const found: Row[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

const unavailable = problem(503, "service-unavailable");
const spring = { user: { id: "u-1" } };

describe("a call", () => {
  it("carries the key, JSON, and names of any characters in its path", async () => {
    service.on("PATCH /v1/campaigns/a%2Fb%20%C3%BC", { json: { id: "cmp_1" } });
    const answer = await client().campaigns.update("a/b ü", { name: "Spring" });
    expect(answer).toEqual({ id: "cmp_1" });
    expect(service.asked[0]).toMatchObject({
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body: '{"name":"Spring"}',
    });
  });

  it("goes to a service below a path", async () => {
    service.on("GET /codes/v1/brand", { json: { slug: "acme" } });
    const brand = await client({ baseUrl: `${service.url}/codes/` }).brand.get();
    expect(brand.slug).toBe("acme");
  });

  it("goes to the address that is meant, however it is written", async () => {
    service.on("GET /v1/brand", { json: { slug: "acme" } });
    for (const end of ["?", "#", "//", "  "]) {
      expect(await client({ baseUrl: service.url + end }).brand.get()).toEqual({ slug: "acme" });
    }
  });

  it("that cannot be written down is the caller's bug, and no lost connection", async () => {
    const user = { id: 1n as unknown as string };
    const bugs = [
      client().claims.create("spring", { user }),
      client().claims.create("spring", spring, { idempotencyKey: "a\nb" }),
      client().claims.create("spring", spring, { userToken: "a\nb" }),
      client().claims.reveal("clm_1", { userToken: "" }),
    ];
    for (const bug of bugs) expect(await failureOf(bug)).toBeInstanceOf(TypeError);
    expect(service.asked).toEqual([]);
  });

  it("is refused before it is sent when a name would change the address", () => {
    for (const name of ["", ".", ".."]) {
      expect(() => client().campaigns.get(name)).toThrow(TypeError);
    }
    expect(service.asked).toEqual([]);
  });

  it("uses the fetch that it is given", async () => {
    const urls: string[] = [];
    const fake = client({
      baseUrl: "https://codes.example",
      fetch: (url) => {
        urls.push(url);
        return Promise.resolve(new Response('{"ok":true}'));
      },
    });
    expect(await fake.integrity("spring")).toEqual({ ok: true });
    expect(urls).toEqual(["https://codes.example/v1/campaigns/spring/integrity"]);
  });
});

describe("a client", () => {
  it("refuses addresses and keys that cannot be, without repeating the key", () => {
    const wrong = [
      "",
      "codes.example",
      "ftp://x",
      "https://x/?a=1",
      "https://x/#a",
      "https://u:p@x",
    ];
    for (const baseUrl of wrong) {
      expect(() => client({ baseUrl })).toThrow(/baseUrl/);
    }
    const unset = process.env["NO_SUCH_VARIABLE"] as string;
    for (const key of ["", "a b", "cdk_live_secret\n", "schlüssel", unset]) {
      const error = (() => {
        try {
          return client({ key });
        } catch (caught) {
          return String(caught);
        }
      })();
      expect(error).toMatch(/TypeError: key/);
      expect(error).not.toContain("secret\n");
    }
  });
});

describe("a refusal", () => {
  it("is thrown with all that the problem says, and never with the key", async () => {
    const errors = [{ in: "body", pointer: "/count", detail: "Too big." }];
    service.on(BATCHES, problem(422, "validation-failed", { errors }));
    const error = await failureOf(client().batches.create("spring", { count: 0 }));
    expect(error).toBeInstanceOf(CodedropError);
    expect(error).toMatchObject({
      slug: "validation-failed",
      status: 422,
      title: "Title of validation-failed",
      detail: "Detail of validation-failed.",
      errors,
      requestId: "req-1",
      message: "Title of validation-failed. Detail of validation-failed. /count: Too big.",
    });
    expect(JSON.stringify(error) + String(error)).not.toContain(KEY);
    expect(service.asked.length).toBe(1);
  });

  it("keeps members that only some problems have", async () => {
    const startsAt = "2027-01-01T00:00:00.000Z";
    service.on(CLAIMS, problem(409, "campaign-not-open", { starts_at: startsAt }));
    const error = await failureOf(client().claims.create("spring", spring));
    expect((error as CodedropError).problem.starts_at).toBe(startsAt);
  });

  it("may be another service's problem, whose members are of other kinds", async () => {
    const [aspNet, mixed] = [{ count: ["Too big."] }, [null, "x", { pointer: 1 }]];
    for (const errors of [aspNet, mixed]) {
      service.on("GET /v1/brand", problem(400, "bad", { errors, request_id: 7, detail: {} }));
      const error = await failureOf(client().brand.get());
      expect(error).toMatchObject({ slug: "bad", errors: [], requestId: "req-1", detail: "" });
    }
  });

  it("is one, too, when the answer is not the service's", async () => {
    const replies: Reply[] = [
      { status: 404, headers: { "Content-Type": "text/html" }, body: "<h1>no</h1>" },
      { status: 200, headers: { "Content-Type": "text/html" }, body: "<h1>yes</h1>" },
      { status: 500, json: null },
      { status: 500, json: { message: "other" } },
      { status: 301, headers: { Location: "https://elsewhere.example/" } },
    ];
    for (const reply of replies) {
      service.on("GET /v1/brand", reply);
      const error = await failureOf(client().brand.get());
      expect(error).toBeInstanceOf(CodedropError);
      expect(error).toMatchObject({ slug: "unexpected-answer", requestId: null });
    }
    expect(service.asked.length).toBe(replies.length);
  });
});

describe("a call that may be repeated", () => {
  const answered = { status: 201, json: { code: "AAAA" } };

  it("is, after 503 and 429, until it is answered", async () => {
    service.on(CLAIMS, unavailable, problem(429, "rate-limited"), unavailable, answered);
    const retries: Retry[] = [];
    const onRetry = (retry: Retry) => retries.push(retry);
    const claim = await client({ onRetry }).claims.create("spring", spring);
    expect(claim.code).toBe("AAAA");
    expect(retries.map(({ retriesLeft }) => retriesLeft)).toEqual([3, 2, 1]);
    expect(retries[1]?.error).toMatchObject({ slug: "rate-limited" });
  });

  it("is, after a lost connection and a time-out, with one Idempotency-Key", async () => {
    service.on(CLAIMS, hangUp, silence, cutAfter('{"code": "AA'), answered);
    const claim = await client({ timeoutMs: 100 }).claims.create("spring", spring);
    expect(claim.code).toBe("AAAA");
    const keys = service.asked.map(({ headers }) => headers["idempotency-key"]);
    expect(keys.length).toBe(4);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  it("has another Idempotency-Key when it is another call, or the caller's own", async () => {
    service.on(CLAIMS, answered);
    await client().claims.create("spring", spring);
    await client().claims.create("spring", spring);
    await client().claims.create("spring", spring, { idempotencyKey: "mine" });
    const [first, second, third] = service.asked.map(({ headers }) => headers["idempotency-key"]);
    expect(first).not.toBe(second);
    expect(third).toBe("mine");
  });

  it("waits as long as Retry-After asks, in seconds or as a date", async () => {
    const later = new Date(Date.now() + 2_500).toUTCString();
    const seconds = { ...unavailable, headers: { "Retry-After": "1" } };
    const date = { ...unavailable, headers: { "Retry-After": later } };
    const waits: number[] = [];
    const onRetry = ({ waitMs }: Retry) => waits.push(waitMs);
    service.on(CLAIMS, seconds, answered);
    await client({ onRetry }).claims.create("spring", spring);
    const [first, second] = service.asked;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
    service.on(CLAIMS, date, answered);
    await client({ onRetry }).claims.create("spring", spring);
    expect(waits[0]).toBeGreaterThanOrEqual(1_000);
    expect(waits[1]).toBeGreaterThan(400);
    expect(Math.max(...waits)).toBeLessThan(3_000);
  });

  it("is told at once when Retry-After asks for more than a minute", async () => {
    service.on(CLAIMS, { ...unavailable, headers: { "Retry-After": "3600" } }, answered);
    const error = await failureOf(client().claims.create("spring", spring));
    expect(error).toMatchObject({ slug: "service-unavailable" });
    expect(service.asked.length).toBe(1);
  });

  it("is given up after the retries, with the last failure", async () => {
    service.on(CLAIMS, unavailable);
    expect(await failureOf(client().claims.create("spring", spring))).toMatchObject({
      slug: "service-unavailable",
    });
    expect(service.asked.length).toBe(4);
    await failureOf(client({ retries: 0 }).claims.create("spring", spring));
    expect(service.asked.length).toBe(5);
  });

  it("waits about twice as long each time, and never quite the same", async () => {
    service.on("GET /v1/brand", unavailable);
    const waits: number[][] = [];
    for (let run = 0; run < 5; run++) {
      const run1: number[] = [];
      const onRetry = ({ waitMs }: Retry) => run1.push(waitMs);
      await failureOf(client({ backoffMs: 4, onRetry }).brand.get());
      waits.push(run1);
    }
    for (const run of waits) {
      run.forEach((ms, i) => {
        expect(ms).toBeGreaterThanOrEqual(2 * 2 ** i);
        expect(ms).toBeLessThanOrEqual(4 * 2 ** i);
      });
    }
    expect(new Set(waits.flat()).size).toBe(15);
  });

  it("is one that creates something, with one Idempotency-Key, or the caller's own", async () => {
    const create = { idempotencyKey: "mine" };
    const key = { kind: "secret", mode: "live", name: "Till" } as const;
    const creates = [
      ["POST /v1/brands", (c, o) => c.brands.create({ name: "Acme" }, o)],
      ["POST /v1/campaigns", (c, o) => c.campaigns.create({ name: "Spring" }, o)],
      ["POST /v1/keys", (c, o) => c.keys.create(key, o)],
      [BATCHES, (c, o) => c.batches.create("spring", { count: 1 }, o)],
      [IMPORTS, (c, o) => c.imports.create("spring", "code\nA\n", { type: "text/csv", ...o })],
      ["POST /v1/keys/key_1/rotate", (c, o) => c.keys.rotate("key_1", { overlap_seconds: 0 }, o)],
    ] as [string, (codedrop: Codedrop, options?: CreateOptions) => Promise<unknown>][];
    const onItsWay = { ...problem(409, "request-in-progress"), headers: { "Retry-After": "0" } };
    for (const [route, call] of creates) {
      service.forget();
      service.on(route, unavailable, hangUp, onItsWay, { status: 201, json: { id: "made" } });
      expect([route, await call(client())]).toEqual([route, { id: "made" }]);
      const keys = service.asked.map(({ headers }) => headers["idempotency-key"]);
      expect([route, keys.length, new Set(keys).size]).toEqual([route, 4, 1]);
      expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
      await call(client(), create);
      expect(service.asked.at(-1)?.headers["idempotency-key"]).toBe("mine");
    }
  });

  it("is one at the checkout, whose order stands for it: a key only where the caller has one", async () => {
    const order = { code: "AAAA", order_id: "o-1" };
    const [many, back] = [{ redemptions: [order] }, { reason: "cancelled" }];
    const calls = [
      ["POST /v1/holds", (c) => c.holds.create({ ...order, ttl_seconds: 60 })],
      ["DELETE /v1/holds/hld_1", (c) => c.holds.release("hld_1")],
      ["POST /v1/redemptions", (c) => c.redemptions.create(order)],
      ["POST /v1/redemptions/rdm_1/rollback", (c) => c.redemptions.rollBack("rdm_1", back)],
      ["POST /v1/codes/bulk-redeem", (c) => c.redemptions.createMany(many)],
      ["POST /v1/codes/bulk-validate", (c) => c.codes.validateMany({ codes: [order] })],
    ] as [string, (codedrop: Codedrop) => Promise<unknown>][];
    for (const [route, call] of calls) {
      service.forget();
      service.on(route, unavailable, hangUp, { status: 200, json: { id: "done" } });
      expect([route, await call(client())]).toEqual([route, { id: "done" }]);
      const keys = service.asked.map(({ headers }) => headers["idempotency-key"]);
      expect([route, keys]).toEqual([route, [undefined, undefined, undefined]]);
    }
    service.on("POST /v1/holds", { status: 201, json: { id: "hld_1" } });
    await client().holds.create({ ...order, ttl_seconds: 60 }, { idempotencyKey: "mine" });
    expect(service.asked.at(-1)?.headers["idempotency-key"]).toBe("mine");
  });

  it("is a page's, with the token of its user each time", async () => {
    service.on("POST /v1/claims/clm_1/reveal", unavailable, answered);
    const claim = await client().claims.reveal("clm_1", { userToken: "a.b.c" });
    expect(claim.code).toBe("AAAA");
    const tokens = service.asked.map(({ headers }) => headers["codedrop-user-token"]);
    expect(tokens).toEqual(["a.b.c", "a.b.c"]);
    await client().claims.reveal("clm_1");
    expect(service.asked.at(-1)?.headers["codedrop-user-token"]).toBeUndefined();
  });

  it("is not, after a refusal that repeating does not mend", async () => {
    for (const [status, slug] of [
      [409, "codes-exhausted"],
      [500, "internal-error"],
      [401, "unauthenticated"],
    ] as const) {
      service.forget();
      service.on(CLAIMS, problem(status, slug));
      await failureOf(client().claims.create("spring", spring));
      expect([slug, service.asked.length]).toEqual([slug, 1]);
    }
  });
});

describe("a page's call", () => {
  const claimed = { status: 201, json: { id: "clm_1", code: "AAAA" } };
  const refused = problem(401, "user-token-invalid");
  const page = (userToken: ClientOptions["userToken"], key = "cdp_test_ofTheTests") =>
    client({ key, ...(userToken === undefined ? {} : { userToken }) });
  const tokens = () => service.asked.map(({ headers }) => headers["codedrop-user-token"]);
  const counted = () => {
    let calls = 0;
    return () => `token-${(calls += 1)}`;
  };

  it("names its user by the client's token, and only where one is due", async () => {
    service.on(CLAIMS, claimed).on("POST /v1/claims/clm_1/reveal", claimed);
    service.on("GET /v1/campaigns/spring", { json: { availability: "low" } });
    const codedrop = page("a.b.c");
    expect((await codedrop.campaigns.view("spring")).availability).toBe("low");
    await codedrop.claims.create("spring");
    await codedrop.claims.reveal("clm_1");
    await codedrop.claims.create("spring", {}, { userToken: "d.e.f" });
    await page(undefined).claims.create("spring");
    expect(tokens()).toEqual([undefined, "a.b.c", "a.b.c", "d.e.f", undefined]);
    expect(service.asked[1]?.body).toBe("{}");
  });

  it("sends no header that the service does not let pages send", async () => {
    service.on(CLAIMS, claimed).on("POST /v1/claims/clm_1/reveal", claimed);
    const sent: string[] = [];
    const codedrop = client({
      userToken: "a.b.c",
      fetch: (url, init) => {
        sent.push(...new Headers(init.headers).keys());
        return fetch(url, init);
      },
    });
    await codedrop.claims.create("spring");
    await codedrop.claims.reveal("clm_1");
    const preflight = await createApp().request("http://codedrop.test/v1/campaigns/spring/claims", {
      method: "OPTIONS",
    });
    const allowed = preflight.headers.get("Access-Control-Allow-Headers")?.split(", ") ?? [];
    expect(allowed).toContain("codedrop-user-token");
    expect(new Set(sent)).toEqual(new Set(allowed));
  });

  it("asks for a token anew each time, once for all of its attempts", async () => {
    service.on(CLAIMS, unavailable, claimed);
    const token = counted();
    const codedrop = page(async () => token());
    await codedrop.claims.create("spring");
    await codedrop.claims.create("spring");
    expect(tokens()).toEqual(["token-1", "token-1", "token-2"]);
  });

  it("asks once more when the token is refused, under the same Idempotency-Key", async () => {
    service.on(CLAIMS, unavailable, refused, unavailable, claimed);
    expect((await page(counted()).claims.create("spring")).code).toBe("AAAA");
    expect(tokens()).toEqual(["token-1", "token-1", "token-2", "token-2"]);
    expect(new Set(service.asked.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  });

  it("gives up when the second is refused, too, or there is no other", async () => {
    service.on(CLAIMS, refused);
    for (const [userToken, calls] of [
      [counted(), 2],
      [() => "always", 1],
      ["a.b.c", 1],
    ] as const) {
      service.asked.length = 0;
      const error = await failureOf(page(userToken).claims.create("spring"));
      expect(error).toMatchObject({ slug: "user-token-invalid" });
      expect(service.asked.length).toBe(calls);
    }
    service.forget();
    service.on(CLAIMS, problem(401, "unauthenticated"));
    await failureOf(page(counted()).claims.create("spring"));
    expect(service.asked.length).toBe(1);
  });

  it("that gets no token throws why, and sends nothing", async () => {
    const signedOut = new Error("signed out");
    const bad: [ClientOptions["userToken"], unknown][] = [
      [() => Promise.reject(signedOut), signedOut],
      [
        () => {
          throw signedOut;
        },
        signedOut,
      ],
      [() => "two words", expect.any(TypeError)],
      [() => undefined as unknown as string, expect.any(TypeError)],
    ];
    for (const [userToken, error] of bad) {
      expect(await failureOf(page(userToken).claims.create("spring"))).toEqual(error);
    }
    expect(service.asked).toEqual([]);
  });

  it("can be given up while the token is waited for", async () => {
    const giveUp = new AbortController();
    let asked = 0;
    const codedrop = page(() => {
      asked += 1;
      queueMicrotask(() => giveUp.abort("enough"));
      return new Promise<string>(() => undefined);
    });
    const { signal } = giveUp;
    expect(await failureOf(codedrop.claims.create("spring", {}, { signal }))).toBe("enough");
    expect(await failureOf(codedrop.claims.create("spring", {}, { signal }))).toBe("enough");
    expect([asked, service.asked.length]).toEqual([1, 0]);
  });
});

describe("a call that would be done twice", () => {
  const body = () => new Blob(["code\nA\n"]).stream();
  const call = () => client().imports.create("spring", body(), { type: "text/csv" });

  it("is not repeated after 503 or a lost answer, and says that it may have arrived", async () => {
    for (const reply of [unavailable, hangUp, cutAfter('{"id":')]) {
      service.forget();
      service.on(IMPORTS, reply, { json: {} });
      const error = await failureOf(call());
      expect(service.asked.length).toBe(1);
      if (error instanceof CodedropConnectionError) expect(error.mayHaveArrived).toBe(true);
      else expect(error).toMatchObject({ status: 503 });
    }
  });
});

describe("a call without a connection", () => {
  it("is repeated, and then surely did not arrive", async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    const retries: Retry[] = [];
    const onRetry = (retry: Retry) => retries.push(retry);
    const nowhere = client({ baseUrl: `http://127.0.0.1:${port}`, onRetry });
    const error = await failureOf(nowhere.batches.create("spring", { count: 1 }));
    expect(error).toBeInstanceOf(CodedropConnectionError);
    expect(error).toMatchObject({ reason: "unreachable", mayHaveArrived: false });
    expect((error as Error).message).toContain("ECONNREFUSED");
    expect(retries.length).toBe(3);
  });
});

describe("a lost call", () => {
  it("may have arrived when any of its attempts may have", async () => {
    let calls = 0;
    const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const codedrop = client({
      fetch: () => {
        calls += 1;
        return Promise.reject(calls === 1 ? new TypeError("Failed to fetch") : refused);
      },
    });
    const error = await failureOf(codedrop.claims.create("spring", spring));
    expect(error).toMatchObject({ reason: "unreachable", mayHaveArrived: true });
    expect(calls).toBe(4);
  });
});

describe("a silent service", () => {
  it("is a time-out of each attempt", async () => {
    service.on("GET /v1/brand", silence);
    const began = performance.now();
    const error = await failureOf(client({ timeoutMs: 40, retries: 1 }).brand.get());
    expect(error).toMatchObject({ name: "CodedropConnectionError", reason: "timeout" });
    expect(performance.now() - began).toBeGreaterThanOrEqual(75);
    expect(service.asked.length).toBe(2);
  });

  it("is waited for without end where the caller says so", async () => {
    service.on("GET /v1/brand", (_, response) => {
      setTimeout(() => response.end('{"slug":"acme"}'), 30);
    });
    const forEver = { timeoutMs: Number.POSITIVE_INFINITY };
    expect(await client({ ...forEver, retries: 0 }).brand.get()).toEqual({ slug: "acme" });
  });

  it("is a time-out, too, when it stops within an answer or a refusal", async () => {
    for (const status of [200, 503]) {
      service.on("GET /v1/brand", (_, response) => {
        response.writeHead(status);
        response.write('{"id":');
      });
      const error = await failureOf(client({ timeoutMs: 40, retries: 0 }).brand.get());
      expect(error).toMatchObject({ reason: "timeout" });
    }
  });

  it("can be given up by the caller, whose reason is thrown", async () => {
    service.on("GET /v1/brand", silence);
    const reason = new Error("enough");
    const giveUp = new AbortController();
    setTimeout(() => giveUp.abort(reason), 20);
    expect(await failureOf(client().brand.get({ signal: giveUp.signal }))).toBe(reason);
    expect(service.asked.length).toBe(1);
    expect(await failureOf(client().brand.get({ signal: giveUp.signal }))).toBe(reason);
    expect(service.asked.length).toBe(1);
  });

  it("can be given up between two attempts", async () => {
    service.on("GET /v1/brand", unavailable);
    const giveUp = new AbortController();
    const codedrop = client({ backoffMs: 60_000, onRetry: () => giveUp.abort("enough") });
    expect(await failureOf(codedrop.brand.get({ signal: giveUp.signal }))).toBe("enough");
    expect(service.asked.length).toBe(1);
  });
});

describe("a list", () => {
  const LIST = "GET /v1/campaigns/spring/codes";
  const pages: Reply[] = [
    { json: { data: [{ code: "A" }, { code: "B" }], next_cursor: "two" } },
    { json: { data: [], next_cursor: "three" } },
    { json: { data: [{ code: "C" }], next_cursor: null } },
  ];

  it("goes through every row of every page, with its filters", async () => {
    service.on(LIST, ...pages);
    const codes = await all(client().codes.list("spring", { status: "claimed" }));
    expect(codes.map(({ code }) => code)).toEqual(["A", "B", "C"]);
    expect(service.asked.map(({ query }) => query)).toEqual([
      { status: "claimed", limit: "100" },
      { status: "claimed", limit: "100", cursor: "two" },
      { status: "claimed", limit: "100", cursor: "three" },
    ]);
  });

  it("asks for no page that nobody wants", async () => {
    service.on(LIST, ...pages);
    for await (const { code } of client().codes.list("spring")) if (code === "A") break;
    expect(service.asked.length).toBe(1);
  });

  it("goes through its pages, too, and asks for no more than are wanted", async () => {
    service.on(LIST, ...pages);
    const found = await all(client().codes.list("spring").pages());
    expect(found.map(({ data }) => data.length)).toEqual([2, 0, 1]);
    service.on(LIST, ...pages);
    for await (const _ of client().codes.list("spring").pages()) break;
    expect(service.asked.length).toBe(4);
  });

  it("gives one page, with the service's own limit unless one is named", async () => {
    service.on(LIST, ...pages);
    expect(await client().codes.list("spring").page()).toEqual({
      data: [{ code: "A" }, { code: "B" }],
      next_cursor: "two",
    });
    await client().codes.list("spring", { limit: 2, cursor: "two" }).page();
    expect(service.asked.map(({ query }) => query)).toEqual([{}, { limit: "2", cursor: "two" }]);
  });

  it("repeats a page whose answer was lost, and skips and doubles no row", async () => {
    const [first, second, third] = pages as [Reply, Reply, Reply];
    service.on(LIST, first, hangUp, second, unavailable, third);
    const codes = await all(client().codes.list("spring"));
    expect(codes.map(({ code }) => code)).toEqual(["A", "B", "C"]);
  });
});

describe("an export", () => {
  it("gives the bytes of the format that was asked for", async () => {
    service.on(EXPORT, { body: "code\r\nA\r\n" });
    const stream = await client().codes.export("spring", { status: "available" }).stream();
    expect(await new Response(stream).text()).toBe("code\r\nA\r\n");
    expect(service.asked[0]?.query).toEqual({ status: "available", format: "csv" });
  });

  it("gives rows, wherever the stream is divided", async () => {
    const text = '{"code":"Ä€😀"}\n\n{"code":"B"}\n{"code":"C"}';
    const utf8 = Buffer.from(text);
    service.on(EXPORT, (_, response) => {
      const send = (at: number): void => {
        if (at === utf8.length) return void response.end();
        response.write(utf8.subarray(at, at + 1), () => setImmediate(() => send(at + 1)));
      };
      send(0);
    });
    const rows = await all(client().codes.export("spring"));
    expect(rows).toEqual([{ code: "Ä€😀" }, { code: "B" }, { code: "C" }]);
    expect(service.asked[0]?.query).toEqual({ format: "ndjson" });
  });

  it("that is cut throws after its rows, and is not begun anew", async () => {
    service.on(EXPORT, cutAfter('{"code":"A"}\n{"co'));
    const rows: unknown[] = [];
    const read = async () => {
      for await (const row of client().codes.export("spring")) rows.push(row);
    };
    const error = await failureOf(read());
    expect(error).toBeInstanceOf(CodedropConnectionError);
    expect(error).toMatchObject({ reason: "cut" });
    expect(rows).toEqual([{ code: "A" }]);
    expect(service.asked.length).toBe(1);
  });

  it("that is cut throws from its bytes, too", async () => {
    service.on(EXPORT, cutAfter("code\r\nA\r\n"));
    const stream = await client().codes.export("spring").stream();
    expect(await failureOf(new Response(stream).text())).toMatchObject({ reason: "cut" });
  });

  it("that ends in the middle of a row throws, though the connection did not", async () => {
    service.on(EXPORT, { body: '{"code":"A"}\n{"co' });
    const error = await failureOf(all(client().codes.export("spring")));
    expect(error).toMatchObject({ name: "CodedropConnectionError", reason: "cut" });
  });

  it("that falls silent is a time-out, however long the bytes before took", async () => {
    service.on(EXPORT, (_, response) => {
      let sent = 0;
      const timer = setInterval(() => {
        response.write('{"code":"A"}\n');
        if (++sent === 10) clearInterval(timer);
      }, 15);
    });
    let rows = 0;
    const read = async () => {
      for await (const _ of client({ timeoutMs: 80 }).codes.export("spring")) rows += 1;
    };
    expect(await failureOf(read())).toMatchObject({ reason: "timeout" });
    expect(rows).toBe(10);
  });

  it("that nobody reads to its end is not read to its end", async () => {
    let closed: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    service.on(EXPORT, (_, response) => {
      response.on("close", closed);
      response.write('{"code":"A"}\n{"code":"B"}\n');
    });
    for await (const row of client().codes.export("spring")) {
      expect(row.code).toBe("A");
      break;
    }
    await gone;
  });
});

describe("a live feed", () => {
  it("may have nothing to tell for longer than the client waits for answers", async () => {
    service.on("GET /v1/campaigns/spring/live", (_, response) => {
      response.write('event: stock\ndata: {"available":3}\n\n');
      const end = 'event: end\ndata: {"reason":"time"}\n\n';
      setTimeout(() => response.end(`: \n\n${end}`), 120);
    });
    const seen = await all(client({ timeoutMs: 40 }).campaigns.live("spring"));
    expect(seen).toEqual([{ available: 3 }]);
    const impatient = client().campaigns.live("spring", { timeoutMs: 40 });
    expect(await failureOf(all(impatient))).toMatchObject({ reason: "timeout" });
  });
});

describe("an upload", () => {
  const done = { status: 201, json: { id: "imp_1", status: "complete" } };

  it("is sent while it is made: nothing waits for its end", async () => {
    const heard: string[] = [];
    let hear: () => void = () => undefined;
    service.on(IMPORTS, (request, response) => {
      request.on("data", (chunk: Buffer) => {
        heard.push(chunk.toString());
        hear();
      });
      request.on("end", () => response.writeHead(201).end('{"id":"imp_1"}'));
    });
    async function* rows() {
      for (const row of ["code\n", "A\n", "Ü\n"]) {
        const next = new Promise<void>((resolve) => (hear = resolve));
        yield row;
        // Goes on only when the service has the row: a client that collects first would hang.
        await next;
      }
    }
    const options = { type: "text/csv", dryRun: true } as const;
    expect(await client().imports.create("spring", rows(), options)).toEqual({ id: "imp_1" });
    expect(heard.join("")).toBe("code\nA\nÜ\n");
    expect(service.asked[0]).toMatchObject({
      query: { dry_run: "true" },
      headers: { "content-type": "text/csv", "transfer-encoding": "chunked" },
    });
  });

  it("may be text, bytes, a Blob or a stream", async () => {
    service.on(IMPORTS, done);
    const text = "code\nA\n";
    for (const body of [text, new TextEncoder().encode(text), new Blob([text])]) {
      await client().imports.create("spring", body, { type: "text/csv" });
    }
    await client().imports.create("spring", new Blob([text]).stream(), { type: "text/csv" });
    expect(service.asked.map(({ body }) => body)).toEqual([text, text, text, text]);
    expect(service.asked.map(({ query }) => query)).toEqual([{}, {}, {}, {}]);
  });

  it("is repeated after 429 when it can be, and a stream cannot", async () => {
    const busy = problem(429, "rate-limited");
    service.on(IMPORTS, busy, done);
    await client().imports.create("spring", "A\n", { type: "text/csv" });
    expect(service.asked.map(({ body }) => body)).toEqual(["A\n", "A\n"]);
    service.on(IMPORTS, busy, done);
    const stream = new Blob(["A\n"]).stream();
    const error = await failureOf(client().imports.create("spring", stream, { type: "text/csv" }));
    expect(error).toMatchObject({ slug: "rate-limited" });
    expect(service.asked.length).toBe(3);
  });

  it("that is refused early ends, and its source is closed", async () => {
    service.on(IMPORTS, (_, response) => {
      const { status, headers, json } = problem(413, "payload-too-large");
      response.writeHead(status ?? 0, headers).end(JSON.stringify(json));
    });
    let closed = false;
    async function* endless() {
      try {
        for (;;) {
          yield "x".repeat(10_000);
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        closed = true;
      }
    }
    const error = await failureOf(
      client().imports.create("spring", endless(), { type: "text/csv" }),
    );
    expect(error).toMatchObject({ slug: "payload-too-large" });
    await expect.poll(() => closed).toBe(true);
  });

  it("whose source fails throws what the source threw", async () => {
    service.on(IMPORTS, done);
    const broken = new Error("the disk is gone");
    async function* rows() {
      yield "code\n";
      throw broken;
    }
    expect(await failureOf(client().imports.create("spring", rows(), { type: "text/csv" }))).toBe(
      broken,
    );
    expect(service.asked.length).toBeLessThanOrEqual(1);
  });
});

describe("watching a batch", () => {
  it("gives it again and again until it runs no longer", async () => {
    const state = (status: string, created: number) => ({ json: { status, created } });
    service.on(
      "GET /v1/batches/bat_1",
      state("running", 0),
      hangUp,
      state("running", 5),
      state("complete", 10),
    );
    const seen = await all(client().batches.watch("bat_1", { intervalMs: 1 }));
    expect(seen.map(({ created }) => created)).toEqual([0, 5, 10]);
  });
});
