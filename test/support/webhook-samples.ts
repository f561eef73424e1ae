/** Samples of receivers, as functions of a framework: handed a genuine call, and another. */

import { equal } from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import type { Desk } from "./desk.ts";
import type { Handler } from "./samples.ts";

const EVENT = {
  id: "evt_1",
  type: "claim.created",
  timestamp: "2026-11-24T12:00:00.000Z",
  campaign_id: "cmp_1",
  sequence: 1,
  data: {
    claim_id: "clm_1",
    code: "6R7T-NGXY-WMDR",
    user_id: "u-1",
    contact: null,
    consent: null,
    claimed_at: "2026-11-24T12:00:00.000Z",
    expires_at: null,
  },
};

/**
 * Of a block with an exported POST(request). `before` are lines that go ahead of it; what it prints
 * is as said.
 */
export function takesGenuineCalls(desk: Desk, printed: string, before = ""): Handler {
  return {
    languages: ["js", "ts"],
    run: async ({ text, language }) => {
      if (language === "ts") await desk.compiles(text);
      const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
      desk.environment["CODEDROP_WEBHOOK_SECRET"] = secret;
      // With the names of this run, which the program gets as well.
      const body = desk.local(JSON.stringify(EVENT));
      const now = new Date();
      const headers = {
        "webhook-id": EVENT.id,
        "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)),
        "webhook-signature": new Webhook(secret).sign(EVENT.id, now, body),
      };
      const after = `
        const post = (body) => POST(new Request("https://shop.example/", {
          method: "POST", headers: ${JSON.stringify(headers)}, body,
        })).then(({ status }) => status, () => "refused");
        console.log(await post(${JSON.stringify(body)}));
        console.log(await post(${JSON.stringify(`${body} `)}));`;
      const program = `${before}\n${text}\n${after}`;
      equal(await desk.program(program, language as "ts" | "js"), desk.local(printed));
    },
  };
}
