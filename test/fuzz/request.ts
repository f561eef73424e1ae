/** Requests: mostly right in most ways, and wrong in one or two. */

import type { Random } from "../support/random.ts";
import { oddCredential, rightCredential, TOKEN_HEADER } from "./credentials.ts";
import type { ApiDocument, Json, Operation, Schema } from "./document.ts";
import { brokenBytes, makeFile, withFieldTwice } from "./files.ts";
import { HOSTILE, hostileText } from "./text.ts";
import { Values } from "./values.ts";
import type { World } from "./world.ts";

export interface FuzzRequest {
  method: string;
  /** With its query, in printable ASCII. */
  path: string;
  headers: [name: string, value: string][];
  body: Uint8Array | null;
  /** Whether the body is sent without its length being announced. */
  chunked: boolean;
  /** Whose eyes see the answer: what it shows is used for later requests where they are ours. */
  byOwner: boolean;
  /** Why no answer to it may be a success. */
  faults: string[];
}

type Twist = "path" | "query" | "headers" | "credential" | "body" | "type" | "method" | "stray";
const TWISTS: readonly Twist[] = [
  "path",
  "query",
  "query",
  "headers",
  "credential",
  "credential",
  "body",
  "body",
  "body",
  "body",
  "type",
  "method",
  "stray",
];
/** Methods that HTTP knows; others never reach a Worker. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY"];
const STRAYS = ["/v1", "/v1/", "/v1/nope", "/.env", "/.git/HEAD", "/admin", "/V1/brand", "//"];
const TYPES = [
  "application/json; charset=utf-8",
  "application/json ;charset=latin1",
  "Application/JSON",
  "application/problem+json",
  "application/json, text/plain",
  "text/json",
  "text/plain",
  "text/csv",
  "text/csv; charset=utf-16",
  "application/x-ndjson",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "json",
  ";",
  "",
];
const ODD_HEADERS: [string, string][] = [
  ["Accept", "text/html"],
  ["Accept", "*/*;q=0"],
  ["Accept", ""],
  ["Accept-Encoding", "gzip, br, zstd"],
  ["Accept-Language", "xx-".repeat(500)],
  ["Origin", "https://evil.example"],
  ["Origin", "null"],
  ["X-HTTP-Method-Override", "DELETE"],
  ["X-Forwarded-For", "127.0.0.1'; --"],
  ["X-Request-Id", "'; DROP TABLE codes; --"],
  ["X-Request-Id", "x".repeat(300)],
  ["If-None-Match", "*"],
  ["If-Match", '"x"'],
  ["Range", "bytes=0-1"],
  ["Content-Encoding", "gzip"],
  ["Cookie", "session=\u00e9"],
  ["Content-Language", "\u00ff"],
];
const IDEMPOTENCY_KEYS = [
  "key-1",
  '"key-1"',
  '""',
  '"',
  "",
  " ",
  "a b",
  "\u00e9",
  "x".repeat(255),
  "x".repeat(256),
  `"${"x".repeat(255)}"`,
  "x".repeat(5_000),
  "__proto__",
  "key-1, key-2",
];
/** Share of requests in which everything is meant to be right. */
const SOUND = 0.5;
/** The field by which a server says who the user is; a page has a signed token for it. */
const VOUCHED = "user";
/** Share of requests that are to take a body, besides those that happen to. */
const BODIES = 0.35;

const encoder = new TextEncoder();

/** Percent-encodes what may not stand in a path or query, and what would end its part. */
function encoded(text: string): string {
  return Array.from(encoder.encode(text), (byte) => {
    const char = String.fromCharCode(byte);
    return /[\w.~!$'()*,:@-]/.test(char) ? char : `%${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

export class RequestMaker {
  readonly #document: ApiDocument;
  readonly #world: World;
  readonly #random: Random;
  readonly #values: Values;
  readonly #twists = new Set<Twist>();
  readonly #operation: Operation;
  readonly #faults: string[] = [];
  #byOwner = true;
  /** Whether a user token says who the user is. */
  #isPage = false;
  /** Whose ids may be in the path. */
  #isRival = false;

  constructor(from: { document: ApiDocument; world: World; random: Random }) {
    this.#document = from.document;
    this.#world = from.world;
    this.#random = from.random;
    this.#values = new Values(from.document, from.random, (name) =>
      from.world.real(name, from.random),
    );
    const { operations } = from.document;
    // Those that take a body have more to go wrong.
    const withBody = operations.filter(({ body }) => body !== null);
    this.#operation = from.random.pick(from.random.chance(BODIES) ? withBody : operations);
  }

  make(): FuzzRequest {
    const random = this.#random;
    const { body, parameters } = this.#operation;
    if (!random.chance(SOUND)) {
      const count = random.pick([1, 1, 1, 2, 3]);
      while (this.#twists.size < count) this.#twists.add(random.pick(TWISTS));
    }
    const headers = this.#credential();
    const path = this.#path() + this.#query();
    const content = this.#content();
    if (content.type !== null) headers.push(["Content-Type", content.type]);
    if (parameters.some(({ name }) => name.toLowerCase() === "idempotency-key")) {
      if (random.chance(0.4)) {
        const key = random.chance(0.4) ? `k-${random.int(0, 1e9)}` : random.pick(IDEMPOTENCY_KEYS);
        headers.push(["Idempotency-Key", key]);
      }
    }
    if (this.#twists.has("headers")) headers.push(random.pick(ODD_HEADERS));
    const method = this.#twists.has("method") ? random.pick(METHODS) : this.#operation.method;
    return {
      method,
      path,
      headers,
      body: ["GET", "HEAD"].includes(method) ? null : content.bytes,
      chunked: random.chance(0.1),
      byOwner: this.#byOwner,
      faults: [
        ...this.#faults,
        ...(body === null || method !== this.#operation.method
          ? []
          : this.#bodyFaults(content.type, content.bytes)),
      ],
    };
  }

  #credential(): [string, string][] {
    const from = [this.#operation, this.#world, this.#random] as const;
    const { headers, fault, isOwn, isRival } = this.#twists.has("credential")
      ? oddCredential(...from)
      : rightCredential(...from);
    if (fault !== null) this.#faults.push(fault);
    this.#byOwner = isOwn;
    this.#isRival = isRival;
    this.#isPage = headers.some(([name]) => name === TOKEN_HEADER);
    return headers;
  }

  #path(): string {
    const random = this.#random;
    if (this.#twists.has("stray")) {
      return random.pick([...STRAYS, `${this.#operation.template}/`, "/v1/%zz", "/v1/campaigns/%"]);
    }
    return this.#operation.template.replace(/\{(\w+)\}/g, (_, name: string) => {
      const own = this.#world.real(name, random);
      if (!this.#twists.has("path")) {
        if (own !== null && this.#isRival) this.#ofAnother(name, own);
        return encoded(own ?? random.pick(HOSTILE));
      }
      return this.#oddId(name, own ?? "x");
    });
  }

  /** An id that is another brand's is not found by this one. */
  #ofAnother(name: string, id: string): void {
    const byBrand = this.#operation.security.flat().includes("secretKey");
    if (byBrand && /^[a-z]{3}_/.test(id)) this.#faults.push(`a ${name} of another brand`);
  }

  #oddId(name: string, own: string): string {
    const random = this.#random;
    const theirs = this.#world.rivalIds[name];
    if (theirs !== undefined && !this.#isRival && random.chance(0.3)) {
      this.#ofAnother(name, theirs);
      return theirs;
    }
    return random.pick<() => string>([
      () => encoded(hostileText(random)).slice(0, 6_000),
      () => encoded(hostileText(random)).slice(0, 6_000),
      () => `${own.slice(0, 4)}00000000000000000000`,
      () => own.slice(0, -1),
      () => `${encoded(own)}0`,
      () => own.toUpperCase().replaceAll(/[^\w-]/g, ""),
      () => encoded(`${own}/${own}`),
      () => encoded(this.#world.real(random.pick(["claim", "batch", "brand"]), random) ?? "x"),
      () => "%zz",
      () => "%C3%28",
      () => "%2F",
    ])();
  }

  #query(): string {
    const random = this.#random;
    const declared = this.#operation.parameters.filter((parameter) => parameter.in === "query");
    const isOdd = this.#twists.has("query");
    const pairs: string[] = [];
    for (const { name, schema, required } of declared) {
      if (required !== true && !random.chance(isOdd ? 0.6 : 0.35)) continue;
      const odd = isOdd && random.chance(0.5);
      const value = odd ? this.#oddParameter(name, schema) : this.#parameter(name, schema);
      if (value === null) continue;
      pairs.push(`${name}=${encoded(value)}`);
      if (isOdd && random.chance(0.1)) {
        pairs.push(`${name}=${encoded(value)}`);
        this.#faults.push(`${name} given twice`);
      }
    }
    if (isOdd && (pairs.length === 0 || random.chance(0.3))) {
      const name = random.pick(["surprise", "__proto__", "api_key", "constructor", "page", "["]);
      pairs.push(`${encoded(name)}=${encoded(hostileText(random)).slice(0, 3_000)}`);
      this.#faults.push("an unknown query parameter");
    }
    return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
  }

  #parameter(name: string, schema: Schema): string | null {
    if (name === "cursor") {
      const path = this.#operation.template;
      return this.#world.cursor(path, this.#random);
    }
    const value = this.#values.valid(schema, name);
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  }

  #oddParameter(name: string, unresolved: Schema): string {
    const random = this.#random;
    const schema = this.#document.resolve(unresolved);
    const { minimum: min = 0, maximum: max = 1_000 } = schema;
    const value =
      schema.type === "integer" && random.chance(0.6)
        ? random.pick([min - 1, max + 1, 1.5, -1, 1e21, "9".repeat(400), "abc", "", "0x10"])
        : hostileText(random).slice(0, 3_000);
    const text = String(value);
    const isWrong =
      (schema.type === "integer" && !(/^\d+$/.test(text) && +text >= min && +text <= max)) ||
      (schema.enum !== undefined && !schema.enum.includes(text));
    if (isWrong) this.#faults.push(`a wrong ${name}`);
    return text;
  }

  #content(): { type: string | null; bytes: Uint8Array | null } {
    const random = this.#random;
    const { body, method } = this.#operation;
    const isOdd = this.#twists.has("body");
    let type: string | null = null;
    let bytes: Uint8Array | null = null;
    if (body !== null) {
      type = random.pick(Object.keys(body.content));
      bytes = this.#bytesOf(type, body.content[type]?.schema ?? {}, isOdd);
    } else if (method !== "GET" && (isOdd || random.chance(0.3))) {
      type = "application/json";
      bytes = encoder.encode(
        isOdd ? random.pick(['{"x":1}', "[]", "null", "{", "\u0000"]) : random.pick(["{}", " {} "]),
      );
    }
    if (this.#twists.has("type")) type = random.chance(0.1) ? null : random.pick(TYPES);
    return { type, bytes };
  }

  /** A body as the document allows it, without what only a server may say. */
  #valid(schema: Schema): Json {
    const value = this.#values.valid(schema);
    if (!this.#isPage || typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).filter(([name]) => name !== VOUCHED));
  }

  #bytesOf(type: string, schema: Schema, isOdd: boolean): Uint8Array {
    const random = this.#random;
    const isFile = Object.keys(this.#operation.body?.content ?? {}).some(
      (name) => !/\bjson$/.test(name),
    );
    if (isFile) {
      const file = makeFile(type, random);
      return isOdd && random.chance(0.4) ? brokenBytes(file, random) : file;
    }
    if (!isOdd) return encoder.encode(JSON.stringify(this.#valid(schema)));
    if (random.chance(0.2)) {
      const text = JSON.stringify(this.#values.valid(schema));
      return brokenBytes(encoder.encode(text), random);
    }
    const text = JSON.stringify(this.#values.spoiled(schema));
    return encoder.encode(random.chance(0.05) ? withFieldTwice(text, random) : text);
  }

  /** What the document itself says against a JSON body. What files may be it does not say. */
  #bodyFaults(type: string | null, bytes: Uint8Array | null): string[] {
    const { body } = this.#operation;
    const [only, ...others] = Object.keys(body?.content ?? {});
    if (body === null || only !== "application/json" || others.length > 0) return [];
    if (!/^application\/([\w.-]+\+)?json$/i.test((type ?? "").split(";")[0]?.trim() ?? "")) {
      return ["a body that is not said to be JSON"];
    }
    let value: unknown;
    try {
      value = JSON.parse(
        new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes ?? undefined),
      );
    } catch {
      return ["a body that is not JSON"];
    }
    const complaint = this.#document.complaint(body.content[only]?.schema ?? {}, value, "request");
    return complaint === null ? [] : [`a body that does not fit its schema: ${complaint}`];
  }
}
