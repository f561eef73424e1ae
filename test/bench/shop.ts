/** One brand on one server, and the requests that its users make. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Brand } from "../support/api.ts";
import type { Runtime } from "../support/runtime.ts";
import { Load, postBytes, type Shot } from "./load.ts";
import { BATCH_CODES } from "./scale.ts";

const RIVAL_SCHEMA = join(import.meta.dirname, "rival/migrations/0001_create_rival_codes.sql");

let users = 0;

/** A user who was never here before. */
function newUser(): string {
  users += 1;
  return JSON.stringify({ user: { id: `u-${users}` } });
}

export class Shop {
  readonly runtime: Runtime;
  readonly brand: Brand;
  readonly load: Load;

  private constructor(runtime: Runtime, brand: Brand, load: Load) {
    this.runtime = runtime;
    this.brand = brand;
    this.load = load;
  }

  static async open(runtime: Runtime, inFlight: number): Promise<Shop> {
    return new Shop(runtime, await runtime.api.newBrand(), new Load(runtime.address, inFlight));
  }

  /** A campaign with `codes` codes, made in as few batches as may be. */
  async newCampaign(
    codes: number,
    { shards = 1, onBatch = (_made: number): void => undefined } = {},
  ): Promise<string> {
    const campaign = await this.runtime.api.newCampaign(this.brand, 0, { shards });
    for (let made = 0; made < codes; made += BATCH_CODES) {
      await this.runtime.api.addCodes(this.brand, campaign, Math.min(BATCH_CODES, codes - made));
      onBatch(made + BATCH_CODES);
    }
    return campaign;
  }

  claim(campaign: string): Shot {
    return this.#shot(`/v1/campaigns/${campaign}/claims`, 201);
  }

  /** See worker.ts for these five. */
  noop(campaign: string): Shot {
    return this.#shot(`/v1/bench/noop/${campaign}`, 200);
  }

  echo(campaign: string): Shot {
    return this.#shot(`/v1/bench/echo/${campaign}`, 200);
  }

  write(campaign: string): Shot {
    return this.#shot(`/v1/bench/write/${campaign}`, 200);
  }

  rival(campaign: string): Shot {
    return this.#shot(`/v1/bench/rival/${campaign}`, 201);
  }

  /** Gives the rival in this Worker codes of its own. */
  async fillRival(campaign: string, codes: number): Promise<void> {
    const statements = readFileSync(RIVAL_SCHEMA, "utf8")
      .replaceAll(/--.*/g, "")
      .split(";")
      .filter((sql) => sql.trim() !== "");
    await this.ask("POST", "/bench/rival/table", { statements });
    for (let made = 0; made < codes; made += BATCH_CODES) {
      await this.ask("POST", "/bench/rival/batches", { campaign, count: BATCH_CODES });
    }
  }

  ceiling(campaign: string): Shot {
    return this.#shot(`/bench/ceiling/${campaign}`, 200);
  }

  #shot(path: string, status: number): Shot {
    return { bytes: postBytes(path, newUser(), this.brand.secret), status };
  }

  /** A bench route's answer. */
  async ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(this.runtime.address + path, init);
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return (await response.json()) as Answer;
  }
}

/** The rival's shots: see rival/index.ts. */
export const rivalClaim = (): Shot => ({
  bytes: postBytes("/bench/claims", newUser()),
  status: 201,
});

export async function fillRival(address: string, codes: number): Promise<void> {
  const body = JSON.stringify({ count: BATCH_CODES });
  for (let made = 0; made < codes; made += BATCH_CODES) {
    const response = await fetch(`${address}/bench/batches`, { method: "POST", body });
    if (response.status !== 201) throw new Error(`The rival has no codes: ${response.status}`);
  }
}
