import { describe, expect, it } from "vitest";
import { formatWebhookSecret, WEBHOOK_SECRET_BYTES } from "../../src/domain/webhook-secret.ts";

describe("a webhook secret", () => {
  it("is whsec_ and the base 64 of its bytes, as receivers decode it", () => {
    const random = Uint8Array.from({ length: WEBHOOK_SECRET_BYTES }, (_, i) => 255 - i);
    const secret = formatWebhookSecret(random);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect([...Buffer.from(secret.slice(6), "base64")]).toEqual([...random]);
  });

  it("has as many bytes as Standard Webhooks asks for", () => {
    expect(WEBHOOK_SECRET_BYTES).toBeGreaterThanOrEqual(24);
    expect(WEBHOOK_SECRET_BYTES).toBeLessThanOrEqual(64);
  });
});
