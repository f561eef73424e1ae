/** The demo brand that `npm start` makes on its first run, and what makes its site a partner. */

import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Partnership } from "./partner/site.ts";

export interface Demo {
  slug: string;
  campaign: string;
  codes: number;
  keys: { secret: string; publishable: string };
  /** Missing in older files: it signs the tokens of the demo site's users. */
  identity_secret?: string;
  /** Where the demo site was last: it moves when its port is taken. */
  site_origin?: string;
}

/**
 * The shown-once keys are kept beside the local data, so that every start can print a ready curl.
 */
const DEMO_FILE = "codedrop-demo.json";
const CAMPAIGN = "welcome";
const CODES = 1_000;
const IDENTITY = { issuer: "https://nordkai.example/", audience: "codedrop" };

/** Calls the API; `route` is the method and the path. */
async function call(address: string, bearer: string, route: string, body?: unknown) {
  const [method = "GET", target = "/"] = route.split(" ");
  const response = await fetch(new URL(target, address), {
    method,
    headers: { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (response.ok) return answer;
  const hint =
    response.status === 401
      ? " Does .dev.vars hold the OPERATOR_TOKEN that the Worker was started with?"
      : "";
  throw new Error(`${route} answered ${response.status}: ${JSON.stringify(answer)}${hint}`);
}

/** In a list of any length; `list` is its path. */
async function find<Row>(
  at: { address: string; secret: string; list: string },
  isIt: (row: Row) => boolean,
): Promise<Row | undefined> {
  for (let cursor: string | null = ""; cursor !== null;) {
    const next: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await call(at.address, at.secret, `GET ${at.list}?limit=100${next}`);
    const found = (page["data"] as Row[]).find(isIt);
    if (found !== undefined) return found;
    cursor = page["next_cursor"] as string | null;
  }
  return undefined;
}

/** Whether the demo campaign is there and has codes: a start that was cut short is made good. */
async function ensureCampaign(address: string, secret: string): Promise<void> {
  const at = { address, secret, list: "/v1/campaigns" };
  if ((await find<{ slug: string }>(at, ({ slug }) => slug === CAMPAIGN)) === undefined) {
    await call(address, secret, "POST /v1/campaigns", {
      name: "Welcome",
      slug: CAMPAIGN,
      discount: { type: "percentage", value: 15 },
      shop_url: "https://shop.example/",
    });
  }
  const { totals } = await call(address, secret, `GET /v1/campaigns/${CAMPAIGN}/stats`);
  if ((totals as { codes: number }).codes === 0) {
    await call(address, secret, `POST /v1/campaigns/${CAMPAIGN}/batches`, { count: CODES });
  }
}

function keep(stateDir: string, demo: Demo): void {
  const file = path.join(stateDir, DEMO_FILE);
  writeFileSync(file, JSON.stringify(demo, null, 2), { mode: 0o600 });
  // One that was there keeps its own mode.
  chmodSync(file, 0o600);
}

/** Makes the demo brand if there is no brand at all; null when there are brands but not this. */
export async function seedDemo(options: {
  address: string;
  token: string;
  stateDir: string;
}): Promise<Demo | null> {
  const { address, token, stateDir } = options;
  const file = path.join(stateDir, DEMO_FILE);
  if (!existsSync(file)) {
    const brands = await call(address, token, "GET /v1/brands?limit=1");
    if ((brands["data"] as unknown[]).length > 0) return null;
    const brand = await call(address, token, "POST /v1/brands", { name: "Acme", slug: "acme" });
    const keys = brand["keys"] as Demo["keys"];
    keep(stateDir, { slug: "acme", campaign: CAMPAIGN, codes: CODES, keys });
  }
  const demo = JSON.parse(readFileSync(file, "utf8")) as Demo;
  await ensureCampaign(address, demo.keys.secret);
  return demo;
}

/**
 * Makes the site at `origin` a partner of the demo brand: its tokens count, and its page may use
 * the publishable key. Null where the brand was given another identity, which stays, or lost its
 * publishable key.
 */
export async function makePartner(
  demo: Demo,
  at: { address: string; stateDir: string; origin: string },
): Promise<Partnership | null> {
  const { address, stateDir, origin } = at;
  const { secret, publishable } = demo.keys;
  const { identity } = await call(address, secret, "GET /v1/brand");
  const found = identity as { issuer: string; algorithm?: string } | null;
  if (found !== null && (found.issuer !== IDENTITY.issuer || found.algorithm !== "HS256")) {
    return null;
  }
  let identitySecret = found === null ? undefined : demo.identity_secret;
  if (identitySecret === undefined) {
    const set = { identity: { ...IDENTITY, algorithm: "HS256" } };
    const profile = await call(address, secret, "PATCH /v1/brand", set);
    identitySecret = (profile["identity"] as { secret: string }).secret;
    keep(stateDir, { ...demo, identity_secret: identitySecret });
  }
  const listed = await find<{ id: string; kind: string; hint: string; allowed_origins: string[] }>(
    { address, secret, list: "/v1/keys" },
    ({ kind, hint }) => kind === "publishable" && publishable.endsWith(hint),
  );
  if (listed === undefined) return null;
  const { allowed_origins: origins } = listed;
  if (!origins.includes(origin)) {
    const others = origins.filter((one) => one !== demo.site_origin);
    const set = { allowed_origins: [...others, origin] };
    await call(address, secret, `PATCH /v1/keys/${listed.id}`, set);
  }
  keep(stateDir, { ...demo, identity_secret: identitySecret, site_origin: origin });
  return {
    codedrop: address,
    campaign: demo.campaign,
    publishableKey: publishable,
    ...IDENTITY,
    identitySecret,
  };
}
