/** The same request under the same Idempotency-Key is done once, and answered alike. */

import { env, exports } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { callOf, sendCall, type Call } from "../support/administration.ts";
import { unique, type Answer, type Brand } from "../support/api.ts";
import { faultyD1, type Fault } from "../support/faulty-d1.ts";
import { apiWith } from "../support/watched-api.ts";
import { api } from "../support/worker-api.ts";

interface Operation {
  parameters?: { in: string; name: string }[];
  responses: Record<string, { headers?: Record<string, unknown> }>;
}

const { paths } = (await (
  await exports.default.fetch("http://codedrop.test/openapi.json")
).json()) as { paths: Record<string, Record<string, Operation>> };
const posts = Object.entries(paths).flatMap(([path, { post }]) =>
  post === undefined ? [] : [{ name: `POST ${path}`, operation: post }],
);
/** Those whose effects are a pool's, which keeps their answers itself. */
const OF_POOLS = new Set([
  "POST /v1/campaigns/{campaign}/claims",
  "POST /v1/holds",
  "POST /v1/redemptions",
]);
const creating = posts.filter(
  ({ name, operation }) => "201" in operation.responses && !OF_POOLS.has(name),
);

const DAY_MS = 86_400_000;
const AT_ONCE = 50;

const { OPERATOR_TOKEN: operatorToken } = env;
const worldOf = async () => ({ api, operatorToken, brand: await api.newBrand() });
const withKey = (key: string) => ({ "Idempotency-Key": key });
const slugOf = ({ body }: Answer) => String(body["type"]).split("/").at(-1);

/** Rows of everything that such a call can make. */
async function countRows(): Promise<unknown> {
  const tables = [
    "brands",
    "api_keys",
    "campaigns",
    "batches",
    "imports",
    "codes",
    "webhook_endpoints",
    "audit_log",
  ];
  const counts = tables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`);
  return env.DB.prepare(`SELECT ${counts.join()}`).first();
}

/** The call with another body: as valid, and not the same. */
function otherThan(call: Call): Call {
  const { body } = call;
  if (typeof body === "string") return { ...call, body: `${body}OWN-3\n` };
  const fields = body as {
    name?: string;
    count?: number;
    overlap_seconds?: number;
    url?: string;
  };
  return {
    ...call,
    body: {
      ...fields,
      ...(fields.name === undefined ? {} : { name: "Another" }),
      ...(fields.count === undefined ? {} : { count: fields.count + 1 }),
      ...(fields.overlap_seconds === undefined ? {} : { overlap_seconds: 61 }),
      ...(fields.url === undefined ? {} : { url: `${fields.url}other` }),
    },
  };
}

/** The call with its fields the other way round. */
function turned(call: Call): Call {
  if (typeof call.body === "string") return call;
  return { ...call, body: Object.fromEntries(Object.entries(call.body as object).toReversed()) };
}

function expectReplay(again: Answer, first: Answer): void {
  expect([again.status, again.text]).toEqual([first.status, first.text]);
  expect(again.headers.get("Idempotent-Replayed")).toBe("true");
  for (const name of ["Location", "Content-Type", "Cache-Control"]) {
    expect([name, again.headers.get(name)]).toEqual([name, first.headers.get(name)]);
  }
  expect(again.headers.get("X-Request-Id")).not.toBe(first.headers.get("X-Request-Id"));
  expect(again.headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(again.headers.get("Retry-After")).toBeNull();
}

async function storedText(): Promise<string> {
  const { results } = await env.DB.prepare("SELECT * FROM idempotency_records").all();
  return JSON.stringify(results);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the reference", () => {
  it("names the header with every call that creates, and with its answers", () => {
    expect(creating.length).toBeGreaterThan(5);
    for (const { name, operation } of creating) {
      const parameters = operation.parameters?.map((parameter) => parameter.name);
      expect([name, parameters]).toEqual([name, expect.arrayContaining(["idempotency-key"])]);
      expect(operation.responses["201"]?.headers).toHaveProperty("Idempotent-Replayed");
    }
  });
});

describe.each(creating)("$name", ({ name }) => {
  it("answers the same request the same, byte by byte, and does it once", async () => {
    const call = await callOf(await worldOf(), name);
    const key = unique("key");
    const first = await sendCall(api, name, call, withKey(key));
    expect([first.text, first.status]).toEqual([first.text, 201]);
    expect(first.headers.get("Idempotent-Replayed")).toBeNull();
    const before = await countRows();
    expectReplay(await sendCall(api, name, call, withKey(key)), first);
    // The draft's quoted form is the same key, and the order of fields is no difference.
    expectReplay(await sendCall(api, name, turned(call), withKey(`"${key}"`)), first);
    expect(await countRows()).toEqual(before);
  });

  it("is not repeated by what does not say that it is JSON", async () => {
    const call = await callOf(await worldOf(), name);
    if (typeof call.body === "string") return;
    const headers = withKey(unique("key"));
    expect((await sendCall(api, name, call, headers)).status).toBe(201);
    const typed = { ...headers, "Content-Type": "multipart/form-data; boundary=x" };
    const again = await sendCall(api, name, call, typed);
    expect([again.status, again.headers.get("Idempotent-Replayed")]).toEqual([415, null]);
  });

  it("refuses another request under the same key, and does nothing", async () => {
    const call = await callOf(await worldOf(), name);
    const key = unique("key");
    const first = await sendCall(api, name, call, withKey(key));
    const before = await countRows();
    const other = await sendCall(api, name, otherThan(call), withKey(key));
    expect([other.status, slugOf(other)]).toEqual([422, "idempotency-key-reused"]);
    expect(other.headers.get("Idempotent-Replayed")).toBeNull();
    expect(await countRows()).toEqual(before);
    expectReplay(await sendCall(api, name, call, withKey(key)), first);
  });

  it("is another call under another key, by another path or by another caller", async () => {
    const world = await worldOf();
    const call = await callOf(world, name);
    const key = unique("key");
    const first = await sendCall(api, name, call, withKey(key));
    const anew = await sendCall(api, name, call, withKey(`${key}-2`));
    expect(anew.headers.get("Idempotent-Replayed")).toBeNull();
    expect(anew.text).not.toBe(first.text);
    if (call.bearer === operatorToken) return;
    const rival = await api.newBrand();
    const { body } = await api.send<{ key: string }>(world.brand.secret, "POST /v1/keys", {
      kind: "secret",
      mode: "live",
      name: "Second",
    });
    for (const bearer of [rival.secret, body.key]) {
      const theirs = await sendCall(api, name, { ...call, bearer }, withKey(key));
      expect(theirs.headers.get("Idempotent-Replayed")).toBeNull();
      expect(theirs.text).not.toBe(first.text);
    }
  });

  it(`gives ${AT_ONCE} at once one effect and one answer`, async () => {
    const call = await callOf(await worldOf(), name);
    const before = (await countRows()) as Record<string, number>;
    const key = unique("key");
    const send = async (): Promise<Answer> => {
      for (;;) {
        const answer = await sendCall(api, name, call, withKey(key));
        if (slugOf({ ...answer, body: answer.body ?? {} }) !== "request-in-progress") return answer;
        expect([answer.status, answer.headers.get("Retry-After")]).toEqual([409, "1"]);
        await scheduler.wait(200);
      }
    };
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, send));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    const replayed = answers.filter(({ headers }) => headers.has("Idempotent-Replayed"));
    expect(replayed).toHaveLength(AT_ONCE - 1);
    const after = (await countRows()) as Record<string, number>;
    expect(after["audit_log"]).toBe((before["audit_log"] ?? 0) + 1);
  });

  it("keeps the answer for 30 days, and nothing that tells it", async () => {
    const call = await callOf(await worldOf(), name);
    const key = unique("secret-idempotency-key");
    const first = await sendCall(api, name, call, withKey(key));
    const stored = await storedText();
    const texts = [key, call.bearer, ...Object.values(first.body).map(String)];
    if (typeof call.body === "object")
      texts.push(...Object.values(call.body as object).map(String));
    for (const text of texts.filter((one) => one.length > 4)) expect(stored).not.toContain(text);

    const here = apiWith({});
    const madeAt = Date.now();
    const now = vi.spyOn(Date, "now");
    now.mockReturnValue(madeAt + 30 * DAY_MS - 60_000);
    expectReplay(await sendCall(here, name, call, withKey(key)), first);
    now.mockReturnValue(madeAt + 30 * DAY_MS + 60_000);
    const late = await sendCall(here, name, call, withKey(key));
    expect(late.headers.get("Idempotent-Replayed")).toBeNull();
    expect(late.text).not.toBe(first.text);
  });

  it.each(["before", "after"] as const)(
    "is done once when D1 fails %s it has written, and the request is repeated",
    async (when: Fault["when"]) => {
      const call = await callOf(await worldOf(), name);
      const faults: Fault[] = [{ when, sql: /INSERT INTO "idempotency_records"/i, times: 1 }];
      const key = unique("key");
      const before = (await countRows()) as Record<string, number>;
      const here = apiWith({ DB: faultyD1(env.DB, faults) });
      const first = await sendCall(here, name, call, withKey(key));
      // The runner of batches has a D1 of its own: nothing failed.
      const isUnseen = when === "after" || faults[0]?.times === 1;
      expect([first.text, first.status]).toEqual([first.text, isUnseen ? 201 : 503]);
      const again = await sendCall(api, name, call, withKey(key));
      if (isUnseen) expectReplay(again, first);
      else expect(again.headers.get("Idempotent-Replayed")).toBeNull();
      expect(again.status).toBe(201);
      const after = (await countRows()) as Record<string, number>;
      expect(after["audit_log"]).toBe((before["audit_log"] ?? 0) + 1);
    },
  );

  it("refuses a key that is none", async () => {
    const call = await callOf(await worldOf(), name);
    for (const key of ["a".repeat(256), '""', "a b"]) {
      const answer = await sendCall(api, name, call, withKey(key));
      expect([key, answer.status, slugOf(answer)]).toEqual([key, 400, "invalid-idempotency-key"]);
    }
    expect((await sendCall(api, name, call, withKey("a".repeat(255)))).status).toBe(201);
  });
});

describe("a refusal", () => {
  const campaignOf = (brand: Brand, fields: object, key: string) =>
    api.send(brand.secret, "POST /v1/campaigns", fields, withKey(key));

  it("of the handler is given again, though it would not be refused any more", async () => {
    const brand = await api.newBrand();
    const [key, slug] = [unique("key"), unique("slug")];
    const holder = await api.newCampaign(brand, 0, { slug });
    const refused = await campaignOf(brand, { name: "Spring", slug }, key);
    expect([refused.status, slugOf(refused)]).toEqual([409, "slug-taken"]);
    await api.send(brand.secret, `PATCH /v1/campaigns/${holder}`, { slug: unique("slug") });
    expectReplay(await campaignOf(brand, { name: "Spring", slug }, key), refused);
    const other = await campaignOf(brand, { name: "Summer", slug }, key);
    expect(slugOf(other)).toBe("idempotency-key-reused");
    const missing = await api.send(
      brand.secret,
      "POST /v1/keys/key_none/rotate",
      { overlap_seconds: 0 },
      withKey(key),
    );
    expect([missing.status, slugOf(missing)]).toEqual([404, "not-found"]);
  });

  it("of the credential or a schema is not kept: the key can still be used", async () => {
    const brand = await api.newBrand();
    const { body: narrow } = await api.send<{ key: string }>(brand.secret, "POST /v1/keys", {
      kind: "secret",
      mode: "test",
      name: "Narrow",
    });
    const key = unique("key");
    const live = { name: "Spring", mode: "live" };
    const send = (bearer: string, body: unknown) =>
      api.send(bearer, "POST /v1/campaigns", body, withKey(key));
    expect((await send(narrow.key, live)).status).toBe(403);
    expect((await send(narrow.key, { ...live, mode: "test" })).status).toBe(201);
    expect((await send(brand.secret, { name: "" })).status).toBe(422);
    const window = { starts_at: "2030-01-02T00:00:00Z", ends_at: "2030-01-01T00:00:00Z" };
    expect((await send(brand.secret, { name: "Spring", ...window })).status).toBe(422);
    expect((await send(brand.secret, "{")).status).toBe(400);
    expect((await send(brand.secret, "[".repeat(20_000))).status).toBe(400);
    const deep = `{"metadata":${'{"a":'.repeat(9_000)}1${"}".repeat(9_001)}`;
    expect((await send(brand.secret, deep)).status).toBe(422);
    expect((await send(brand.secret, live)).status).toBe(201);
  });
});

describe("records", () => {
  it("that are too old are deleted, a few with each new one", async () => {
    const brand = await api.newBrand();
    const insert = env.DB.prepare(
      `INSERT INTO idempotency_records SELECT 'old-' || value, '', '', NULL, NULL, value
       FROM json_each(?)`,
    );
    await insert.bind(JSON.stringify(Array.from({ length: 25 }, (_, i) => i))).run();
    const left = async () =>
      (await env.DB.prepare(
        "SELECT count(*) FROM idempotency_records WHERE scope_hash LIKE 'old-%'",
      ).first<number>("count(*)")) ?? 0;
    const seen = [await left()];
    for (let i = 0; i < 3; i++) {
      await api.send(
        brand.secret,
        "POST /v1/campaigns",
        { name: "Spring" },
        withKey(unique("key")),
      );
      seen.push(await left());
    }
    expect(seen).toEqual([25, 15, 5, 0]);
  });
});
