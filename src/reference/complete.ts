/**
 * What the reference says beyond the schemas that validate: bounds of what is answered, words for
 * people, and what linters want to know. For the build alone: the Worker needs none of it.
 */

import {
  ANSWERED_TIME,
  ASKED_AS,
  COUNT,
  FIELDS,
  FILE,
  HEADERS,
  idBounds,
  PAGE_ORIGIN,
  PARAMETERS,
  type Bounds,
} from "./bounds.ts";
import { DESCRIPTIONS, TAGS } from "./words.ts";

export interface Schema extends Bounds {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  example?: unknown;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
}

type Content = Record<string, { schema?: Schema }>;

interface Operation {
  operationId?: string;
  description?: string;
  security?: Record<string, string[]>[];
  parameters?: { name: string; schema?: Schema }[];
  requestBody?: { content: Content };
  responses: Record<string, { headers?: Record<string, { schema?: Schema }>; content?: Content }>;
}

/** As much of an OpenAPI 3.1 document as is completed here. */
export interface Document {
  info: { contact?: object };
  servers?: object[];
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const INT32_MAX = 2 ** 31 - 1;

/** Where a schema stands: in which component, under which name, and what was asked for there. */
interface Place {
  component: string;
  name: string;
  asked?: Schema | undefined;
}

class Binder {
  readonly #components: Record<string, Schema>;

  constructor(components: Record<string, Schema>) {
    this.#components = components;
  }

  components(): void {
    for (const [component, schema] of Object.entries(this.#components)) {
      this.bind(schema, {
        component,
        name: "",
        asked: this.#components[ASKED_AS[component] ?? ""],
      });
    }
  }

  bind(schema: Schema, place: Place): void {
    this.#bindOne(schema, place);
    const { component, name, asked } = place;
    for (const [field, held] of Object.entries(schema.properties ?? {})) {
      this.bind(held, { component, name: field, asked: asked?.properties?.[field] });
    }
    for (const one of schema.anyOf ?? []) {
      const like = asked?.anyOf?.find(({ type }) => type === one.type);
      this.bind(one, { component, name, asked: like ?? asked });
    }
    if (schema.items) this.bind(schema.items, { component, name, asked: asked?.items });
    const { additionalProperties: others } = schema;
    const { additionalProperties: askedOthers } = asked ?? {};
    if (typeof others === "object") {
      const like = typeof askedOthers === "object" ? askedOthers : undefined;
      this.bind(others, { component, name, asked: like });
    }
  }

  #bindOne(schema: Schema, { component, name, asked }: Place): void {
    if (schema.enum !== undefined || schema.const !== undefined) return;
    const types = new Set([schema.type ?? []].flat());
    const known = [
      this.#field(FIELDS[`${component}.${name}`]),
      asked,
      name === "id" ? idBounds(schema.example) : undefined,
      this.#field(FIELDS[name]),
    ];
    if (types.has("string")) {
      if (schema.format === "date-time") fill(schema, [ANSWERED_TIME], ["maxLength"]);
      else fill(schema, known, ["maxLength", "pattern"]);
    }
    if (types.has("integer")) {
      fill(schema, [...known, COUNT], ["minimum", "maximum"]);
      const { minimum = 0, maximum = COUNT.maximum ?? 0 } = schema;
      schema.format ??= minimum >= -INT32_MAX && maximum <= INT32_MAX ? "int32" : "int64";
    }
    if (types.has("array")) fill(schema, known, ["maxItems"]);
  }

  /** Of a table's entry: as it is, or as the field of a request that it names. */
  #field(entry: Bounds | string | undefined): Bounds | undefined {
    if (typeof entry !== "string") return entry;
    const [component = "", ...fields] = entry.split(".");
    let schema = this.#components[component];
    for (const field of fields) {
      const others = schema?.additionalProperties;
      schema = field === "*" && typeof others === "object" ? others : schema?.properties?.[field];
    }
    if (schema === undefined) throw new Error(`The document has no ${entry}.`);
    return schema;
  }
}

/** Bounds that the schema lacks, from the first that knows them. */
function fill<Name extends keyof Bounds>(
  schema: Schema,
  known: (Bounds | undefined)[],
  names: Name[],
): void {
  for (const name of names) {
    const bound = known.find((one) => one?.[name] !== undefined)?.[name];
    if (schema[name] === undefined && bound !== undefined) schema[name] = bound;
  }
}

function complete(operation: Operation, binder: Binder, component: string): void {
  const { operationId = "", parameters = [], requestBody, responses, security = [] } = operation;
  const description = DESCRIPTIONS[operationId];
  if (description !== undefined) operation.description ??= description;
  for (const { name, schema } of parameters) {
    if (schema === undefined) continue;
    fill(schema, [PARAMETERS[name]], ["maxLength", "pattern", "minimum", "maximum"]);
    binder.bind(schema, { component, name: "" });
  }
  for (const { schema } of Object.values(requestBody?.content ?? {})) {
    if (schema?.properties === undefined && schema?.type === "string")
      fill(schema, [FILE], ["maxLength"]);
    const codes = schema?.properties?.["codes"]?.items;
    if (codes !== undefined) fill(codes, [FILE], ["maxLength"]);
    if (schema !== undefined) binder.bind(schema, { component, name: "" });
  }
  const isForPages = security.some((entry) => "publishableKey" in entry);
  for (const { headers = {}, content = {} } of Object.values(responses)) {
    for (const [name, { schema }] of Object.entries(headers)) {
      if (schema === undefined) continue;
      fill(schema, [HEADERS[name]], ["maxLength", "pattern"]);
    }
    if (isForPages) headers["Access-Control-Allow-Origin"] = PAGE_ORIGIN;
    for (const media of Object.values(content)) {
      // A file or a page is as long as it is.
      if (media.schema?.type === "string") delete media.schema;
      else if (media.schema !== undefined) binder.bind(media.schema, { component, name: "" });
    }
  }
}

/** The document with all of it. The one that is given stays as it is. */
export function completeDocument<Given extends object>(given: Given): Given {
  const document = structuredClone(given) as unknown as Document;
  const binder = new Binder(document.components.schemas);
  binder.components();
  document.info.contact ??= { name: "Whoever runs this deployment" };
  for (const server of document.servers ?? []) Object.assign(server, { "x-internal": false });
  for (const tag of document.tags ?? []) {
    const description = TAGS[tag.name];
    if (description !== undefined) tag.description ??= description;
  }
  for (const methods of Object.values(document.paths)) {
    for (const operation of Object.values(methods)) complete(operation, binder, "");
  }
  for (const [type, methods] of Object.entries(document.webhooks)) {
    for (const operation of Object.values(methods)) {
      operation.operationId ??= `on ${type}`.replace(/[ ._]+(\w)/g, (_, letter: string) =>
        letter.toUpperCase(),
      );
      // Whoever is called knows us by the signature, which is no scheme of OpenAPI's.
      operation.security ??= [];
      complete(operation, binder, "Event");
    }
  }
  return document as unknown as Given;
}
