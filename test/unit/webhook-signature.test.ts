/** Held against the published vector, and against the library that receivers use. */

import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { signatureHeader } from "../../src/webhooks/signature.ts";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const vector = {
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestamp: 1_614_265_330,
  body: '{"test": 2432232314}',
};
const lasting = (text: string) => ({ secret: text, expiresAt: null });

describe("a webhook's signature", () => {
  it("is the one of the published vector", async () => {
    expect(await signatureHeader([lasting(secret)], vector, 0)).toBe(
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );
  });

  it("verifies with each secret while one is rotated, and with no other", async () => {
    const now = Date.now();
    const signed = {
      id: "evt_01k3q9m7x2v8d4t6w5ab",
      timestamp: Math.floor(now / 1_000),
      body: '{"name":"Zoë 🎁"}',
    };
    const header = await signatureHeader([lasting(secret), lasting(other)], signed, now);
    const headers = (signature: string) => ({
      "webhook-id": signed.id,
      "webhook-timestamp": String(signed.timestamp),
      "webhook-signature": signature,
    });
    expect(header.split(" ").length).toBe(2);
    for (const known of [secret, other]) {
      expect(new Webhook(known).verify(signed.body, headers(header))).toEqual(
        JSON.parse(signed.body),
      );
    }
    const [newest = ""] = header.split(" ");
    expect(() => new Webhook(secret).verify(signed.body, headers(newest))).not.toThrow();
    expect(() => new Webhook(other).verify(signed.body, headers(newest))).toThrow("No matching");
    expect(() => new Webhook(secret).verify(`${signed.body} `, headers(header))).toThrow(
      "No matching",
    );
  });

  it("is made by a rotated secret until it expires, not from then on", async () => {
    const secrets = [lasting(secret), { secret: other, expiresAt: 1_000 }];
    const count = async (now: number) =>
      (await signatureHeader(secrets, vector, now)).split(" ").length;
    expect([await count(999), await count(1_000)]).toEqual([2, 1]);
  });
});
