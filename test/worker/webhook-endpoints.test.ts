/** Where a brand wants to be told of events: who may say so, what is taken, what is shown. */

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ENDPOINTS_MAX, findEndpoint } from "../../src/db/webhook-endpoints.ts";
import { disableEndpoint, listEnabledEndpointIds } from "../../src/db/webhook-senders.ts";
import { EVENT_TYPES } from "../../src/domain/event.ts";
import { unique, type Answer, type Brand } from "../support/api.ts";
import { newSecretKey } from "../support/brand-key.ts";
import { interceptedD1 } from "../support/intercepted-d1.ts";
import { logs } from "../support/logs.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

interface Endpoint {
  id: string;
  url: string;
  mode: string;
  events: string[];
  campaign_ids: string[] | null;
  description: string | null;
  status: string;
  disabled_reason: string | null;
  disabled_at: string | null;
  previous_secret_expires_at: string | null;
  created_at: string;
  secret: string;
}

interface Refusal {
  type: string;
  errors?: { in: string; pointer: string; detail: string }[];
}

const URL_OF = "https://hooks.shop.example/codedrop";
const ALL = { url: URL_OF, events: ["*"] };
const CREATE = "POST /v1/webhook-endpoints";
const PUBLIC_ONLY = apiWith({ LOOPBACK_TARGETS: "refused" });

const make = (bearer: string, fields: object = {}, by = api) =>
  by.send<Endpoint>(bearer, CREATE, { ...ALL, ...fields });
const at = ({ id }: { id: string }) => `/v1/webhook-endpoints/${id}`;
const read = async (bearer: string, endpoint: { id: string }) =>
  (await api.send<Endpoint>(bearer, `GET ${at(endpoint)}`)).body;
const change = (bearer: string, endpoint: { id: string }, fields: object) =>
  api.send<Endpoint>(bearer, `PATCH ${at(endpoint)}`, fields);
const rotate = (bearer: string, endpoint: { id: string }, overlap_seconds: number) =>
  api.send<Endpoint>(bearer, `POST ${at(endpoint)}/rotate-secret`, { overlap_seconds });

const slugOf = ({ body }: Answer<unknown>) => (body as Refusal).type.split("/").at(-1);
/** The status and each place that is wrong. */
const faultsOf = ({ status, body }: Answer<unknown>) => [
  status,
  (body as Refusal).errors?.map(({ pointer }) => pointer),
];

function stored(endpoint: { id: string }) {
  return env.DB.prepare("SELECT * FROM webhook_endpoints WHERE id = ?")
    .bind(endpoint.id)
    .first<{ secrets: string; from_position: number; events: string | null; url: string }>();
}

async function secretsOf(endpoint: { id: string }) {
  const { secrets = "[]" } = (await stored(endpoint)) ?? {};
  return JSON.parse(secrets) as { secret: string; expiresAt: number | null }[];
}

let brand: Brand;
let tester: string;

// An own one for each test: a brand has only so many endpoints.
beforeEach(async () => {
  brand = await api.newBrand();
  tester = await newSecretKey(brand.id, "test");
});

describe("an endpoint", () => {
  it("is shown with its secret once, and from then on without", async () => {
    const made = await make(brand.secret, { description: "Shop" });
    expect(made.status).toBe(201);
    expect(made.headers.get("Location")).toBe(at(made.body));
    const { secret, ...shown } = made.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(shown).toEqual({
      id: expect.stringMatching(/^whe_/),
      url: URL_OF,
      mode: "live",
      events: ["*"],
      campaign_ids: null,
      description: "Shop",
      status: "enabled",
      disabled_reason: null,
      disabled_at: null,
      previous_secret_expires_at: null,
      created_at: expect.any(String),
    });
    const got = await api.send(brand.secret, `GET ${at(shown)}`);
    const listed = await api.send<{ data: Endpoint[] }>(brand.secret, "GET /v1/webhook-endpoints");
    const changed = await change(brand.secret, shown, { description: null });
    expect(got.body).toEqual(shown);
    expect(listed.body.data[0]).toEqual(shown);
    expect(changed.body).toEqual({ ...shown, description: null });
    for (const { text } of [got, listed, changed]) expect(text).not.toMatch(/whsec_|"secret/);
    expect(await secretsOf(shown)).toEqual([{ secret, expiresAt: null }]);
  });

  it("has a secret of its own", async () => {
    const made = [await make(brand.secret), await make(brand.secret)];
    expect(new Set(made.map(({ body }) => body.secret)).size).toBe(2);
  });

  it("leaves no secret in the audit log or the record of its answer", async () => {
    const headers = { "Idempotency-Key": unique("key") };
    const { body } = await api.send<Endpoint>(brand.secret, CREATE, ALL, headers);
    const second = await rotate(brand.secret, body, 60);
    for (const table of ["audit_log", "idempotency_records"]) {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all();
      expect(JSON.stringify(results)).not.toMatch(/whsec_/);
      expect(JSON.stringify(results)).not.toContain(second.body.secret);
    }
  });

  it("whose writing fails tells its secret neither to the caller nor to a log", async () => {
    const DB = interceptedD1(env.DB, (sql, call) => {
      if (/webhook_endpoints/.test(sql.join()) && !/^select/i.test(sql.join())) {
        throw new Error("D1_ERROR: no such column: x");
      }
      return call();
    });
    const { body } = await make(brand.secret);
    const broken = apiWith({ DB });
    const failed = [
      await broken.send(brand.secret, CREATE, ALL),
      await broken.send(brand.secret, `POST ${at(body)}/rotate-secret`, { overlap_seconds: 1 }),
    ];
    for (const { status, text } of failed) {
      expect(status).toBe(503);
      expect(text).not.toMatch(/whsec_|D1_ERROR/);
    }
    logs.check();
  });

  it("begins where the brand's log ends when it is made", async () => {
    const own = await api.newBrand();
    const first = await make(own.secret);
    expect((await stored(first.body))?.from_position).toBe(0);
    const campaign = await api.newCampaign(own, 1);
    await api.send(own.secret, `POST /v1/campaigns/${campaign}/batches`, { count: 1 });
    const second = await make(own.secret);
    expect((await stored(second.body))?.from_position).toBe(2);
    expect((await stored((await make((await api.newBrand()).secret)).body))?.from_position).toBe(0);
  });

  it("that is deleted is gone, and what is sent to it ends", async () => {
    const { body } = await make(brand.secret);
    const gone = await api.send(brand.secret, `DELETE ${at(body)}`);
    expect([gone.status, gone.text]).toEqual([204, ""]);
    for (const route of [`GET ${at(body)}`, `DELETE ${at(body)}`]) {
      expect((await api.send(brand.secret, route)).status).toBe(404);
    }
    expect((await change(brand.secret, body, { status: "enabled" })).status).toBe(404);
    expect(await listEnabledEndpointIds(env.DB, brand.id)).not.toContain(body.id);
  });

  it.each([
    ["changed", "PATCH", "", { status: "disabled" }],
    ["rotated", "POST", "/rotate-secret", { overlap_seconds: 60 }],
  ])("that is deleted while it is %s is not found, and comes not back", async (...row) => {
    const [, method, suffix, body] = row;
    const { body: made } = await make(brand.secret);
    const DB = interceptedD1(env.DB, async (sql, call) => {
      if (sql.some((text) => text.startsWith("update"))) {
        await api.send(brand.secret, `DELETE ${at(made)}`);
      }
      return call();
    });
    const route = `${method} ${at(made)}${suffix}`;
    expect((await apiWith({ DB }).send(brand.secret, route, body)).status).toBe(404);
    expect(await stored(made)).toBeNull();
    const [entry] = await api.listAll<{ action: string }>(brand.secret, "/v1/audit-log");
    expect(entry?.action).toBe("deleteWebhookEndpoint");
  });

  it("of another brand is neither seen nor changed", async () => {
    const { body } = await make(brand.secret);
    const before = await stored(body);
    const rival = await api.newBrand();
    const answers = [
      await api.send(rival.secret, `GET ${at(body)}`),
      await change(rival.secret, body, { status: "disabled" }),
      await rotate(rival.secret, body, 0),
      await api.send(rival.secret, `DELETE ${at(body)}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    expect(await api.listAll(rival.secret, "/v1/webhook-endpoints")).toEqual([]);
    expect(await stored(body)).toEqual(before);
  });
});

describe("the types of event", () => {
  it("are those that are named, or all of them", async () => {
    const events = ["claim.created", "code.redeemed"];
    const { body } = await make(brand.secret, { events });
    expect(body.events).toEqual(events);
    expect((await stored(body))?.events).toBe(JSON.stringify(events));
    expect((await change(brand.secret, body, { events: ["*"] })).body.events).toEqual(["*"]);
    expect((await stored(body))?.events).toBeNull();
    const named = await change(brand.secret, body, { events: EVENT_TYPES });
    expect(named.body.events).toEqual([...EVENT_TYPES]);
  });

  it.each([
    [undefined, "/events"],
    [null, "/events"],
    ["*", "/events"],
    [[], "/events"],
    [["*", "claim.created"], "/events"],
    [["claim.created", "claim.created"], "/events"],
    [["claim.made"], "/events/0"],
    [["claim.created", 7], "/events/1"],
  ])("are never %j", async (events, pointer) => {
    expect(faultsOf(await make(brand.secret, { events }))).toEqual([422, [pointer]]);
  });
});

describe("the campaigns", () => {
  it("are named by id or slug, and kept and answered as ids", async () => {
    const slug = unique("spring");
    const ids = [await api.newCampaign(brand, 0), await api.newCampaign(brand, 0, { slug })];
    const { body } = await make(brand.secret, { campaign_ids: [ids[0], slug] });
    expect(body.campaign_ids).toEqual(ids);
    expect((await change(brand.secret, body, { url: `${URL_OF}/2` })).body).toMatchObject({
      campaign_ids: ids,
      url: `${URL_OF}/2`,
    });
    const reversed = await change(brand.secret, body, { campaign_ids: ids.toReversed() });
    expect(reversed.body.campaign_ids).toEqual(ids.toReversed());
    const all = await change(brand.secret, body, { campaign_ids: null });
    expect([all.body.campaign_ids, (await read(brand.secret, body)).campaign_ids]).toEqual([
      null,
      null,
    ]);
  });

  it("must be the brand's, and each is named once", async () => {
    const slug = unique("spring");
    const mine = await api.newCampaign(brand, 0, { slug });
    const rivals = await api.newCampaign(await api.newBrand(), 0);
    const { body } = await make(brand.secret);
    for (const [campaign_ids, pointer] of [
      [[], "/campaign_ids"],
      [[mine, mine], "/campaign_ids"],
      [[mine, slug], "/campaign_ids/1"],
      [[rivals], "/campaign_ids/0"],
      [[mine, "no-such-campaign"], "/campaign_ids/1"],
      [["cmp_00000000000000000000"], "/campaign_ids/0"],
      [[""], "/campaign_ids/0"],
    ] as const) {
      const faults = [422, [pointer]];
      expect(faultsOf(await make(brand.secret, { campaign_ids }))).toEqual(faults);
      expect(faultsOf(await change(brand.secret, body, { campaign_ids }))).toEqual(faults);
    }
    expect((await read(brand.secret, body)).campaign_ids).toBeNull();
  });

  it("are 50 at most", async () => {
    const own = await api.newBrand();
    const ids: string[] = [];
    for (let i = 0; i <= 50; i++) ids.push(await api.newCampaign(own, 0));
    const made = await make(own.secret, { campaign_ids: ids.slice(0, 50) });
    expect([made.status, made.body.campaign_ids]).toEqual([201, ids.slice(0, 50)]);
    expect(faultsOf(await make(own.secret, { campaign_ids: ids }))).toEqual([
      422,
      ["/campaign_ids"],
    ]);
  });

  it("have the endpoint's mode", async () => {
    const live = await api.newCampaign(brand, 0);
    const test = await api.newCampaign(brand, 0, { mode: "test" });
    const faults = [422, ["/campaign_ids/0"]];
    expect(faultsOf(await make(brand.secret, { campaign_ids: [test] }))).toEqual(faults);
    const inTest = { mode: "test", campaign_ids: [live] };
    expect(faultsOf(await make(brand.secret, inTest))).toEqual(faults);
    const { body } = await make(brand.secret, { mode: "test", campaign_ids: [test] });
    expect(body).toMatchObject({ mode: "test", campaign_ids: [test] });
    expect(faultsOf(await change(brand.secret, body, { campaign_ids: [live] }))).toEqual(faults);
    expect(faultsOf(await make(tester, { campaign_ids: [live] }))).toEqual(faults);
    expect((await make(tester, { campaign_ids: [test] })).status).toBe(201);
  });
});

describe("a test key", () => {
  it("makes test endpoints only", async () => {
    const made = await make(tester, { mode: "live" });
    expect([made.status, slugOf(made)]).toEqual([403, "forbidden"]);
    expect((await make(tester)).body.mode).toBe("test");
    expect((await make(tester, { mode: "test" })).body.mode).toBe("test");
  });

  it("neither sees nor changes live ones, and a live key sees both", async () => {
    const own = await api.newBrand();
    const testKey = await newSecretKey(own.id, "test");
    const { body: live } = await make(own.secret);
    const { body: test } = await make(testKey);
    const before = await stored(live);
    const answers = [
      await api.send(testKey, `GET ${at(live)}`),
      await change(testKey, live, { status: "disabled" }),
      await rotate(testKey, live, 0),
      await api.send(testKey, `DELETE ${at(live)}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    expect(await stored(live)).toEqual(before);
    const seenBy = async (key: string) =>
      (await api.listAll<Endpoint>(key, "/v1/webhook-endpoints")).map(({ id }) => id);
    expect(await seenBy(testKey)).toEqual([test.id]);
    expect(await seenBy(own.secret)).toEqual([test.id, live.id]);
    expect((await change(own.secret, test, { description: "Staging" })).status).toBe(200);
  });
});

describe("the address", () => {
  it.each([
    ["http://hooks.shop.example/", "Must begin with https://."],
    ["https://127.0.0.1/", "Must be on a public host."],
    ["https://[::1]/", "Must be on a public host."],
    ["https://[::ffff:127.0.0.1]/", "Must be on a public host."],
    ["https://0x7f000001/", "Must be on a public host."],
    ["https://0177.0.0.1/", "Must be on a public host."],
    ["https://2130706433/", "Must be on a public host."],
    ["https://0.0.0.0/", "Must be on a public host."],
    ["https://10.0.0.1/", "Must be on a public host."],
    ["https://169.254.169.254/latest/meta-data", "Must be on a public host."],
    ["https://localhost/", "Must be on a public host."],
    ["http://localhost:9000/", "Must begin with https://."],
    ["https://x.internal/", "Must be on a public host."],
    ["https://ｌｏｃａｌｈｏｓｔ/", "Must be on a public host."],
    ["https://user:pw@hooks.shop.example/", "Must not hold a user name or password."],
    ["https://hooks.shop.example:22/", "Must use port 443."],
    ["https://codedrop.test/v1/events", "Must not be on this service's own host."],
    ["https://codedrop.test./", "Must not be on this service's own host."],
    ["https://CodeDrop.TEST:443/", "Must not be on this service's own host."],
    ["hooks.shop.example", /complete address/],
    ["", /complete address/],
  ])("is never %s where only public hosts are called", async (url, words) => {
    const { body } = await make(brand.secret, {}, PUBLIC_ONLY);
    const update = await PUBLIC_ONLY.send<Endpoint>(brand.secret, `PATCH ${at(body)}`, { url });
    for (const refused of [await make(brand.secret, { url }, PUBLIC_ONLY), update]) {
      expect(faultsOf(refused)).toEqual([422, ["/url"]]);
      expect((refused.body as unknown as Refusal).errors?.[0]?.detail).toMatch(words);
    }
    expect((await read(brand.secret, body)).url).toBe(URL_OF);
  });

  it.each([
    "http://hooks.shop.example/",
    "https://[::ffff:127.0.0.1]/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://x.internal/",
    "https://user:pw@127.0.0.1/",
    "https://hooks.shop.example:22/",
    "https://codedrop.test/",
    "https://codedrop.test./",
    "http://CODEDROP.test/",
  ])("is never %s, even where loopback is called", async (url) => {
    expect(faultsOf(await make(brand.secret, { url }))).toEqual([422, ["/url"]]);
  });

  it("may be loopback in local development", async () => {
    for (const url of ["http://localhost:9000/hook", "http://127.0.0.1:9000/", "https://[::1]/"]) {
      const made = await make(brand.secret, { url });
      expect([made.status, made.body.url]).toEqual([201, url]);
    }
  });

  it("is kept as it is called, with a host in ASCII that looks like no other", async () => {
    for (const [url, href] of [
      ["HTTPS://Hooks.SHOP.example:443", "https://hooks.shop.example/"],
      ["https://hooks.shop.example/a/../b?c=ü", "https://hooks.shop.example/b?c=%C3%BC"],
      ["https://bücher.example/", "https://xn--bcher-kva.example/"],
      // The first letter is Cyrillic.
      ["https://аpple.example/", "https://xn--pple-43d.example/"],
      ["https://xn--pple-43d.example/", "https://xn--pple-43d.example/"],
    ]) {
      const { body } = await make(brand.secret, { url }, PUBLIC_ONLY);
      expect([body.url, (await stored(body))?.url]).toEqual([href, href]);
    }
  });

  it("has at most 2,048 characters, also once it is escaped", async () => {
    const fill = (length: number) => `https://hooks.shop.example/${"x".repeat(length - 27)}`;
    const { body } = await make(brand.secret, { url: fill(2_048) });
    expect(body.url).toHaveLength(2_048);
    for (const url of [fill(2_049), fill(3_000), `https://hooks.shop.example/${"ü".repeat(400)}`]) {
      expect(faultsOf(await make(brand.secret, { url }))).toEqual([422, ["/url"]]);
    }
  });
});

describe("a brand", () => {
  it(`has ${ENDPOINTS_MAX} endpoints of each mode at most, also when all come at once`, async () => {
    const own = await api.newBrand();
    const attempts = Array.from({ length: ENDPOINTS_MAX + 2 }, () => make(own.secret));
    const answers = await Promise.all(attempts);
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(ENDPOINTS_MAX);
    for (const refused of answers.filter(({ status }) => status !== 201)) {
      expect([refused.status, slugOf(refused)]).toEqual([409, "limit-reached"]);
    }
    const log = await api.listAll(own.secret, "/v1/audit-log");
    expect(log).toHaveLength(ENDPOINTS_MAX + 1);

    expect((await make(own.secret, { mode: "test" })).status).toBe(201);
    expect((await make((await api.newBrand()).secret)).status).toBe(201);
    const [first] = made;
    if (first === undefined) throw new Error("none was made");
    await change(own.secret, first.body, { status: "disabled" });
    expect(slugOf(await make(own.secret))).toBe("limit-reached");
    await api.send(own.secret, `DELETE ${at(first.body)}`);
    expect((await make(own.secret)).status).toBe(201);
    expect(slugOf(await make(own.secret))).toBe("limit-reached");
  });
});

describe("a change", () => {
  it("of one field leaves the others, and the secret", async () => {
    const { body } = await make(brand.secret, { events: ["code.revoked"], description: "Till" });
    const { secret, ...shown } = body;
    const url = "https://other.shop.example/";
    await change(brand.secret, body, { status: "disabled" });
    const moved = await change(brand.secret, body, { url });
    expect(moved.body).toEqual({
      ...shown,
      url,
      status: "disabled",
      disabled_reason: "requested",
      disabled_at: expect.any(String),
    });
    expect(await secretsOf(body)).toEqual([{ secret, expiresAt: null }]);
  });

  it("of nothing changes nothing, and leaves no entry", async () => {
    const { secret: _, ...shown } = (await make(brand.secret)).body;
    const entries = async () => (await api.listAll(brand.secret, "/v1/audit-log")).length;
    const before = await entries();
    const same = await change(brand.secret, shown, {});
    expect([same.status, same.body, await entries()]).toEqual([200, shown, before]);
  });

  it("disables it by request since when it first was, and enables it again", async () => {
    const { body } = await make(brand.secret);
    const disabled = (await change(brand.secret, body, { status: "disabled" })).body;
    expect(disabled).toMatchObject({ status: "disabled", disabled_reason: "requested" });
    expect(Date.parse(String(disabled.disabled_at)) - Date.now()).toBeGreaterThan(-60_000);
    await scheduler.wait(5);
    expect((await change(brand.secret, body, { status: "disabled" })).body).toEqual(disabled);
    const enabled = (await change(brand.secret, body, { status: "enabled" })).body;
    expect(enabled).toMatchObject({
      status: "enabled",
      disabled_reason: null,
      disabled_at: null,
    });
  });
});

describe("an endpoint that is disabled for what it answers", () => {
  it("says so, and its brand is told once", async () => {
    const own = await api.newBrand();
    const { body: other } = await make(own.secret, { mode: "test" });
    const { body } = await make(own.secret);
    const enabled = async () => (await listEnabledEndpointIds(env.DB, own.id)).toSorted();
    expect(await enabled()).toEqual([other.id, body.id].toSorted());
    const now = Date.now();
    const whose = { id: body.id, brandId: own.id, mode: "live" as const };
    const gone = { reason: "gone" as const, at: now, failingSince: now - 5_000, url: body.url };
    await disableEndpoint(env.DB, whose, { ...gone, url: "https://elsewhere.example/" });
    expect(await enabled()).toEqual([other.id, body.id].toSorted());
    await disableEndpoint(env.DB, whose, gone);
    await disableEndpoint(env.DB, whose, gone);
    await disableEndpoint(env.DB, whose, { ...gone, reason: "failing", at: now + 1 });
    await disableEndpoint(env.DB, { ...whose, id: "whe_none" }, gone);
    expect(await read(own.secret, body)).toMatchObject({
      status: "disabled",
      disabled_reason: "gone",
      disabled_at: new Date(now).toISOString(),
    });
    expect(await enabled()).toEqual([other.id]);
    expect(await api.listAll(own.secret, "/v1/events")).toEqual([
      {
        id: expect.stringMatching(/^evt_/),
        type: "webhook_endpoint.disabled",
        timestamp: new Date(now).toISOString(),
        campaign_id: null,
        sequence: 1,
        data: {
          endpoint_id: body.id,
          reason: "gone",
          failing_since: new Date(now - 5_000).toISOString(),
        },
      },
    ]);
    const requested = await change(own.secret, body, { status: "disabled" });
    expect(requested.body).toMatchObject({
      disabled_reason: "requested",
      disabled_at: new Date(now).toISOString(),
    });
  });
});

describe("a secret that is rotated", () => {
  it("signs beside its successor until the overlap ends", async () => {
    const { body } = await make(brand.secret);
    const before = Date.now();
    const rotated = await rotate(brand.secret, body, 600);
    const after = Date.now();
    expect([rotated.status, rotated.headers.get("Location")]).toEqual([200, null]);
    const { secret, ...shown } = rotated.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await read(brand.secret, body)).toEqual(shown);
    const until = Date.parse(String(shown.previous_secret_expires_at));
    expect(until).toBeGreaterThanOrEqual(before + 600_000);
    expect(until).toBeLessThanOrEqual(after + 600_000);
    expect(await secretsOf(body)).toEqual([
      { secret, expiresAt: null },
      { secret: body.secret, expiresAt: until },
    ]);

    const clock = vi.spyOn(Date, "now").mockReturnValue(until);
    const later = await apiWith({}).send<Endpoint>(brand.secret, `GET ${at(body)}`);
    clock.mockRestore();
    expect(later.body.previous_secret_expires_at).toBeNull();
  });

  it("ends at once with an overlap of 0, and with it the one before", async () => {
    const { body } = await make(brand.secret);
    await rotate(brand.secret, body, 600);
    const last = (await rotate(brand.secret, body, 0)).body;
    expect(last.previous_secret_expires_at).toBeNull();
    expect(await secretsOf(body)).toEqual([{ secret: last.secret, expiresAt: null }]);
  });

  it("is one of two at most: another rotation within the overlap ends the oldest", async () => {
    const { body } = await make(brand.secret);
    const second = (await rotate(brand.secret, body, 600)).body;
    const third = (await rotate(brand.secret, body, 60)).body;
    expect(await secretsOf(body)).toEqual([
      { secret: third.secret, expiresAt: null },
      { secret: second.secret, expiresAt: Date.parse(String(third.previous_secret_expires_at)) },
    ]);
    const answers = await Promise.all([1, 2, 3].map(() => rotate(brand.secret, body, 60)));
    const [newest, previous, ...more] = await secretsOf(body);
    expect(more).toEqual([]);
    const secrets = answers.map((answer) => answer.body.secret);
    expect(secrets).toContain(newest?.secret);
    expect(secrets).toContain(previous?.secret);
    expect(newest?.secret).not.toBe(previous?.secret);
  });

  it("is rotated once for an Idempotency-Key, whose answer comes again", async () => {
    const { body } = await make(brand.secret);
    const route = `POST ${at(body)}/rotate-secret`;
    const headers = { "Idempotency-Key": unique("key") };
    const send = () => api.send<Endpoint>(brand.secret, route, { overlap_seconds: 60 }, headers);
    const first = await send();
    const again = await send();
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    expect(again.headers.get("Location")).toBeNull();
    const kept = (await secretsOf(body)).map(({ secret }) => secret);
    expect(kept).toEqual([first.body.secret, body.secret]);
    const other = await api.send(brand.secret, route, { overlap_seconds: 61 }, headers);
    expect([other.status, slugOf(other)]).toEqual([422, "idempotency-key-reused"]);
  });

  it("overlaps its successor for 7 days at most", async () => {
    const { body } = await make(brand.secret);
    for (const seconds of [-1, 0.5, 604_801, "60", null]) {
      const refused = await rotate(brand.secret, body, seconds as number);
      expect(faultsOf(refused)).toEqual([422, ["/overlap_seconds"]]);
    }
    expect(await secretsOf(body)).toHaveLength(1);
    expect((await rotate(brand.secret, body, 604_800)).status).toBe(200);
  });

  it("may be that of a disabled endpoint, which stays disabled", async () => {
    const { body } = await make(brand.secret);
    await change(brand.secret, body, { status: "disabled" });
    expect((await rotate(brand.secret, body, 0)).body.status).toBe("disabled");
    const row = await findEndpoint(env.DB, { brandId: brand.id, mode: "live" }, body.id);
    expect(row?.status).toBe("disabled");
  });
});
