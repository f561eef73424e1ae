import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import worker from "../../src/index.ts";
import { EVENT_TYPES } from "../../src/domain/event.ts";
import { faultyD1 } from "../support/faulty-d1.ts";
import { api } from "../support/worker-api.ts";

describe("health", () => {
  it("is ok when the Worker, D1 and a pool answer", async () => {
    for (const path of ["/healthz", "/readyz"]) {
      const answer = await api.send(null, `GET ${path}`);
      expect([path, answer.status, answer.body]).toEqual([path, 200, { status: "ok" }]);
    }
  });
});

it("leads from /demo to the demo site, and a deployment has none", async () => {
  const at = async (site: string) => {
    const request = new Request<unknown, IncomingRequestCfProperties>("http://codedrop.test/demo");
    const there = { ...env, DEMO_SITE: site } as unknown as Env;
    const { status, headers } = await worker.fetch(request, there, createExecutionContext());
    return [status, headers.get("Location")];
  };
  expect(await at("http://localhost:8788")).toEqual([302, "http://localhost:8788"]);
  expect(await at("")).toEqual([404, null]);
  expect(env.DEMO_SITE).toBe("");
});

describe("with D1 down", () => {
  const call = async (path: string, bearer: string) => {
    const broken = { ...env, DB: faultyD1(env.DB, [{ when: "before", sql: /./, times: 1_000 }]) };
    const context = createExecutionContext();
    const request = new Request<unknown, IncomingRequestCfProperties>(
      `http://codedrop.test${path}`,
      {
        headers: { Authorization: `Bearer ${bearer}` },
      },
    );
    const response = await worker.fetch(request, broken, context);
    await waitOnExecutionContext(context);
    return response;
  };

  it("the Worker is healthy but not ready", async () => {
    expect((await call("/healthz", "")).status).toBe(200);
    expect((await call("/readyz", "")).status).toBe(503);
  });

  it("answers 503 with Retry-After, and lets out neither SQL, parameters nor keys", async () => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { secret } = await api.newBrand();
    const response = await call("/v1/brand", secret);
    const text = await response.text();
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("1");
    expect(JSON.parse(text)).toMatchObject({
      type: "http://codedrop.test/problems/service-unavailable",
    });
    const logged = JSON.stringify(errors.mock.calls);
    errors.mockRestore();
    for (const told of [text, logged]) {
      expect(told).not.toMatch(/select|from|api_keys/i);
      expect(told).not.toContain(secret);
    }
    expect(logged).toContain(response.headers.get("X-Request-Id"));
  });
});

describe("the request id", () => {
  it("is the caller's own when it is harmless, and a new one when not", async () => {
    const ask = async (id: string) =>
      (await api.send(null, "GET /healthz", undefined, { "X-Request-Id": id })).headers.get(
        "X-Request-Id",
      );
    expect(await ask("trace-42")).toBe("trace-42");
    expect(await ask("<script>")).not.toBe("<script>");
    expect(await ask("x".repeat(300))).not.toBe("x".repeat(300));
  });
});

describe("the reference", () => {
  it("says what a webhook is sent, for each type of event", async () => {
    const { body } = await api.send<{
      webhooks: Record<string, { post: { requestBody: { content: Record<string, Media> } } }>;
    }>(null, "GET /openapi.json");
    expect(Object.keys(body.webhooks).toSorted()).toEqual([...EVENT_TYPES].toSorted());
    for (const [type, { post }] of Object.entries(body.webhooks)) {
      const schema = post.requestBody.content["application/json"]?.schema;
      expect(schema?.properties?.["type"]).toMatchObject({ enum: [type] });
    }
  });
});

interface Media {
  schema: { properties?: Record<string, object> };
}
