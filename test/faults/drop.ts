/** One run: a drop over a real runtime that is disturbed as planned, and what came of it. */

import { cpSync, rmSync } from "node:fs";
import type { Brand } from "../support/api.ts";
import { Random } from "../support/random.ts";
import { Runtime } from "../support/runtime.ts";
import {
  now,
  type Deed,
  type History,
  type Operation,
  type Outcome,
  type Reveal,
} from "./history.ts";
import type { Disturbance, Plan } from "./plan.ts";
import { NO_FAULTS, type FaultRates } from "./settings.ts";
import { Shopper, unanswered } from "./shopper.ts";

/** Longer than a pool waits for D1, so that a client rarely gives up before the Worker does. */
const CLIENT_TIMEOUT_MS = 15_000;
const D1_IS_DOWN: Partial<FaultRates> = { d1Before: 1 };
/** A runner whose alarm was lost with its process goes on within seconds. */
const BATCHES_TIMEOUT_MS = 60_000;
/** How often something that the brand does is repeated until it is answered with success. */
const DEED_TRIES = 4;
/** What is reserved is mostly revealed at once, or some time later, or never. */
const REVEALED_AT_ONCE = 0.5;
const REVEALED_LATER = 0.25;
/** Between claims, a code that was reserved before is asked for so often. */
const REVEAL_CHANCE = 0.2;
/** In a claim's id the nth claim of a user follows what stands for the campaign and the user. */
const NTH_AT = "clm_".length + 20 + 26;

/** What happened, told as it goes on. */
export interface Told {
  kills: number;
  injected: Record<string, number>;
}

export class Drop {
  readonly plan: Plan;
  readonly history: History;
  readonly shopper: Shopper;
  readonly told: Told = { kills: 0, injected: {} };
  readonly #bundle: string;
  readonly #stateDir: string;
  readonly #random: Random;
  #runtime: Runtime | null = null;
  #brand: Brand | null = null;
  #campaigns: string[] = [];
  #rates: FaultRates;
  #disturbances: Disturbance[];
  #sent = 0;
  #lives = 0;
  /** Resolves when the runtime is back; null while it runs. */
  #restart: Promise<void> | null = null;
  #deeds: Promise<void>[] = [];
  /** Claims without a code that are to be revealed some time. */
  #reserved: Pick<Reveal, "campaign" | "user" | "claim" | "nth">[] = [];

  constructor(options: { plan: Plan; bundle: string; template: string; stateDir: string }) {
    const { plan, bundle, template, stateDir } = options;
    this.plan = plan;
    this.#bundle = bundle;
    this.#stateDir = stateDir;
    this.#rates = plan.rates;
    this.#random = new Random(plan.seed);
    this.#disturbances = [...plan.disturbances];
    const claimsPerUser = plan.campaigns.map((campaign) => campaign.claimsPerUser);
    const terms = plan.campaigns.map((campaign) => campaign.terms);
    const { evicted, checkoutLost } = plan.rates;
    this.history = {
      claimsPerUser,
      terms,
      operations: [],
      reveals: [],
      checkout: [],
      deeds: [],
      isRetried: evicted + checkoutLost > 0,
      events: [],
    };
    this.shopper = new Shopper({
      random: new Random(plan.seed * 7 + 1),
      campaigns: plan.campaigns,
      operations: this.history.checkout,
      send: (route, body, headers) => this.#send(route, body, headers),
    });
    rmSync(stateDir, { recursive: true, force: true });
    cpSync(template, stateDir, { recursive: true });
  }

  get campaigns(): string[] {
    return this.#campaigns;
  }

  /** Every key that was sent. */
  get keys(): Set<string> {
    const sent = this.history.operations.map(({ idempotencyKey }) => idempotencyKey);
    return new Set(sent.filter((key) => key !== null));
  }

  /** Everything before the drop goes well. */
  async prepare(): Promise<void> {
    await this.start(NO_FAULTS);
    const { api } = this.#served();
    const brand = await api.newBrand();
    this.#brand = brand;
    for (const [at, { shards, claimsPerUser, codes, terms }] of this.plan.campaigns.entries()) {
      const { revealWithinMs, isHolderOnly, redeemsUnclaimed } = terms;
      const reveal =
        revealWithinMs === null
          ? {}
          : { reveal: "on_demand", reveal_within_seconds: revealWithinMs / 1_000 };
      const id = await api.newCampaign(brand, codes, {
        shards,
        claims_per_user: claimsPerUser,
        holder_only: isHolderOnly,
        redeem_unclaimed: redeemsUnclaimed,
        ...reveal,
      });
      this.#campaigns.push(id);
      const made = await api.listAll<{ code: string }>(brand.secret, `/v1/campaigns/${id}/codes`);
      this.shopper.stock(
        at,
        made.map(({ code }) => code),
      );
    }
    await this.#setFaults(this.#rates);
  }

  /** The drop with all that goes wrong in it. Ends with a kill. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.plan.inFlight }, () => this.#client()));
    await Promise.all(this.#deeds);
    await this.#restart;
    await this.#count();
    await this.kill();
  }

  async #client(): Promise<void> {
    while (this.#sent < this.plan.claims) {
      this.#sent += 1;
      while (this.#disturbances[0] !== undefined && this.#disturbances[0].afterClaims <= this.#sent)
        this.#disturb(this.#disturbances.shift() as Disturbance);
      const campaign = this.#random.int(0, this.plan.campaigns.length - 1);
      const { users, claimsPerUser, terms } = this.plan.campaigns[
        campaign
      ] as Plan["campaigns"][number];
      const at = this.#random.int(1, users);
      const user = `u-${at}`;
      const isKeyed = this.#random.chance(claimsPerUser > 1 ? 0.8 : 0.3);
      // Now and then the key of somebody else.
      const owner = this.#random.chance(0.1) ? (at % users) + 1 : at;
      const key = isKeyed ? `key-${owner}-${this.#random.int(1, claimsPerUser + 1)}` : null;
      await this.#restart;
      // A key's first answer is known of claims that show a code.
      const outcome = await this.claim(campaign, user, terms.revealWithinMs === null ? key : null);
      await this.#after(campaign, user, outcome);
    }
  }

  /** What else is done after a claim: codes are revealed, and brought to the checkout. */
  async #after(campaign: number, user: string, outcome: Outcome): Promise<void> {
    const random = this.shopper.random;
    if (outcome.kind === "reserved") {
      const { claim, nth } = outcome;
      const dice = random.next();
      if (dice < REVEALED_AT_ONCE) await this.reveal({ campaign, user, claim, nth });
      else if (dice < REVEALED_AT_ONCE + REVEALED_LATER) {
        this.#reserved.push({ campaign, user, claim, nth });
      }
    }
    if (this.#reserved.length > 0 && random.chance(REVEAL_CHANCE)) {
      const [one] = this.#reserved.splice(random.int(0, this.#reserved.length - 1), 1);
      await this.#restart;
      if (one !== undefined) await this.reveal(one);
    }
    if (random.chance(this.plan.checkoutShare)) {
      await this.#restart;
      await this.shopper.act(campaign);
    }
  }

  /** Claims once, and records what the caller saw. */
  async claim(campaign: number, user: string, key: string | null = null): Promise<Outcome> {
    const invoked = now();
    const outcome = await this.#ask(campaign, user, key);
    const operation: Operation = {
      campaign,
      user,
      idempotencyKey: key,
      invoked,
      returned: now(),
      outcome,
    };
    this.history.operations.push(operation);
    if (outcome.kind === "ok") this.shopper.given(campaign, outcome.code, user);
    return outcome;
  }

  /** Asks once to be shown what was reserved, and records what the caller saw. */
  async reveal(of: Pick<Reveal, "campaign" | "user" | "claim" | "nth">): Promise<Outcome> {
    const invoked = now();
    const outcome = await this.#outcomeOf(`POST /v1/claims/${of.claim}/reveal`);
    this.history.reveals.push({ ...of, invoked, returned: now(), outcome });
    if (outcome.kind === "ok") this.shopper.given(of.campaign, outcome.code, of.user);
    return outcome;
  }

  async #ask(campaign: number, user: string, key: string | null): Promise<Outcome> {
    const headers: Record<string, string> = key === null ? {} : { "Idempotency-Key": key };
    const route = `POST /v1/campaigns/${this.#campaigns[campaign]}/claims`;
    return this.#outcomeOf(route, { user: { id: user } }, headers);
  }

  /** What the caller of a route that answers with a claim sees. */
  async #outcomeOf(
    route: string,
    asked?: object,
    headers: Record<string, string> = {},
  ): Promise<Outcome> {
    try {
      const { status, text, body } = await this.#send(route, asked, headers);
      if (status === 200 || status === 201) return shownIn(status, text, body);
      const slug = String(body["type"]).split("/").at(-1);
      if (slug === "codes-exhausted") return { kind: "exhausted" };
      if (slug === "campaign-not-open") return { kind: "closed" };
      if (slug === "idempotency-key-reused") return { kind: "reused" };
      if (slug === "claim-lapsed") return { kind: "lapsed" };
      return { kind: "info", why: `status ${status}` };
    } catch (error) {
      return unanswered(error);
    }
  }

  async #send(route: string, asked: object | undefined, headers: Record<string, string>) {
    const [method, path] = route.split(" ") as [string, string];
    const response = await fetch(this.#served().address + path, {
      method,
      headers: {
        Authorization: `Bearer ${this.#brand?.secret}`,
        ...(asked === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(asked === undefined ? {} : { body: JSON.stringify(asked) }),
      signal: AbortSignal.timeout(CLIENT_TIMEOUT_MS),
    });
    const text = await response.text();
    const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    return { status: response.status, text, body };
  }

  #disturb(disturbance: Disturbance): void {
    switch (disturbance.kind) {
      case "kill":
        this.#restart ??= this.#killAndRestart();
        return;
      case "d1-down":
      case "d1-up":
        this.#rates = {
          ...this.plan.rates,
          ...(disturbance.kind === "d1-down" ? D1_IS_DOWN : {}),
        };
        this.#deeds.push(this.#setFaults(this.#rates));
        return;
      case "top-up":
        this.#deeds.push(this.#addCodes(disturbance.campaign, disturbance.codes));
        return;
      case "pause":
      case "resume":
        this.#deeds.push(this.setPaused(disturbance.campaign, disturbance.kind));
    }
  }

  async #killAndRestart(): Promise<void> {
    await this.#count();
    await this.kill();
    this.told.kills += 1;
    await this.start(this.#rates);
    this.#restart = null;
  }

  async #deed(deed: Pick<Deed, "campaign" | "kind" | "codes">, body?: object): Promise<boolean> {
    const path = deed.kind === "top-up" ? "batches" : deed.kind;
    const invoked = now();
    const route = `POST /v1/campaigns/${this.#campaigns[deed.campaign]}/${path}`;
    let isKnown = false;
    try {
      await this.#restart;
      const { status } = await this.#served().api.send(this.#brand?.secret ?? "", route, body);
      // Codes of a batch that still runs come later: nobody knows when.
      isKnown = deed.kind === "top-up" ? status === 201 : status < 300;
    } catch {
      // Killed on the way: it may have happened.
    }
    this.history.deeds.push({ ...deed, invoked, returned: now(), isKnown });
    return isKnown;
  }

  async #addCodes(campaign: number, codes: number): Promise<void> {
    await this.#deed({ campaign, kind: "top-up", codes }, { count: codes });
  }

  /** Tries until it is answered, or gives up: each try is a deed of its own. */
  async setPaused(campaign: number, kind: "pause" | "resume"): Promise<void> {
    for (let attempt = 0; attempt < DEED_TRIES; attempt++) {
      if (await this.#deed({ campaign, kind, codes: 0 })) return;
    }
  }

  async #setFaults(rates: FaultRates): Promise<void> {
    // Another seed in each life, so that a restart does not meet the same faults again.
    await this.#faults({ seed: this.plan.seed * 31 + this.#lives, rates });
  }

  async #count(): Promise<void> {
    await this.#faults(null);
  }

  async #faults(settings: object | null): Promise<void> {
    const init = settings === null ? {} : { method: "PUT", body: JSON.stringify(settings) };
    try {
      const answer = await fetch(`${this.#served().address}/faults`, init);
      const counts = (await answer.json()) as Record<string, number>;
      for (const [kind, count] of Object.entries(counts)) {
        this.told.injected[kind] = (this.told.injected[kind] ?? 0) + count;
      }
    } catch {
      // Killed meanwhile; the next life gets its own settings.
    }
  }

  #served(): Runtime {
    if (this.#runtime === null) throw new Error("Nothing is served");
    return this.#runtime;
  }

  async start(rates: FaultRates): Promise<void> {
    this.#runtime = await Runtime.start({ bundle: this.#bundle, stateDir: this.#stateDir });
    this.#lives += 1;
    await this.#setFaults(rates);
  }

  async kill(): Promise<void> {
    await this.#runtime?.kill();
  }

  /** Waits until every batch that was begun is made, whoever was killed at it. */
  async batchesDone(campaign: number): Promise<void> {
    const { api } = this.#served();
    const path = `/v1/campaigns/${this.#campaigns[campaign]}/batches`;
    const deadline = performance.now() + BATCHES_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const batches = await api.listAll<{ status: string }>(this.#brand?.secret ?? "", path);
      if (!batches.some(({ status }) => status === "running")) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("A batch that was begun was never made");
  }

  /** Reads what the brand is told of. */
  async readEvents(campaign: number): Promise<void> {
    type Row = { sequence: number; type: string; data: Record<string, string | undefined> };
    const path = `/v1/events?campaign_id=${this.#campaigns[campaign]}`;
    const rows = await this.#served().api.listAll<Row>(this.#brand?.secret ?? "", path);
    this.history.events[campaign] = rows.map(({ sequence, type, data }) => {
      const { code = null, redemption_id: redemption = null } = data;
      return { sequence, type, code, redemption };
    });
  }

  /** What the service says of itself. */
  async integrity(campaign: number) {
    const { api } = this.#served();
    if (this.#brand === null) throw new Error("Not prepared");
    return api.integrity(this.#brand, this.#campaigns[campaign] ?? "");
  }
}

/** A claim as its answer shows it: with its code, or reserved. */
function shownIn(status: 200 | 201, text: string, body: Record<string, unknown>): Outcome {
  const { code, id, reveal_by: revealBy } = body as Record<string, string | null | undefined>;
  if (typeof code === "string") return { kind: "ok", status, code, body: text };
  if (typeof id !== "string" || typeof revealBy !== "string") {
    return { kind: "info", why: `status ${status} without a code` };
  }
  const nth = Number(id.slice(NTH_AT));
  return { kind: "reserved", status, claim: id, nth, revealBy: Date.parse(revealBy) };
}
