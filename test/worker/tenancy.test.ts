/** What one brand holds is nothing to another: ids, cursors, keys of requests. */

import { exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Brand } from "../support/api.ts";
import { newEndpoint, NOBODY_LISTENS, Sender } from "../support/webhooks.ts";
import { api } from "../support/worker-api.ts";

interface Operation {
  parameters?: { in: string; name: string }[];
  security?: Record<string, string[]>[];
}

const { paths } = (await (
  await exports.default.fetch("http://codedrop.test/openapi.json")
).json()) as {
  paths: Record<string, Record<string, Operation>>;
};

/** Lists of what a brand has. */
const lists = Object.entries(paths)
  .filter(([, { get }]) => get?.parameters?.some(({ name }) => name === "cursor"))
  .filter(([, { get }]) => get?.security?.some((entry) => "secretKey" in entry))
  .map(([path]) => path);

interface World {
  brand: Brand;
  /** By the name of the path's parameter. */
  ids: Record<string, string>;
}

let ours: World;
let theirs: World;

/** A brand that has at least two of everything. */
async function newWorld(): Promise<World> {
  const brand = await api.newBrand();
  const campaign = await api.newCampaign(brand, 2, { name: "One" });
  await api.addCodes(brand, campaign, 2);
  const claim = await api.claim(brand, campaign, "u-1");
  await api.claim(brand, campaign, "u-2");
  let file = "";
  for (const rows of ["code\nA-1\nA-1\nA-1\n", "code\nA-2\n"]) {
    const uploaded = await api.send<{ id: string }>(
      brand.secret,
      `POST /v1/campaigns/${campaign}/imports`,
      rows,
      { "Content-Type": "text/csv" },
    );
    if (file === "") file = uploaded.body.id;
  }
  for (const events of [["*"], ["claim.created"]]) {
    const endpoint = { url: "https://hooks.shop.example/", events };
    await api.send(brand.secret, "POST /v1/webhook-endpoints", endpoint);
  }
  const sender = new Sender(await newEndpoint(brand, NOBODY_LISTENS));
  for (let i = 0; i < 2; i++) await sender.ping();
  return { brand, ids: { campaign, claim: claim.body.id, import: file, user_id: "u-1" } };
}

const pathIn = (world: World, template: string) =>
  template.replace(/\{(\w+)\}/g, (_, name: string) => world.ids[name] ?? name);

beforeAll(async () => {
  ours = await newWorld();
  theirs = await newWorld();
});

describe("a cursor", () => {
  it("is tried on every list", () => {
    expect(lists.length).toBeGreaterThan(7);
  });

  it.each(lists.filter((path) => path !== "/v1/events"))(
    "of %s is good for its own list only",
    async (template) => {
      const page = (world: World, query: string) =>
        api.send<{ next_cursor: string | null; type: string }>(
          world.brand.secret,
          `GET ${pathIn(world, template)}?limit=1${query}`,
        );
      const first = await page(ours, "");
      expect([first.status, first.body.next_cursor]).toEqual([200, expect.any(String)]);
      const cursor = `&cursor=${encodeURIComponent(first.body.next_cursor ?? "")}`;
      expect((await page(ours, cursor)).status).toBe(200);
      const stolen = await page(theirs, cursor);
      expect([stolen.status, stolen.body.type]).toEqual([
        400,
        "http://codedrop.test/problems/invalid-cursor",
      ]);
      expect(stolen.text).not.toContain(ours.ids["campaign"]);
    },
  );
});
