/** Webhooks that the client takes, held against others' library and the service's own signer. */

import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import {
  CodedropWebhookError,
  verifyWebhook,
  type ReceivedWebhook,
  type WebhookHeaders,
} from "../../src/client/client.ts";
import { formatWebhookSecret } from "../../src/domain/webhook-secret.ts";
import { signatureHeader } from "../../src/webhooks/signature.ts";
import { Random } from "../support/random.ts";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const event = { id: "evt_1", type: "user.erased", data: { claim_ids: ["Zoë 🎁"] } };
const body = JSON.stringify(event);
const nowMs = Date.now();
const nowSeconds = Math.floor(nowMs / 1_000);

type Signed = Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>;

/** The headers that the service sends with a body. */
async function signed(
  text = body,
  { by = [secret], at = nowSeconds, id = "evt_1" } = {},
): Promise<Signed> {
  const secrets = by.map((one) => ({ secret: one, expiresAt: null }));
  return {
    "webhook-id": id,
    "webhook-timestamp": String(at),
    "webhook-signature": await signatureHeader(secrets, { id, timestamp: at, body: text }, 0),
  };
}

/** The event, or why there is none. */
async function verdict(received: Partial<ReceivedWebhook>): Promise<unknown> {
  const headers = received.headers ?? (await signed());
  try {
    return await verifyWebhook({ body, headers, secret, nowMs, ...received });
  } catch (error) {
    if (!(error instanceof CodedropWebhookError)) throw error;
    expect(error.message).not.toContain("whsec_");
    return error.reason;
  }
}

describe("a webhook", () => {
  it("of the published vector is signed, though it is none of ours", async () => {
    const vector = '{"test": 2432232314}';
    const headers = {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const received = { body: vector, headers, nowMs: 1_614_265_330_000 };
    expect(await verdict(received)).toBe("no-event");
    expect(await verdict({ ...received, body: `${vector} ` })).toBe("signature-wrong");
  });

  it("that the service signed is its event, as text and as bytes", async () => {
    expect(await verdict({})).toEqual(event);
    expect(await verdict({ body: new TextEncoder().encode(body) })).toEqual(event);
    expect(await verdict({ body: Buffer.from(body) })).toEqual(event);
    expect(await verdict({ secret: secret.replace("whsec_", "") })).toEqual(event);
  });

  it("brings its headers in whatever form the receiver has them", async () => {
    const headers = await signed();
    const upper = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
    );
    const lists = Object.entries(headers).map(([name, value]) => [name, [value]] as const);
    const all = new Headers(headers);
    const forms: WebhookHeaders[] = [
      headers,
      upper,
      all,
      { get: (name) => all.get(name) },
      Object.fromEntries(lists),
      Object.entries(upper),
      new Map(Object.entries(headers)),
    ];
    for (const form of forms) expect(await verdict({ headers: form })).toEqual(event);
  });

  it("without a header, or with one twice, is refused", async () => {
    const headers = await signed();
    for (const name of Object.keys(headers)) {
      for (const value of [undefined, "", []]) {
        const reason = await verdict({ headers: { ...headers, [name]: value } });
        expect([name, value, reason]).toEqual([name, value, "header-missing"]);
      }
      const twice = [...Object.entries(headers), [name, "1"] as const];
      expect(await verdict({ headers: twice })).toMatch(/header-malformed|signature-wrong/);
    }
    expect(await verdict({ headers: new Headers() })).toBe("header-missing");
    expect(await verdict({ headers: {} })).toBe("header-missing");
  });

  it("is taken for 5 minutes before and after the present, and no second more", async () => {
    const at = async (seconds: number) =>
      verdict({ headers: await signed(body, { at: nowSeconds + seconds }) });
    expect([await at(-300), await at(300)]).toEqual([event, event]);
    expect([await at(-301), await at(301)]).toEqual(["too-old", "too-new"]);
    const { "webhook-timestamp": _, ...rest } = await signed();
    for (const timestamp of ["now", "-1", "1.5", "1e9", "0x10", " 1", "9".repeat(16), "NaN"]) {
      const headers = { ...rest, "webhook-timestamp": timestamp };
      expect([timestamp, await verdict({ headers })]).toEqual([timestamp, "header-malformed"]);
    }
  });

  it("is taken while a secret is rotated, by the new one, the old one, or either", async () => {
    const headers = await signed(body, { by: [other, secret] });
    for (const known of [secret, other, [secret, other]]) {
      expect(await verdict({ headers, secret: known })).toEqual(event);
    }
    const byOther = await signed(body, { by: [other] });
    expect(await verdict({ headers: byOther })).toBe("signature-wrong");
    expect(await verdict({ headers: byOther, secret: [secret, other] })).toEqual(event);
    const third = formatWebhookSecret(new Uint8Array(32));
    expect(await verdict({ headers, secret: third })).toBe("signature-wrong");
  });

  it("of which one character was changed is refused, wherever it is", async () => {
    const headers = await signed();
    const changed = (text: string, at: number) =>
      `${text.slice(0, at)}${text[at] === "1" ? "2" : "1"}${text.slice(at + 1)}`;
    for (let at = 0; at < body.length; at += 3) {
      expect(await verdict({ body: changed(body, at) })).toBe("signature-wrong");
    }
    const signature = headers["webhook-signature"];
    for (let at = 0; at < signature.length; at++) {
      const wrong = { ...headers, "webhook-signature": changed(signature, at) };
      expect(await verdict({ headers: wrong })).toBe("signature-wrong");
    }
    expect(await verdict({ headers: { ...headers, "webhook-id": "evt_2" } })).toBe(
      "signature-wrong",
    );
    const later = { ...headers, "webhook-timestamp": String(nowSeconds + 1) };
    expect(await verdict({ headers: later })).toBe("signature-wrong");
  });

  it("with signatures of other schemes, and many of them, is judged by ours", async () => {
    const headers = await signed();
    const { "webhook-signature": own } = headers;
    const among = (...signatures: string[]) =>
      verdict({ headers: { ...headers, "webhook-signature": signatures.join(" ") } });
    expect(await among("v1a,AAAA", ...Array(500).fill("v1,AAAA"), own)).toEqual(event);
    const v2 = own.replace("v1,", "v2,");
    expect(await among(v2)).toBe("signature-wrong");
    expect(await among("v1", "v1,", ",", "v1,=")).toBe("signature-wrong");
    expect(await among(own.slice(0, -1))).toBe("signature-wrong");
  });

  it("that is signed and holds no event is refused", async () => {
    for (const text of ["", "null", "[]", '"x"', "{", '{"id":1,"type":"x"}', '{"id":"evt_1"}']) {
      const headers = await signed(text);
      expect([text, await verdict({ headers, body: text })]).toEqual([text, "no-event"]);
    }
  });
});

describe("what only the receiver can get wrong", () => {
  it("is no refusal but a bug, and no message has the secret", async () => {
    const half = "whsec_MfKQ9r8GKYqrTwjU";
    const none: string[] = [];
    for (const wrong of ["", "whsec_", half, `${secret}\n`, "cdk_live_abc", none, [secret, ""]]) {
      const error = await verdict({ secret: wrong }).catch((caught: unknown) => caught);
      expect([wrong, error]).toEqual([wrong, expect.any(TypeError)]);
      expect(String(error)).not.toMatch(/MfKQ|cdk_/);
    }
    const parsed = event as unknown as string;
    await expect(verdict({ body: parsed })).rejects.toThrow("before it is parsed");
  });
});

describe("the library `standardwebhooks`", () => {
  it("says the same of calls with any part made up or mixed up", async () => {
    const random = new Random(7);
    const bodies = [body, '{"id":"evt_2","type":"batch.completed"}', `${body} `];
    let taken = 0;
    for (let i = 0; i < 400; i++) {
      const by = random.pick([[secret], [other], [secret, other]]);
      const id = random.pick(["evt_1", "evt_2"]);
      const at = nowSeconds + random.pick([0, 0, -200, 200, -400, 400]);
      const headers = await signed(random.pick(bodies), { by, id, at });
      const [known, text] = [random.pick([secret, other]), random.pick(bodies)];
      if (random.pick([true, false, false])) headers["webhook-signature"] += " v1,AAAA";
      const theirs = (() => {
        try {
          return new Webhook(known).verify(text, headers);
        } catch (error) {
          return String(error);
        }
      })();
      const ours = await verdict({ headers, body: text, secret: known, nowMs: Date.now() });
      if (typeof ours === "object") taken += 1;
      const said: Record<string, RegExp> = {
        "too-old": /too old/,
        "too-new": /too new/,
        "signature-wrong": /No matching signature/,
      };
      if (typeof ours === "string") expect(theirs).toMatch(said[ours] ?? /never/);
      else expect(theirs).toEqual(ours);
    }
    expect(taken).toBeGreaterThan(40);
  });

  it("makes signatures that are taken", async () => {
    const signature = new Webhook(secret).sign("evt_1", new Date(nowMs), body);
    const headers = { ...(await signed()), "webhook-signature": signature };
    expect(await verdict({ headers })).toEqual(event);
  });
});
