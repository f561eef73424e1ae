/** A brand that is told of its events, as a client of the public API sees it. */

import type { Api, Brand, ClaimBody } from "../support/api.ts";
import { require, type Inbox } from "./ground.ts";
import type { Heard, Settings } from "./receiver.ts";

/** An event as the log tells it. */
export interface Told {
  id: string;
  type: string;
  campaign_id: string | null;
  sequence: number;
  data: { claim_id?: string };
}

export interface Endpoint {
  id: string;
  inbox: Inbox;
  secret: string;
}

/**
 * How far a call's own time may be from its arrival, on a busy machine. A call that follows a
 * time-out comes 15 s after the one before.
 */
const SKEW_MAX_SECONDS = 10;

/** Users are numbered through a run, so that each is new. */
let users = 0;

export class Shop {
  readonly brand: Brand;
  /** Of the runtime that serves at the moment. */
  api: Api;
  /** Claims that were answered with 201. */
  readonly claims: ClaimBody[] = [];

  private constructor(api: Api, brand: Brand) {
    this.api = api;
    this.brand = brand;
  }

  static async open(api: Api): Promise<Shop> {
    return new Shop(api, await api.newBrand());
  }

  async send<Body>(route: string, body?: unknown): Promise<Body> {
    const answer = await this.api.send<Body>(this.brand.secret, route, body);
    require(answer.status < 300, `${route} is done: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  async addEndpoint(inbox: Inbox, events: string[], settings: Settings = {}): Promise<Endpoint> {
    const asked = { url: inbox.url, events };
    const made = await this.send<{ id: string; secret: string }>(
      "POST /v1/webhook-endpoints",
      asked,
    );
    await inbox.set({ secrets: [made.secret], ...settings });
    return { ...made, inbox };
  }

  /** A claim of a new user; null when it was answered otherwise than with 201. */
  async claim(campaign: string): Promise<ClaimBody | null> {
    users += 1;
    const { status, body } = await this.api.claim(this.brand, campaign, `u-${users}`);
    if (status !== 201) return null;
    this.claims.push(body);
    return body;
  }

  /** So many claims, some at a time. */
  async claimMany(campaign: string, count: number, inFlight = 16): Promise<void> {
    let left = count;
    const claimer = async () => {
      while (left-- > 0) require((await this.claim(campaign)) !== null, "each claim gets a 201");
    };
    await Promise.all(Array.from({ length: inFlight }, claimer));
  }

  log(): Promise<Told[]> {
    return this.api.listAll<Told>(this.brand.secret, "/v1/events");
  }
}

/** Every call verified, with an id and a body that stayed, and a time that did not. */
export function requireSound(heard: Heard[]): void {
  const calls = heard.flatMap((each) => each.calls);
  const unverified = calls.filter(({ verifiedBy }) => verifiedBy.length === 0).length;
  require(unverified === 0, `all signatures verify, not all but ${unverified}`);
  require(heard.every(({ isSameBody }) => isSameBody), "a webhook-id stands for one body");
  const isOfId = ({ id, body }: Heard) => (JSON.parse(body) as Told).id === id;
  require(heard.every(isOfId), "the webhook-id is the event's id");
  const off = ({ at, timestamp }: (typeof calls)[number]) => Math.abs(at / 1_000 - timestamp);
  const skew = Math.max(0, ...calls.map(off));
  require(skew < SKEW_MAX_SECONDS, `each attempt has a new time, none ${skew.toFixed(0)} s off`);
}

/** What was received is what the log tells: all of it, in its very words, and nothing else. */
export function requireSame(heard: Heard[], log: Told[]): void {
  const bodies = new Map(heard.map(({ id, body }) => [id, body]));
  const missing = log.filter(({ id }) => !bodies.has(id)).length;
  require(missing === 0, `every event arrives, not all but ${missing} of ${log.length}`);
  require(heard.length === log.length, `only events of the log arrive, not ${heard.length}`);
  require(heard.every(({ taken }) => taken > 0), "every event is taken once at least");
  const other = log.find((told) => bodies.get(told.id) !== JSON.stringify(told));
  require(other === undefined, `the log says the same: ${other && bodies.get(other.id)}`);
}

/** The log has each claim once, and numbers the campaign's events without a gap. */
export function requireComplete(log: Told[], campaign: string, claims: ClaimBody[]): void {
  const ofCampaign = log.filter((told) => told.campaign_id === campaign);
  const gap = ofCampaign.findIndex(({ sequence }, i) => sequence !== i + 1);
  require(gap < 0, `sequences run from 1 to ${ofCampaign.length} without a gap, not at ${gap + 1}`);
  const told = new Map<string, number>();
  for (const { type, data } of log) {
    if (type === "claim.created" && data.claim_id !== undefined)
      told.set(data.claim_id, (told.get(data.claim_id) ?? 0) + 1);
  }
  require([...told.values()].every((times) => times === 1), "no claim is told twice");
  const untold = claims.filter(({ id }) => !told.has(id)).length;
  require(untold === 0, `every claim is in the log, not all but ${untold}`);
}

/** Calls beyond the first, over all events. */
export function repeats(heard: Heard[]): number {
  return heard.reduce((sum, { calls }) => sum + calls.length - 1, 0);
}
