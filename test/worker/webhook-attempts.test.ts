/** One attempt against receivers that are broken or hostile, over a real socket. */

import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { isTaken, makeAttempt } from "../../src/webhooks/attempt.ts";
import { Receiver } from "../support/receiver.ts";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const body = '{"id":"evt_1","data":{"name":"Zoë"}}';

function attempt(url: string, allowsLoopback = true) {
  const secrets = [{ secret, expiresAt: null }];
  return makeAttempt({ url, secrets, eventId: "evt_1", body, hidden: [] }, { allowsLoopback });
}

describe("an attempt", () => {
  it("sends the event, signed, with its id and the attempt's own time", async () => {
    const receiver = await Receiver.thatAnswers("200");
    const before = Math.floor(Date.now() / 1_000);
    const outcome = await attempt(receiver.url);
    expect(isTaken(outcome.attempt)).toBe(true);
    expect(outcome.attempt).toMatchObject({ status: 200, error: null, answer: "status 200" });
    const [sent, ...more] = await receiver.received();
    expect(more).toEqual([]);
    expect(sent?.body).toBe(body);
    expect(sent?.headers).toMatchObject({
      "content-type": "application/json",
      "user-agent": "Codedrop-Webhooks",
      "webhook-id": "evt_1",
    });
    const time = Number(sent?.headers["webhook-timestamp"]);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now() / 1_000);
    expect(new Webhook(secret).verify(body, sent?.headers ?? {})).toEqual(JSON.parse(body));
  });

  it.each([
    ["204", 204, true],
    ["299", 299, true],
    ["300", 300, false],
    ["400", 400, false],
    ["410", 410, false],
    ["500", 500, false],
  ])("is judged by its status alone: %s", async (reply, status, taken) => {
    const receiver = await Receiver.thatAnswers(reply);
    const outcome = await attempt(receiver.url);
    expect(outcome.attempt.status).toBe(status);
    expect(isTaken(outcome.attempt)).toBe(taken);
  });

  it.each(["301", "302", "303", "307", "308"])(
    "fails by a %s, and follows none",
    async (status) => {
      const other = await Receiver.thatAnswers("200");
      const receiver = await Receiver.thatAnswers(`${status}~${other.url}`);
      const { attempt: made } = await attempt(receiver.url);
      expect(made).toMatchObject({ status: Number(status), error: "redirect" });
      expect(isTaken(made)).toBe(false);
      expect(await other.received()).toEqual([]);
    },
  );

  it.each([
    ["endless", 200],
    ["huge", 500],
  ])("reads little of an %s answer, whose status counts", async (reply, status) => {
    const receiver = await Receiver.thatAnswers(reply);
    const { attempt: made } = await attempt(receiver.url);
    expect(made).toMatchObject({ status, error: null });
    expect(made.answer).toMatch(/^(x{256}|y{256})$/);
    expect(made.durationMs).toBeLessThan(5_000);
    // The rest was cancelled: the receiver is not left writing.
    await expect.poll(async () => (await receiver.state()).open).toBe(0);
  });

  it("is made when the answer breaks off after a 200", async () => {
    const receiver = await Receiver.thatAnswers("cut");
    expect((await attempt(receiver.url)).attempt).toMatchObject({ status: 200, error: null });
  });

  it("fails when the connection is lost, or buried in headers", async () => {
    for (const reply of ["drop", "bomb~5"]) {
      const receiver = await Receiver.thatAnswers(reply);
      const { attempt: made } = await attempt(receiver.url);
      expect([reply, made]).toMatchObject([reply, { status: null, error: "connection" }]);
    }
    const { attempt: closed } = await attempt("http://127.0.0.1:1/");
    expect(closed).toMatchObject({ status: null, error: "connection", answer: null });
  });

  it("ends after 15 seconds, whether nothing comes or the answer never ends", async () => {
    const silent = await Receiver.thatAnswers("silent");
    const dribbling = await Receiver.thatAnswers("dribble");
    const [none, some] = await Promise.all([attempt(silent.url), attempt(dribbling.url)]);
    expect(none.attempt).toMatchObject({ status: null, error: "timeout", answer: null });
    expect(some.attempt).toMatchObject({ status: 200, error: null });
    for (const { attempt: made } of [none, some]) {
      expect(made.durationMs).toBeGreaterThan(14_900);
      expect(made.durationMs).toBeLessThan(20_000);
    }
    for (const receiver of [silent, dribbling]) {
      await expect.poll(async () => (await receiver.state()).open).toBe(0);
    }
  });

  it("keeps no control characters of the answer", async () => {
    const receiver = await Receiver.thatAnswers("control");
    expect((await attempt(receiver.url)).attempt.answer).toBe('a  b [31m"é');
  });

  it("keeps nothing of the answer that was to be hidden, however it is written", async () => {
    const receiver = await Receiver.thatAnswers("echo~500");
    const said = 'ann@example.com, Zoë "Z" (1.5)';
    const call = { url: receiver.url, secrets: [{ secret, expiresAt: null }], eventId: "evt_1" };
    for (const written of [said, said.toUpperCase(), encodeURIComponent(said)]) {
      const told = { ...call, body: JSON.stringify({ said: written, of: "1x5" }), hidden: [said] };
      const { attempt: made } = await makeAttempt(told, { allowsLoopback: true });
      expect(made.answer).toBe('{"said":"…","of":"1x5"}');
    }
    const long = { ...call, body: `${"-".repeat(250)}${said}`, hidden: ["", said] };
    const { attempt: cut } = await makeAttempt(long, { allowsLoopback: true });
    expect(cut.answer).toBe(`${"-".repeat(250)}…`);
  });

  it("heeds Retry-After of a 429 and a 503, and of nothing else", async () => {
    const asked: (number | null)[] = [];
    for (const reply of ["429~60", "503~7", "500~60", "200~60", "429", "429~soon"]) {
      const receiver = await Receiver.thatAnswers(reply);
      asked.push((await attempt(receiver.url)).retryAfterMs);
    }
    expect(asked).toEqual([60_000, 7_000, null, null, null, null]);
  });

  it("is not made to a target that is refused", async () => {
    const receiver = await Receiver.thatAnswers("200");
    for (const url of [receiver.url, "http://example.com/", "https://10.0.0.1/", "ftp://x", ""]) {
      const { attempt: made } = await attempt(url, false);
      expect([url, made]).toMatchObject([url, { status: null, error: "refused-target" }]);
      expect(isTaken(made)).toBe(false);
    }
    expect((await attempt("http://example.com/")).attempt.error).toBe("refused-target");
    expect(await receiver.received()).toEqual([]);
  });
});
