/** Values that a schema allows, and such values with something wrong in them. */

import type { Random } from "../support/random.ts";
import type { ApiDocument, Json, Schema } from "./document.ts";
import { HOSTILE, hostileText, patternText, plainText } from "./text.ts";

/** Numbers whose largest value means minutes of work for the service, with one that does not. */
const COSTLY: Record<string, number> = { count: 2_000, shards: 16 };
/** Integers drawn where nothing else is said: small ones are the likely ones. */
const SMALL = 2_000;
const PAIRS_MANY = 51;
const DEPTH_MAX = 8;

/** A number as it is written; JavaScript's own would lose it. */
function raw(text: string): Json {
  return (JSON as unknown as { rawJSON: (text: string) => Json }).rawJSON(text);
}

const ODD_NUMBERS = [
  "1e400",
  "-1e400",
  "-0",
  "1e-400",
  "9007199254740993",
  "1.5",
  "-1",
  "0",
  "1E2",
];

type Path = (string | number)[];

interface Place {
  path: Path;
  schema: Schema;
}

export class Values {
  readonly #document: ApiDocument;
  readonly #random: Random;
  /** Something real for a field of that name, where there is such a thing. */
  readonly #real: (name: string) => string | null;

  constructor(document: ApiDocument, random: Random, real: (name: string) => string | null) {
    this.#document = document;
    this.#random = random;
    this.#real = real;
  }

  /** A value of the schema; `name` is the field's, `parent` that of the object around it. */
  valid(unresolved: Schema, name = "", parent = "", depth = 0): Json {
    const random = this.#random;
    const schema = this.#document.resolve(unresolved);
    if (schema.const !== undefined) return schema.const;
    if (schema.enum !== undefined) return random.pick(schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) return this.valid(random.pick(choices), name, parent, depth + 1);
    const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
    if (types.includes("null") && random.chance(0.2)) return null;
    const type = types.find((one) => one !== "null") ?? (schema.properties ? "object" : "null");
    // An example is right also where the schema cannot say what is right.
    if (schema.example !== undefined && type !== "string" && random.chance(0.5)) {
      return this.#withReal(schema.example, name);
    }
    if (type === "object") return this.#object(schema, name, depth);
    if (type === "array") return this.#array(schema, name, depth);
    if (type === "string") return this.#string(schema, name, parent);
    if (type === "integer" || type === "number") return this.#number(schema, name);
    return type === "boolean" ? random.chance(0.5) : null;
  }

  /** An example whose ids and codes are real. */
  #withReal(example: Json, name: string, parent = ""): Json {
    if (typeof example === "string") {
      return this.#real(name === "id" ? parent : name) ?? example;
    }
    if (Array.isArray(example)) return example.map((item) => this.#withReal(item, name, parent));
    if (typeof example !== "object" || example === null) return example;
    return Object.fromEntries(
      Object.entries(example).map(([key, held]) => [key, this.#withReal(held, key, name)]),
    );
  }

  #object(schema: Schema, name: string, depth: number): Json {
    const random = this.#random;
    const required = schema.required ?? [];
    const share = random.pick([0, 0.3, 0.3, 0.8]);
    const pairs = Object.entries(schema.properties ?? {})
      .filter(([key]) => required.includes(key) || (depth < DEPTH_MAX && random.chance(share)))
      .map(([key, held]): [string, Json] => [key, this.valid(held, key, name, depth + 1)]);
    if (typeof schema.additionalProperties === "object") {
      const count = random.chance(0.03) ? PAIRS_MANY : random.int(0, 3);
      for (let pair = 0; pair < count; pair += 1) {
        const held = this.valid(schema.additionalProperties, "", "", depth + 1);
        pairs.push([`${plainText(random, 1, 12)}${pair}`, held]);
      }
    }
    return Object.fromEntries(pairs);
  }

  #array(schema: Schema, name: string, depth: number): Json {
    const { minItems: min = 0, maxItems: max = min + 5, items = {} } = schema;
    const few = Math.min(max, min + 4);
    const count =
      max <= 1_000 && this.#random.chance(0.03) ? max : this.#random.int(Math.min(min, few), few);
    return Array.from({ length: count }, () => this.valid(items, name, "", depth + 1));
  }

  #string(schema: Schema, name: string, parent: string): Json {
    const random = this.#random;
    const real = random.chance(0.65) ? this.#real(name === "id" ? parent : name) : null;
    if (real !== null) return real;
    if (typeof schema.example === "string" && random.chance(0.3)) return schema.example;
    if (schema.format === "date-time") return this.#time();
    if (schema.format === "uri") {
      return random.pick(["https://shop.example/", "http://a.b/c?d=e#f", "https://xn--e1a.test/"]);
    }
    if (schema.format === "email") return random.pick(["ann@example.com", "a+b@mail.example.org"]);
    if (schema.pattern !== undefined) {
      const made = patternText(schema.pattern, random);
      if (made !== null) return made.slice(0, schema.maxLength ?? made.length);
      return typeof schema.example === "string" ? schema.example : random.pick(HOSTILE);
    }
    return plainText(random, schema.minLength ?? 0, schema.maxLength ?? 40);
  }

  #time(): string {
    const random = this.#random;
    const day = 86_400_000;
    const at = Date.now() + random.int(-400, 400) * day;
    return random.pick([
      new Date(at).toISOString(),
      new Date(at).toISOString().replace(/\.\d+Z$/, "Z"),
      new Date(at).toISOString().replace(/Z$/, random.pick(["+02:00", "-11:30"])),
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59.999Z",
    ]);
  }

  #number(schema: Schema, name: string): Json {
    const random = this.#random;
    const isInteger = schema.type === "integer" || (schema.type ?? []).includes("integer");
    const least = schema.minimum ?? (schema.exclusiveMinimum ?? -1) + (isInteger ? 1 : 0.01);
    const declared = schema.maximum ?? (schema.exclusiveMaximum ?? Infinity) - 1;
    const most = Math.min(declared, COSTLY[name] ?? Infinity);
    if (random.chance(0.1)) return least;
    if (random.chance(0.1) && most < Infinity) return most;
    const drawn = random.int(Math.ceil(least), Math.min(most, Math.ceil(least) + SMALL));
    return isInteger || random.chance(0.5) ? drawn : Math.min(most, drawn + 0.5);
  }

  /** A value of the schema in which one place is odd: past a bound, of a wrong type, hostile. */
  spoiled(schema: Schema): Json {
    const value = this.valid(schema);
    const places = this.#places(schema, value, []);
    const place = this.#random.pick(places);
    return replaced(value, place.path, (held) => this.#spoil(place.schema, held));
  }

  /** Where in a value the parts are that the schema speaks of; the whole is one. */
  #places(unresolved: Schema, value: Json, path: Path): Place[] {
    const schema = this.#document.resolve(unresolved);
    const found: Place[] = [{ path, schema }];
    if (Array.isArray(value)) {
      const held = schema.items;
      if (held !== undefined) {
        value
          .slice(0, 5)
          .forEach((item, i) => found.push(...this.#places(held, item, [...path, i])));
      }
    } else if (typeof value === "object" && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        const more = schema.additionalProperties;
        const held = schema.properties?.[key] ?? (typeof more === "object" ? more : undefined);
        if (held !== undefined) found.push(...this.#places(held, item, [...path, key]));
      }
    }
    return found;
  }

  #spoil(schema: Schema, value: Json): Json {
    const random = this.#random;
    const ways: (() => Json)[] = [() => this.#otherType()];
    if (typeof value === "string") {
      ways.push(
        () => hostileText(random),
        () => hostileText(random),
        () => value + hostileText(random),
        () => this.#longText(schema),
      );
    }
    if (typeof value === "number") {
      ways.push(
        () => raw(random.pick(ODD_NUMBERS)),
        () => this.#pastBounds(schema),
        () => this.#pastBounds(schema),
      );
    }
    if (Array.isArray(value)) ways.push(() => this.#oddArray(schema, value));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      ways.push(
        () => this.#oddObject(value),
        () => this.#oddObject(value),
        () => this.#everyField(schema),
      );
    }
    return random.pick(ways)();
  }

  #otherType(): Json {
    const random = this.#random;
    return random.pick<() => Json>([
      () => null,
      () => random.chance(0.5),
      () => raw(random.pick(ODD_NUMBERS)),
      () => hostileText(random),
      () => [],
      () => ({}),
      () => [[[{}]]],
      () => ({ toString: null, valueOf: "x", length: 1 }),
      () => ({ $ne: null }),
      () => deep(random.pick([30, 3_000])),
    ])();
  }

  #longText(schema: Schema): Json {
    const { minLength: min = 0, maxLength: max = 300 } = schema;
    const length = this.#random.pick([max + 1, max, Math.max(0, min - 1), min, max + 5_000]);
    return this.#random.pick(["x", "é", "𝕏"]).repeat(length);
  }

  #pastBounds(schema: Schema): Json {
    const { minimum: min = schema.exclusiveMinimum ?? 0, maximum: max = 1e12 } = schema;
    return this.#random.pick([min - 1, max + 1, max + 0.5, -max, max * 10]);
  }

  #oddArray(schema: Schema, value: Json[]): Json {
    const { minItems: min = 0, maxItems: max = 1_000 } = schema;
    const item = value[0] ?? "x";
    return this.#random.pick<() => Json>([
      () => [],
      () => Array.from({ length: Math.min(max + 1, 2_000) }, () => item),
      () => value.slice(0, Math.max(0, min - 1)),
      () => [...value, ...value],
      () => [...value, this.#otherType()],
    ])();
  }

  #oddObject(value: Record<string, Json>): Json {
    const random = this.#random;
    const entries = Object.entries(value);
    const key = random.pick(["surprise", "__proto__", "constructor", "toString", "is_admin", ""]);
    const more: [string, Json] = [
      random.chance(0.3) ? hostileText(random) : key,
      this.#otherType(),
    ];
    const gone = random.int(0, Math.max(0, entries.length - 1));
    // Object.fromEntries makes a field of "__proto__" like of any other name.
    return Object.fromEntries(
      random.chance(0.4) ? entries.filter((_, i) => i !== gone) : [...entries, more],
    );
  }

  /** Every field that there is, which need not go together. */
  #everyField(schema: Schema): Json {
    return Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([key, held]) => [key, this.valid(held, key)]),
    );
  }
}

/** An array in an array, and so on. */
export function deep(depth: number): Json {
  let value: Json = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}

function replaced(value: Json, path: Path, change: (held: Json) => Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  if (Array.isArray(value)) {
    return value.map((item, i) => (i === key ? replaced(item, rest, change) : item));
  }
  if (typeof value !== "object" || value === null) return change(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [
      name,
      name === key ? replaced(held, rest, change) : held,
    ]),
  );
}
