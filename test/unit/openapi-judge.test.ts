/** What `npm run openapi` takes for a violation. */

import { describe, expect, it } from "vitest";
import type { Judged } from "../openapi/gate.ts";
import { judge, Ledger } from "../openapi/judge.ts";

const calm: Judged = {
  method: "GET",
  path: "/v1/keys/key_01k3q9m7x2v8d4t6w5ab?x=1",
  status: 200,
  violations: null,
  own: null,
  isForwarded: true,
};
const of = (place: string, message = "must be a number") =>
  JSON.stringify([{ location: [place, "body"], severity: "Error", message }]);

describe("an exchange that Prism saw", () => {
  it("fits when Prism says nothing, whatever its status", () => {
    for (const status of [200, 404, 500]) expect(judge({ ...calm, status }).kind).toBe("fits");
  });

  it("is wrong when the answer is, whatever its status", () => {
    for (const status of [200, 404, 503]) {
      const verdict = judge({ ...calm, status, violations: of("response") });
      expect(verdict).toEqual({ kind: "wrong", why: ["response.body: must be a number"] });
    }
  });

  it("is wrong when the request is and the service took it", () => {
    expect(judge({ ...calm, status: 201, violations: of("request") }).kind).toBe("wrong");
    expect(judge({ ...calm, status: 422, violations: of("request") })).toEqual({
      kind: "refused",
      why: [],
    });
  });

  it("is wrong when the document does not have the call, unless the service refused it", () => {
    const violations = of("request", "Selected route not found");
    expect(judge({ ...calm, violations }).kind).toBe("wrong");
    expect(judge({ ...calm, status: 405, violations }).kind).toBe("undescribed");
  });

  it("is wrong when Prism answered for itself, unless it and the service refused the request", () => {
    const own = '{"type":"https://stoplight.io/prism/errors#UNKNOWN"}';
    expect(judge({ ...calm, status: 404, own }).kind).toBe("wrong");
    const unseen = { ...calm, own, isForwarded: false };
    expect(judge(unseen).kind).toBe("wrong");
    expect(judge({ ...unseen, status: 400 }).kind).toBe("refused");
  });

  it("is judged by violations that were cut off, too", () => {
    const cut = (place: string) => `Too many violations! ${of(place).slice(0, -9)}`;
    expect(judge({ ...calm, status: 422, violations: cut("request") }).kind).toBe("refused");
    expect(judge({ ...calm, status: 422, violations: cut("response") }).kind).toBe("wrong");
  });
});

describe("the ledger", () => {
  it("counts, and names each violation once, with its call", () => {
    const ledger = new Ledger();
    for (const one of [calm, { ...calm, violations: of("response") }]) ledger.enter(one);
    ledger.enter({
      ...calm,
      path: "/v1/keys/key_01k3q9m7x2v8d4t6w5ac",
      violations: of("response"),
    });
    expect(ledger.counts).toEqual({ fits: 1, refused: 0, undescribed: 0, wrong: 2 });
    expect([...ledger.wrong]).toEqual([
      ["GET /v1/keys/{id} → 200: response.body: must be a number", 2],
    ]);
  });
});
