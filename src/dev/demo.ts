/** The demo brand that `npm start` makes on its first run. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface Demo {
  slug: string;
  campaign: string;
  codes: number;
  keys: { secret: string; publishable: string };
}

/**
 * The shown-once keys are kept beside the local data, so that every start can print a ready curl.
 */
const DEMO_FILE = "codedrop-demo.json";
const CAMPAIGN = "welcome";
const CODES = 1_000;

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

/** Whether the demo campaign is there and has codes: a start that was cut short is made good. */
async function ensureCampaign(address: string, secret: string): Promise<void> {
  const campaigns = await call(address, secret, "GET /v1/campaigns?limit=100");
  if (!(campaigns["data"] as { slug: string }[]).some(({ slug }) => slug === CAMPAIGN)) {
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

/** Makes the demo brand if there is no brand at all; null when there are brands but not this. */
export async function seedDemo(options: {
  address: string;
  token: string;
  stateDir: string;
}): Promise<Demo | null> {
  const { address, token } = options;
  const file = path.join(options.stateDir, DEMO_FILE);
  if (!existsSync(file)) {
    const brands = await call(address, token, "GET /v1/brands?limit=1");
    if ((brands["data"] as unknown[]).length > 0) return null;
    const brand = await call(address, token, "POST /v1/brands", { name: "Acme", slug: "acme" });
    const keys = brand["keys"] as Demo["keys"];
    const made: Demo = { slug: "acme", campaign: CAMPAIGN, codes: CODES, keys };
    writeFileSync(file, JSON.stringify(made, null, 2), { mode: 0o600 });
  }
  const demo = JSON.parse(readFileSync(file, "utf8")) as Demo;
  await ensureCampaign(address, demo.keys.secret);
  return demo;
}
