/** A few hundred requests of `npm run fuzz`, always the same ones. */

import { env, exports } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { ApiDocument } from "../fuzz/document.ts";
import { curlOf, fuzz } from "../fuzz/fuzz.ts";
import type { FuzzAnswer } from "../fuzz/judge.ts";
import type { FuzzRequest } from "../fuzz/request.ts";
import { World } from "../fuzz/world.ts";
import { firstEvent } from "../support/api.ts";
import { api } from "../support/worker-api.ts";

const ADDRESS = "http://codedrop.test";
const REQUESTS = 512;
const SEED = 1;

async function send({ method, path, headers, body }: FuzzRequest): Promise<FuzzAnswer> {
  // Headers are Unicode here, not bytes as on the wire.
  const ascii = headers.filter(([, value]) => /^[\x20-\x7e]*$/.test(value));
  const request = new Request(ADDRESS + path, { method, headers: ascii, body });
  const answer = await exports.default.fetch(request);
  const isFeed = answer.headers.get("Content-Type") === "text/event-stream";
  const text = isFeed
    ? await firstEvent(answer)
    : new TextDecoder().decode(await answer.arrayBuffer());
  return { status: answer.status, headers: answer.headers, text };
}

/** The challenge's service: every token is wrong. Nothing else is called. */
vi.spyOn(globalThis, "fetch").mockImplementation(() =>
  Promise.resolve(Response.json({ success: false, "error-codes": ["invalid-input-response"] })),
);

it("answers requests made up from the OpenAPI document as the document says", async () => {
  const served = await exports.default.fetch(`${ADDRESS}/openapi.json`);
  const tally = await fuzz({
    document: new ApiDocument(await served.json()),
    world: new World(api, env.OPERATOR_TOKEN),
    seed: SEED,
    requests: REQUESTS,
    send,
  });
  const wrong = tally.failures.map(({ request, wrong: what, answer }) => ({
    what,
    request: curlOf(ADDRESS, request),
    answer: answer?.text.slice(0, 500),
  }));
  expect(wrong).toEqual([]);
  // Both kinds of answers are common, or little was tried.
  const counted = [...tally.statuses];
  const share = (kind: number) =>
    counted.reduce((sum, [status, n]) => sum + (Math.floor(status / 100) === kind ? n : 0), 0) /
    REQUESTS;
  expect(share(2)).toBeGreaterThan(0.3);
  expect(share(4)).toBeGreaterThan(0.2);
});
