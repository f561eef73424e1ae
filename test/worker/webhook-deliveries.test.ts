/** The routes of deliveries. */

import { beforeAll, describe, expect, it } from "vitest";
import { formatDeliveryId } from "../../src/domain/delivery.ts";
import type { Brand } from "../support/api.ts";
import { newSecretKey } from "../support/brand-key.ts";
import { Receiver } from "../support/receiver.ts";
import { logEvents, newEndpoint, NOBODY_LISTENS, Sender } from "../support/webhooks.ts";
import { api } from "../support/worker-api.ts";

interface DeliveryBody {
  id: string;
  endpoint_id: string;
  event_id: string | null;
  event_type: string;
  status: string;
  attempts: { status: number | null; error: string | null }[];
  next_attempt_at: string | null;
  created_at: string;
}

let brand: Brand;
let campaign: string;
let receiver: Receiver;
/** Two that take all, and one of test mode. */
let senders: [Sender, Sender, Sender];

beforeAll(async () => {
  brand = await api.newBrand();
  campaign = await api.newCampaign(brand, 0);
  const testing = await api.newCampaign(brand, 0, { mode: "test" });
  receiver = await Receiver.thatAnswers("200");
  senders = [
    new Sender(await newEndpoint(brand, receiver.url)),
    new Sender(await newEndpoint(brand, receiver.url)),
    new Sender(await newEndpoint(brand, receiver.url, { mode: "test" })),
  ];
  await logEvents(campaign, 7);
  await logEvents(testing, 2);
  // At once, so that their deliveries have the same numbers.
  await Promise.all(senders.map((sender) => sender.wake()));
  const counts = [7, 7, 2];
  await Promise.all(senders.map((sender, i) => sender.settled(counts[i] ?? 0)));
});

const listed = (query = "", limit = 100, bearer = brand.secret) =>
  api.listAll<DeliveryBody>(bearer, `/v1/deliveries${query}`, limit);

describe("GET /v1/deliveries", () => {
  it("shows each event on its way to each endpoint, newest first, with its attempts", async () => {
    const all = await listed();
    expect(all.length).toBe(16);
    const times = all.map(({ created_at: at }) => at);
    expect(times).toEqual(times.toSorted().toReversed());
    const [newest] = await listed(`?endpoint_id=${senders[0].endpointId}`);
    expect(newest).toEqual({
      id: expect.stringMatching(/^dlv_[0-9a-z]{31}$/),
      endpoint_id: senders[0].endpointId,
      event_id: expect.stringMatching(/^evt_/),
      event_type: "user.erased",
      campaign_id: campaign,
      sequence: 7,
      status: "delivered",
      attempts: [
        {
          at: expect.stringMatching(/Z$/),
          status: 200,
          error: null,
          duration_ms: expect.any(Number),
          answer: "status 200",
        },
      ],
      next_attempt_at: null,
      created_at: expect.stringMatching(/Z$/),
    });
  });

  it("is paged over all endpoints without skip or repeat, also where numbers are the same", async () => {
    const all = await listed();
    for (const limit of [1, 2, 3, 5]) expect(await listed("", limit)).toEqual(all);
    const ids = all.map(({ id }) => id);
    expect(new Set(ids).size).toBe(16);
  });

  it("gives one endpoint's, or one status", async () => {
    const one = await listed(`?endpoint_id=${senders[1].endpointId}`, 2);
    expect(one.length).toBe(7);
    expect(new Set(one.map((delivery) => delivery.endpoint_id)).size).toBe(1);
    expect((await listed("?status=delivered", 3)).length).toBe(16);
    expect(await listed("?status=failed")).toEqual([]);
    expect(await listed("?status=pending")).toEqual([]);
    const unknown = await api.send(brand.secret, "GET /v1/deliveries?status=lost");
    expect(unknown.status).toBe(422);
    const nobodys = "GET /v1/deliveries?endpoint_id=whe_00000000000000000000";
    expect((await api.send(brand.secret, nobodys)).status).toBe(404);
  });

  it("finds what is pending and what failed among what was delivered", async () => {
    const other = await api.newBrand();
    const its = await api.newCampaign(other, 0);
    const theirs = await Receiver.thatAnswers("200", "500", "200");
    const sender = new Sender(await newEndpoint(other, theirs.url));
    for (let i = 0; i < 3; i++) {
      await logEvents(its, 1);
      await sender.wake();
      await expect
        .poll(async () => (await sender.deliveries()).map(({ attempts }) => attempts.length))
        .toEqual(Array(i + 1).fill(1));
    }
    await theirs.answers("500");
    await sender.ping();
    const statuses = async (query: string) =>
      (await listed(query, 100, other.secret)).map(({ status, event_type: type }) => [
        status,
        type,
      ]);
    expect(await statuses("?status=pending")).toEqual([["pending", "user.erased"]]);
    expect(await statuses("?status=failed")).toEqual([["failed", "webhook.test"]]);
    expect((await statuses("?status=delivered")).length).toBe(2);
    const [pending] = await listed("?status=pending", 100, other.secret);
    expect(Date.parse(pending?.next_attempt_at ?? "")).toBeGreaterThan(Date.now());
  });

  it("shows a test key those of test endpoints only, and no other brand's to anybody", async () => {
    const key = await newSecretKey(brand.id, "test");
    const seen = await listed("", 100, key);
    expect(seen.map(({ endpoint_id: id }) => id)).toEqual(Array(2).fill(senders[2].endpointId));
    const [live] = await listed(`?endpoint_id=${senders[0].endpointId}`);
    const rival = await api.newBrand();
    expect(await listed("", 100, rival.secret)).toEqual([]);
    for (const bearer of [key, rival.secret]) {
      for (const route of [
        `GET /v1/deliveries?endpoint_id=${senders[0].endpointId}`,
        `GET /v1/deliveries/${live?.id}`,
        `POST /v1/deliveries/${live?.id}/retry`,
        `POST /v1/webhook-endpoints/${senders[0].endpointId}/test`,
      ]) {
        expect([route, (await api.send(bearer, route)).status]).toEqual([route, 404]);
      }
    }
    expect((await senders[0].deliveries()).length).toBe(7);
  });
});

describe("a delivery", () => {
  it("is read by its id, and sent again", async () => {
    const [first] = await listed(`?endpoint_id=${senders[1].endpointId}`);
    const path = `/v1/deliveries/${first?.id}`;
    const read = await api.send<DeliveryBody>(brand.secret, `GET ${path}`);
    expect([read.status, read.body]).toEqual([200, first]);
    const before = (await receiver.received()).length;
    const retried = await api.send<DeliveryBody>(brand.secret, `POST ${path}/retry`);
    expect([retried.status, retried.headers.get("Location")]).toEqual([202, path]);
    expect(retried.body).toMatchObject({ id: first?.id, status: "pending" });
    await expect.poll(async () => (await receiver.received()).length).toBe(before + 1);
    const sent = (await receiver.received()).at(-1);
    expect(sent?.headers["webhook-id"]).toBe(first?.event_id);
    await senders[1].settled(7);
    const again = await api.send<DeliveryBody>(brand.secret, `GET ${path}`);
    expect(again.body).toMatchObject({ status: "delivered", attempts: [{}, {}] });
  });

  it("that is not there is not found", async () => {
    const { endpointId } = senders[0];
    for (const id of ["x", formatDeliveryId({ endpointId, number: 1 })]) {
      expect((await api.send(brand.secret, `GET /v1/deliveries/${id}`)).status).toBe(404);
      expect((await api.send(brand.secret, `POST /v1/deliveries/${id}/retry`)).status).toBe(404);
    }
  });
});

describe("POST /v1/webhook-endpoints/{endpoint}/test", () => {
  it("answers with what the receiver said, and keeps it", async () => {
    const other = await api.newBrand();
    const good = await newEndpoint(other, (await Receiver.thatAnswers("204")).url);
    const dead = await newEndpoint(other, NOBODY_LISTENS);
    const test = (id: string) =>
      api.send<DeliveryBody>(other.secret, `POST /v1/webhook-endpoints/${id}/test`);
    const taken = await test(good.id);
    const common = { event_type: "webhook.test", campaign_id: null, sequence: null };
    expect([taken.status, taken.body]).toMatchObject([
      200,
      { ...common, endpoint_id: good.id, status: "delivered", attempts: [{ status: 204 }] },
    ]);
    const refused = await test(dead.id);
    expect([refused.status, refused.body]).toMatchObject([
      200,
      { ...common, status: "failed", attempts: [{ status: null, error: "connection" }] },
    ]);
    expect(await listed("", 100, other.secret)).toEqual([refused.body, taken.body]);
  });
});
