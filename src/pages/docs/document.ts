/** The OpenAPI document as the reference reads it: what it needs of it, and references resolved. */

export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  format?: string;
  pattern?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  example?: unknown;
  examples?: unknown[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header" | "cookie";
  required?: boolean;
  description?: string;
  schema?: Schema;
  example?: unknown;
}

export interface Media {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { value?: unknown }>;
}

export interface Body {
  description?: string;
  required?: boolean;
  content?: Record<string, Media>;
}

export interface Answer {
  description?: string;
  headers?: Record<string, Maybe<{ description?: string; schema?: Schema }>>;
  content?: Record<string, Media>;
}

export interface RawOperation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  parameters?: Maybe<Parameter>[];
  requestBody?: Maybe<Body>;
  responses?: Record<string, Maybe<Answer>>;
}

/** The thing itself, or where it stands. */
type Maybe<T> = T | { $ref: string };

export interface OpenApi {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, RawOperation>>;
  webhooks?: Record<string, Record<string, RawOperation>>;
  components?: Record<string, Record<string, unknown>>;
}

export interface Operation extends RawOperation {
  id: string;
  method: string;
  path: string;
  summary: string;
  tag: string;
  parameters: Parameter[];
  body: Body | null;
  answers: [status: string, Answer][];
}

const METHODS = new Set(["get", "post", "put", "patch", "delete"]);

export class Document {
  readonly raw: OpenApi;

  constructor(raw: OpenApi) {
    this.raw = raw;
  }

  /** What a reference leads to, as often as it does; other things as they are. */
  resolve<T extends object>(thing: Maybe<T>): T {
    if (!("$ref" in thing) || typeof thing.$ref !== "string") return thing as T;
    const { $ref: to, ...beside } = thing;
    let found: unknown = this.raw;
    for (const name of to.replace(/^#\//, "").split("/")) {
      found = (found as Record<string, unknown> | undefined)?.[name];
    }
    if (found === undefined) throw new Error(`${to} leads nowhere in the OpenAPI document.`);
    return { ...this.resolve(found as Maybe<T>), ...beside };
  }

  #operation(method: string, path: string, raw: RawOperation): Operation {
    const { operationId: id = path, summary = path, tags: [tag = "Other"] = [] } = raw;
    return {
      ...raw,
      id,
      method: method.toUpperCase(),
      path,
      summary,
      tag,
      parameters: (raw.parameters ?? []).map((one) => this.resolve(one)),
      body: raw.requestBody === undefined ? null : this.resolve(raw.requestBody),
      answers: Object.entries(raw.responses ?? {}).map(([status, answer]) => [
        status,
        this.resolve(answer),
      ]),
    };
  }

  #all(paths: Record<string, Record<string, RawOperation>>): Operation[] {
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => METHODS.has(method))
        .map(([method, raw]) => this.#operation(method, path, raw)),
    );
  }

  get operations(): Operation[] {
    return this.#all(this.raw.paths);
  }

  /** What endpoints are sent; the path is the event's name. */
  get webhooks(): Operation[] {
    return this.#all(this.raw.webhooks ?? {});
  }

  /** Operations by tag, in the document's order of tags. */
  get sections(): { name: string; description: string; operations: Operation[] }[] {
    const { operations } = this;
    const tags = new Map((this.raw.tags ?? []).map((tag) => [tag.name, tag.description ?? ""]));
    for (const { tag } of operations) if (!tags.has(tag)) tags.set(tag, "");
    return [...tags].map(([name, description]) => ({
      name,
      description,
      operations: operations.filter(({ tag }) => tag === name),
    }));
  }
}

/** The media type that a sample sends: JSON where there is a choice. */
export function mediaOf(content: Record<string, Media> = {}): [type: string, Media] | null {
  const types = Object.keys(content);
  const type = types.find((name) => /\bjson$/.test(name)) ?? types[0];
  const media = type === undefined ? undefined : content[type];
  return type === undefined || media === undefined ? null : [type, media];
}
