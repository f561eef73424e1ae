/**
 * What is really there while requests are made up: brands, their keys, and the ids, codes and
 * cursors of everything that was made on purpose or seen in an answer.
 */

import { SignJWT } from "jose/jwt/sign";
import type { Random } from "../support/random.ts";
import { Issuer } from "../support/issuer.ts";
import { unique, type Api, type Brand, type ClaimBody } from "../support/api.ts";
import type { Json } from "./document.ts";

/** What the prefix of an id says of it, by the name that its path parameter has. */
const KINDS: Record<string, string> = {
  brd: "brand",
  key: "key",
  cmp: "campaign",
  bat: "batch",
  imp: "import",
  clm: "claim",
  rdm: "redemption",
  hld: "hold",
  whe: "endpoint",
  evt: "event",
  dlv: "delivery",
  aud: "entry",
  era: "erasure",
};
/** Real values of other path parameters and fields. */
const KNOWN: Record<string, string[]> = {
  slug: ["not-found", "codes-exhausted", "validation-failed"],
  currency: ["EUR", "USD", "JPY"],
};
const ID = /^([a-z]{3})_[0-9a-z]{8,}$/;
/** Values of a kind that are kept: the newest. */
const KEPT = 150;
const CODES = 100;
/** More than are made within a request, so that there is something to cancel. */
const CODES_RUNNING = 50_000;
const CLAIMS = 25;
/** Of a renewal, so that there are codes to redeem. */
const CLAIMS_RENEWED = 3;
const ANSWER_NODES_MAX = 2_000;
/** Of the page that may use the publishable key. */
export const ORIGIN = "https://partner.example";

export class World {
  readonly #api: Api;
  readonly operatorToken: string;
  readonly #pools = new Map<string, string[]>();
  /** What was made on purpose: the newest campaign, which is open and has codes, and the rest. */
  #made: Record<string, string[]> = {};
  brand: Brand = { id: "", slug: "", secret: "", publishable: "" };
  rival: Brand = this.brand;
  suspended: Brand = this.brand;
  /** Further keys of the brand: a page's, one that may do little, one that sees test campaigns. */
  keys = { page: "", narrow: "", test: "" };
  /** Of a user that the brand's issuer vouches for. */
  userToken = "";
  readonly #issuer = new Issuer();
  /** Keys that are in use here, which no request should revoke. */
  #usedKeys: string[] = [];
  /** Ids of the rival's, by kind: nobody else may see them. */
  rivalIds: Record<string, string> = {};

  constructor(api: Api, operatorToken: string) {
    this.#api = api;
    this.operatorToken = operatorToken;
  }

  /** Everything from nothing. */
  async begin(): Promise<void> {
    [this.brand, this.rival, this.suspended] = [
      await this.#api.newBrand(),
      await this.#api.newBrand(),
      await this.#api.newBrand(),
    ];
    await this.#api.operator(`PATCH /v1/brands/${this.suspended.id}`, { status: "suspended" });
    const theirs = await this.#furnish(this.rival);
    this.rivalIds = Object.fromEntries(
      Object.entries(theirs).map(([kind, [id = ""]]) => [kind, id]),
    );
    this.#made = await this.#furnish(this.brand);
    await this.#equip();
  }

  /**
   * An open campaign with codes: requests end and empty those before. Everything anew where they
   * have taken away the brand's key.
   */
  async renew(): Promise<void> {
    const { brand } = this;
    if ((await this.#api.send(brand.secret, "GET /v1/brand")).status !== 200) {
      this.#pools.clear();
      this.brand = await this.#api.newBrand();
      this.#made = await this.#furnish(this.brand);
      await this.#equip();
    }
    await this.#vouch();
    const campaign = await this.#campaign(this.brand);
    const claims = await this.#claims(this.brand, campaign, CLAIMS_RENEWED);
    Object.assign(this.#made, { campaign: [campaign], code: claims.map(({ code }) => code) });
  }

  async #claims(brand: Brand, campaign: string, count: number): Promise<ClaimBody[]> {
    const claims: ClaimBody[] = [];
    for (let user = 0; user < count; user += 1) {
      const { body } = await this.#api.claim(brand, campaign, unique("u"));
      claims.push(body);
      if (brand === this.brand) this.#learn({ ...body });
    }
    return claims;
  }

  /** The brand's further credentials. */
  async #equip(): Promise<void> {
    const { secret } = this.brand;
    const make = async (fields: object): Promise<string> => {
      const { text, body } = await this.#api.send(secret, "POST /v1/keys", {
        mode: "live",
        ...fields,
      });
      if (typeof body["key"] !== "string") throw new Error(`No key: ${text}`);
      return body["key"];
    };
    this.keys = {
      page: await make({ kind: "publishable", name: "page", allowed_origins: [ORIGIN] }),
      narrow: await make({ kind: "secret", name: "narrow", scopes: ["campaigns:read"] }),
      test: await make({ kind: "secret", name: "test", mode: "test" }),
    };
    this.#usedKeys = (await this.#api.listAll<{ id: string }>(secret, "/v1/keys")).map(
      ({ id }) => id,
    );
    await this.#vouch();
  }

  /** Names the brand's issuer anew, which requests may have changed, and a user. */
  async #vouch(): Promise<void> {
    const { issuer, audience } = this.#issuer;
    const identity = { issuer, audience, algorithm: "HS256" };
    const { body, text } = await this.#api.send<{ identity?: { secret?: string } }>(
      this.brand.secret,
      "PATCH /v1/brand",
      { identity },
    );
    if (body.identity?.secret === undefined) throw new Error(`No identity: ${text}`);
    this.userToken = await new SignJWT(this.#issuer.claims({ sub: unique("u") }))
      .setProtectedHeader({ alg: identity.algorithm })
      .sign(new TextEncoder().encode(body.identity.secret));
  }

  /** The brand's campaigns whose ledger does not agree with their inventory. */
  async unsound(): Promise<string[]> {
    const { secret } = this.brand;
    const found: string[] = [];
    for (const { id } of await this.#api.listAll<{ id: string }>(secret, "/v1/campaigns")) {
      const { body, text } = await this.#api.send(secret, `GET /v1/campaigns/${id}/integrity`);
      if (body["ok"] !== true) found.push(`Campaign ${id} is not sound: ${text}`);
    }
    return found;
  }

  async #campaign(brand: Brand): Promise<string> {
    const discount = { type: "percentage", value: 10 };
    return this.#api.newCampaign(brand, CODES, { discount });
  }

  async #furnish(brand: Brand): Promise<Record<string, string[]>> {
    const { secret } = brand;
    const campaign = await this.#campaign(brand);
    const under = `/v1/campaigns/${campaign}`;
    const send = async (route: string, body?: unknown, headers?: Record<string, string>) =>
      String((await this.#api.send(secret, route, body, headers)).body["id"]);
    const batch = await send(`POST ${under}/batches`, { count: CODES });
    const running = await send(`POST ${under}/batches`, { count: CODES_RUNNING });
    await send(`POST /v1/batches/${running}/cancel`);
    const claims = await this.#claims(brand, campaign, CLAIMS);
    const order = { code: claims[0]?.code, order_id: unique("o") };
    const redemption = await send("POST /v1/redemptions", order);
    const keep = { code: claims[1]?.code, order_id: unique("o"), ttl_seconds: 3_600 };
    const hold = await send("POST /v1/holds", keep);
    const own = unique("OWN");
    const csv = { "Content-Type": "text/csv" };
    const uploaded = await send(`POST ${under}/imports`, `code\n${own}\n${own}\n`, csv);
    const hook = { url: "https://hooks.shop.example/", events: ["*"] };
    const endpoint = await send("POST /v1/webhook-endpoints", hook);
    return {
      brand: [(await this.#api.newBrand()).id],
      campaign: [campaign],
      batch: [batch, running],
      claim: claims.map(({ id }) => id),
      redemption: [redemption],
      hold: [hold],
      import: [uploaded],
      endpoint: [endpoint],
    };
  }

  #of(kind: string): string[] {
    return this.#pools.get(kind) ?? [];
  }

  #keep(kind: string, value: string): void {
    const held = this.#of(kind);
    if (held.includes(value)) return;
    if (held.length >= KEPT) held.shift();
    held.push(value);
    this.#pools.set(kind, held);
  }

  /** Something real for a path parameter or a field of that name. */
  real(name: string, random: Random): string | null {
    const kind = name.replace(/_id$/, "").replace(/^codes$/, "code");
    const made = this.#made[kind] ?? [];
    if (made.length > 0 && random.chance(0.5)) return random.pick(made);
    const from = [...(KNOWN[kind] ?? []), ...made, ...this.#of(kind)];
    if (from.length === 0) return null;
    // Mostly what came last: it is the likeliest to be there still.
    return random.chance(0.7) ? random.pick(from.slice(-30)) : random.pick(from);
  }

  cursor(path: string, random: Random): string | null {
    const own = this.#of(`cursor ${path}`);
    const any = this.#of("cursor");
    if (own.length > 0 && random.chance(0.7)) return random.pick(own);
    return any.length > 0 ? random.pick(any) : null;
  }

  /** Takes over what an answer to this brand, or to the operator, shows. */
  harvest(path: string, answer: unknown): void {
    if (typeof answer !== "object" || answer === null) return;
    const cursor = (answer as Record<string, unknown>)["next_cursor"];
    if (typeof cursor === "string") {
      this.#keep(`cursor ${path}`, cursor);
      this.#keep("cursor", cursor);
    }
    this.#learn(answer as Json);
  }

  #learn(answer: Json): void {
    let nodes = 0;
    const visit = (name: string, value: Json): void => {
      nodes += 1;
      if (nodes > ANSWER_NODES_MAX) return;
      if (typeof value === "string") {
        const kind = KINDS[ID.exec(value)?.[1] ?? ""];
        if (kind !== undefined) this.#keepId(kind, value);
        else if (name.endsWith("_id") || name === "code" || name === "version") {
          this.#keep(name.replace(/_id$/, ""), value);
        }
      } else if (Array.isArray(value)) for (const item of value) visit(name, item);
      else if (typeof value === "object" && value !== null) {
        for (const [key, held] of Object.entries(value)) visit(key, held);
      }
    };
    visit("", answer);
  }

  /** All but the brands and keys in use here: nobody should suspend or revoke those. */
  #keepId(kind: string, id: string): void {
    const brands = [this.brand, this.rival, this.suspended].map((brand) => brand.id);
    if (![...brands, ...this.#usedKeys].includes(id)) this.#keep(kind, id);
  }
}
