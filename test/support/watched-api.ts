/** The API in the test's own isolate, over bindings that the test may replace or watch. */

import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createApp } from "../../src/http/app.ts";
import { Api } from "./api.ts";
import { interceptedD1 } from "./intercepted-d1.ts";
import { logs } from "./logs.ts";

const app = createApp();

/** The API over other bindings; what outlives an answer is waited for. */
export function apiWith(bindings: Partial<Env>): Api {
  return new Api({
    operatorToken: env.OPERATOR_TOKEN,
    onAnswer: (text) => logs.learn(text),
    fetch: async (path, init) => {
      const ctx = createExecutionContext();
      const request = new Request(`http://codedrop.test${path}`, init);
      const response = await app.fetch(request, { ...env, ...bindings }, ctx);
      await waitOnExecutionContext(ctx);
      return response;
    },
  });
}

/** An API that counts what it asks of D1, KV and objects. */
export function countingApi(): { api: Api; calls: { d1: number; objects: number } } {
  const calls = { d1: 0, objects: 0 };
  const DB = interceptedD1(env.DB, (_sql, call) => {
    calls.d1 += 1;
    return call();
  });
  const CODE_POOL = new Proxy(env.CODE_POOL, {
    get(pools, property) {
      if (property === "getByName") calls.objects += 1;
      const value: unknown = Reflect.get(pools, property);
      return typeof value === "function" ? (value.bind(pools) as unknown) : value;
    },
  });
  return { api: apiWith({ DB, CODE_POOL }), calls };
}

/** An API that notes the largest value, in UTF-8, of all that it sends to D1. */
export function measuringApi(): { api: Api; largest: { bytes: number } } {
  const largest = { bytes: 0 };
  const encoder = new TextEncoder();
  const DB = interceptedD1(env.DB, (_sql, call, values) => {
    for (const value of values.flat()) {
      largest.bytes = Math.max(largest.bytes, encoder.encode(String(value)).length);
    }
    return call();
  });
  return { api: apiWith({ DB }), largest };
}
