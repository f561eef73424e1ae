import type { List } from "./lists.ts";
import { path, type CallOptions, type CreateOptions, type Transport } from "./transport.ts";
import type {
  Brand,
  BrandChange,
  BrandWithKeys,
  CheckKeyRotation,
  NewBrand,
  Paging,
  ProfileChange,
} from "./types.ts";

/** The brand that the key belongs to. */
export class Profile {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get(options: CallOptions = {}): Promise<Brand> {
    return this.#transport.get("/v1/brand", options);
  }

  /** With `identity.algorithm` the answer is the only sight of the shared secret it made. */
  update(change: ProfileChange, options: CallOptions = {}): Promise<Brand> {
    const route = "PATCH /v1/brand";
    // A second secret would replace the first, and the answers may come in any order.
    const isRepeatable = change.identity?.algorithm === undefined;
    return this.#transport.json({ route, json: change, isRepeatable, options });
  }

  /** Seals codes with new keys from now on; those that exist stay good. */
  rotateCheckKey(options: CallOptions = {}): Promise<CheckKeyRotation> {
    const route = "POST /v1/brand/rotate-check-key";
    return this.#transport.json({ route, isRepeatable: true, options });
  }
}

/** The operator's calls: `key` must be the operator token. */
export class Brands {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The answer is the only sight of the brand's keys. */
  create(brand: NewBrand, options: CreateOptions = {}): Promise<BrandWithKeys> {
    return this.#transport.create({ route: "POST /v1/brands", json: brand }, options);
  }

  list(paging: Paging = {}, options: CallOptions = {}): List<Brand> {
    return this.#transport.list("/v1/brands", paging, options);
  }

  get(brand: string, options: CallOptions = {}): Promise<Brand> {
    return this.#transport.get(path`/v1/brands/${brand}`, options);
  }

  update(brand: string, change: BrandChange, options: CallOptions = {}): Promise<Brand> {
    const route = `PATCH ${path`/v1/brands/${brand}`}` as const;
    return this.#transport.json({ route, json: change, isRepeatable: true, options });
  }
}
