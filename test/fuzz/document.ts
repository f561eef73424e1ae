/** The served OpenAPI document, as the generator and the judge read it. */

import { Validator, type Schema as ValidatorSchema } from "@cfworker/json-schema";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: Json[];
  const?: Json;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  example?: Json;
}

type Content = Record<string, { schema?: Schema }>;

export interface Parameter {
  in: string;
  name: string;
  required?: boolean;
  schema: Schema;
}

export interface DeclaredResponse {
  description: string;
  headers?: Record<string, { required?: boolean }>;
  content?: Content;
}

export interface Operation {
  /** The operationId. */
  name: string;
  method: string;
  template: string;
  /** Alternatives; each names the schemes that it needs. */
  security: string[][];
  parameters: Parameter[];
  body: { required: boolean; content: Content } | null;
  responses: Record<string, DeclaredResponse>;
}

interface Served {
  components?: { schemas?: Record<string, Schema> };
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        security?: Record<string, unknown>[];
        parameters?: Parameter[];
        requestBody?: { required?: boolean; content: Content };
        responses: Record<string, DeclaredResponse>;
      }
    >
  >;
}

const METHODS = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace"]);
const COMPONENT = "#/components/schemas/";

/** What a path of the document is asked for: by which operations, if by any. */
export interface Route {
  /** Those of the path, whatever their method; none where the path is not in the document. */
  onPath: Operation[];
  operation: Operation | null;
}

/** Objects that name their members get no others; formats hold only where `formats` says so. */
function strict(schema: Schema, formats: boolean, closed: boolean): Schema {
  const deeper = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(deeper);
    if (typeof value !== "object" || value === null) return value;
    const made = Object.fromEntries(
      Object.entries(value)
        .filter(([name, held]) => name !== "example" && (formats || !isFormat(name, held)))
        .map(([name, held]) => [name, deeper(held)]),
    );
    const ref = made["$ref"];
    if (typeof ref === "string") made["$ref"] = ref.replace(COMPONENT, "#/$defs/");
    const isObject = typeof made["properties"] === "object" && "type" in made;
    if (closed && isObject) made["additionalProperties"] ??= false;
    return made;
  };
  return deeper(schema) as Schema;
}

/** A keyword, not a property that happens to be called "format". */
function isFormat(name: string, held: unknown): boolean {
  return name === "format" && typeof held === "string";
}

export class ApiDocument {
  readonly operations: Operation[];
  readonly #components: Record<string, Schema>;
  readonly #validators = new Map<Schema, Map<boolean, Validator>>();
  readonly #defs = new Map<boolean, Record<string, Schema>>();

  constructor(served: unknown) {
    const { paths, components } = served as Served;
    this.#components = components?.schemas ?? {};
    this.operations = Object.entries(paths).flatMap(([template, methods]) =>
      Object.entries(methods)
        .filter(([method]) => METHODS.has(method))
        .map(([method, { operationId, security, parameters, requestBody, responses }]) => ({
          name: operationId,
          method: method.toUpperCase(),
          template,
          security: (security ?? []).map((schemes) => Object.keys(schemes)),
          parameters: parameters ?? [],
          body:
            requestBody === undefined
              ? null
              : { required: requestBody.required === true, content: requestBody.content },
          responses,
        })),
    );
  }

  resolve(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const { $ref, ...beside } = schema;
    const target = this.#components[$ref.slice(COMPONENT.length)];
    if (target === undefined) throw new Error(`The document refers to ${$ref}, which it lacks.`);
    return { ...this.resolve(target), ...beside };
  }

  /** Why a value is not what a schema of the document says, or null. */
  complaint(schema: Schema, value: unknown, of: "request" | "answer"): string | null {
    try {
      const { valid, errors } = this.#validator(schema, of === "answer").validate(value);
      if (valid) return null;
      const last = errors.at(-1);
      return last === undefined ? "is not valid" : `${last.instanceLocation}: ${last.error}`;
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
      // The validator cannot name a field whose name is broken Unicode. Requests may have such.
      return of === "request" ? null : "has a field with a broken name";
    }
  }

  /** An answer may hold what is declared and nothing else; a request is judged by shape alone. */
  #validator(schema: Schema, ofAnswer: boolean): Validator {
    const made = this.#validators.get(schema) ?? new Map<boolean, Validator>();
    this.#validators.set(schema, made);
    let validator = made.get(ofAnswer);
    if (validator === undefined) {
      let defs = this.#defs.get(ofAnswer);
      if (defs === undefined) {
        defs = Object.fromEntries(
          Object.entries(this.#components).map(([name, held]) => [
            name,
            strict(held, ofAnswer, ofAnswer),
          ]),
        );
        this.#defs.set(ofAnswer, defs);
      }
      const whole = { ...strict(schema, ofAnswer, ofAnswer), $defs: defs };
      validator = new Validator(whole as ValidatorSchema, "2020-12");
      made.set(ofAnswer, validator);
    }
    return validator;
  }

  /** What the service should take a method and a path for: literal parts win over parameters. */
  route(method: string, path: string): Route {
    const parts = (path.split("?")[0] ?? "").split("/");
    const fits = (template: string) => {
      const wanted = template.split("/");
      return (
        wanted.length === parts.length &&
        wanted.every((part, i) => (part.startsWith("{") ? parts[i] !== "" : part === parts[i]))
      );
    };
    const literals = (template: string) => template.split("{").length;
    const fitting = this.operations.filter(({ template }) => fits(template));
    const nearest = Math.min(...fitting.map(({ template }) => literals(template)));
    const onPath = fitting.filter(({ template }) => literals(template) === nearest);
    // A HEAD is a GET whose body stays away.
    const asked = method === "HEAD" ? "GET" : method;
    // Where the nearest has no such method, another that fits may have it.
    const operation = [...onPath, ...fitting].find((found) => found.method === asked) ?? null;
    return { onPath, operation };
  }
}
