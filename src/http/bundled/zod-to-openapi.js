/**
 * The OpenAPI generator as the bundle has it (see [alias] in wrangler.toml): the same document from
 * a seventh of the code. It knows the kinds of schemas that are used here, in OpenAPI 3.1, and
 * `.meta()` for what they cannot say themselves. Left out is what nobody here does: `.openapi()`,
 * schemas and parameters that are registered by hand, defaults, titles, and the other kinds; a kind
 * that is not known is refused when the document is made. Tests hold what it writes against the
 * library, to the byte: the order of keys below is the library's.
 */

/** What `.openapi()` was for. */
export function extendZodWithOpenApi() {}

// @hono/zod-openapi can make a document of 3.0, too, and copy schemas that were registered by hand.
export const OpenApiGeneratorV3 = undefined;
export const getOpenApiMetadata = undefined;

export class OpenAPIRegistry {
  definitions = [];

  registerPath(route) {
    this.definitions.push({ type: "route", route });
  }

  registerWebhook(webhook) {
    this.definitions.push({ type: "webhook", webhook });
  }

  registerComponent(componentType, name, component) {
    this.definitions.push({ type: "component", componentType, name, component });
  }
}

const mapValues = (object, map) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
const withoutUndefined = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

const defOf = (schema) => schema._zod.def;
const takes = (schema, value) => schema.safeParse(value).success;

/** What a schema is wrapped around, or undefined. */
function wrapped(schema) {
  const { type, innerType, in: from, out } = defOf(schema);
  if (type === "optional" || type === "nullable") return innerType;
  if (type === "pipe") return defOf(from).type === "transform" ? out : from;
}

const unwrapped = (schema) => {
  const inner = wrapped(schema);
  return inner ? unwrapped(inner) : schema;
};

/**
 * What `.meta()` said of a schema and of what it is wrapped around; the outer prevails. An id holds
 * through `.optional()` and `.nullable()`, and is lost by whatever else is made of its schema.
 */
function metaOf(schema, outer) {
  const meta = schema._zod.parent ? { id: undefined, ...schema.meta(), ...outer } : outer;
  const inner = wrapped(schema);
  return inner ? metaOf(inner, meta) : (meta ?? {});
}

/** The type of a value, which may be null too. */
const typed = (type, isNullable) => ({ type: isNullable ? [type, "null"] : type });

const STRING_FORMATS = { datetime: "date-time", email: "email", url: "uri" };

/** Options of a union, and of unions in it. */
const optionsOf = (schema) =>
  defOf(schema).type === "union" ? defOf(schema).options.flatMap(optionsOf) : [schema];

const withoutNull = (schema) =>
  defOf(schema).type === "nullable" ? withoutNull(defOf(schema).innerType) : schema;

const checkOf = (schema, name) =>
  defOf(schema)
    .checks?.map(defOf)
    .find(({ check }) => check === name);

/** How each kind of schema is written: (schema, whether it takes null, how to write its parts). */
const KINDS = {
  null: () => ({ type: "null" }),
  boolean: (_schema, isNullable) => typed("boolean", isNullable),

  string: (schema, isNullable) => ({
    ...typed("string", isNullable),
    minLength: checkOf(schema, "min_length")?.minimum,
    maxLength: checkOf(schema, "max_length")?.maximum,
    format: STRING_FORMATS[defOf(schema).format],
    pattern: defOf(schema)
      .checks?.map(defOf)
      .find(({ format }) => format === "regex")
      ?.pattern.toString()
      .replace(/^\/|\/$/g, ""),
  }),

  number: (schema, isNullable) =>
    Object.assign(
      typed(defOf(schema).format === "safeint" ? "integer" : "number", isNullable),
      ...(defOf(schema).checks ?? []).map(defOf).map(({ check, inclusive, value }) => {
        if (check === "greater_than")
          return { [inclusive ? "minimum" : "exclusiveMinimum"]: value };
        if (check === "less_than") return { [inclusive ? "maximum" : "exclusiveMaximum"]: value };
      }),
    ),

  literal(schema, isNullable) {
    const [value] = defOf(schema).values;
    return { ...typed(typeof value, isNullable), enum: [value] };
  },

  enum(schema, isNullable) {
    const values = Object.values(defOf(schema).entries);
    return { ...typed("string", isNullable), enum: isNullable ? [...values, null] : values };
  },

  array: (schema, isNullable, write) => ({
    ...typed("array", isNullable),
    items: write(defOf(schema).element),
    minItems: checkOf(schema, "min_length")?.minimum,
    maxItems: checkOf(schema, "max_length")?.maximum,
  }),

  record: (schema, isNullable, write) => ({
    ...typed("object", isNullable),
    additionalProperties: write(defOf(schema).valueType),
  }),

  object(schema, isNullable, write) {
    const { shape, catchall } = defOf(schema);
    const required = Object.keys(shape).filter((key) => !takes(shape[key], undefined));
    return {
      ...typed("object", isNullable),
      properties: mapValues(shape, write),
      required: required.length > 0 ? required : undefined,
      additionalProperties: catchall
        ? defOf(catchall).type !== "never" && write(catchall)
        : undefined,
    };
  },

  union(schema, isNullable, write) {
    const anyOf = optionsOf(schema).map(withoutNull).map(write);
    if (isNullable && !anyOf.some(({ type }) => type === "null")) anyOf.push({ type: "null" });
    return { anyOf };
  },
};

export class OpenApiGeneratorV31 {
  #definitions;
  #schemas = {};

  constructor(definitions) {
    this.#definitions = definitions;
  }

  generateDocument(config) {
    const webhooks = this.#pathsOf("webhook");
    const paths = this.#pathsOf("route");
    const components = {};
    for (const { type, componentType, name, component } of this.#definitions)
      if (type === "component") (components[componentType] ??= {})[name] = component;
    return {
      ...config,
      components: { ...components, schemas: this.#schemas, parameters: {} },
      paths,
      webhooks,
    };
  }

  #pathsOf(kind) {
    const paths = {};
    for (const { type, [type]: route } of this.#definitions)
      if (type === kind) Object.assign((paths[route.path] ??= {}), this.#operation(route));
    return paths;
  }

  #operation({ method, path: _path, request = {}, responses, ...rest }) {
    const answers = mapValues(responses, (response) => this.#response(response));
    const query = this.#parameters(request.query, "query");
    const parameters = [
      ...this.#parameters(request.params, "path"),
      ...query,
      ...this.#parameters(request.headers, "header"),
    ];
    return {
      [method]: {
        ...rest,
        ...(parameters.length > 0 && { parameters }),
        ...(request.body && { requestBody: this.#body(request.body) }),
        responses: answers,
      },
    };
  }

  #body({ content, ...rest }) {
    return { ...rest, content: this.#content(content) };
  }

  #response({ content, headers, ...rest }) {
    const written = content && { content: this.#content(content) };
    return {
      ...rest,
      ...(headers && {
        headers: mapValues(defOf(headers).shape, (schema) => this.#parameter(schema)),
      }),
      ...written,
    };
  }

  #content(content) {
    return mapValues(content, ({ schema, ...rest }) => ({
      ...rest,
      schema: "_zod" in schema ? this.#write(schema) : schema,
    }));
  }

  #parameters(schema, place) {
    if (!schema) return [];
    const fields = Object.entries(defOf(unwrapped(schema)).shape);
    return fields.map(([name, field]) =>
      Object.assign(this.#parameter(field), { name, in: place }),
    );
  }

  #parameter(schema) {
    const { description } = metaOf(schema);
    return {
      schema: this.#write(schema),
      required: !takes(schema, undefined) && !takes(schema, null),
      ...(description && { description }),
    };
  }

  /** A schema, or a reference to it where it has an id. */
  #write = (schema) => {
    const { id, ...meta } = metaOf(schema);
    const isNullable = takes(schema, null);
    if (!id) return this.#whole(schema, isNullable, meta);
    const reference = { $ref: `#/components/schemas/${id}` };
    if (!(id in this.#schemas)) {
      // Before its parts, which come behind it and may refer to it.
      this.#schemas[id] = {};
      this.#schemas[id] = this.#whole(schema, isNullable, meta);
    }
    // Written first where it takes null, it takes null wherever it is named; and the reverse.
    const { type } = this.#schemas[id];
    return isNullable && type && !type.includes("null")
      ? { allOf: [reference, typed(type, true)] }
      : reference;
  };

  #whole(schema, isNullable, meta) {
    const inner = unwrapped(schema);
    const { type } = defOf(inner);
    if (meta.type) return withoutUndefined({ type: meta.type, ...meta });
    if (!(type in KINDS) || "discriminator" in defOf(inner))
      throw new Error(`The bundle writes no schema of the kind "${type}": see src/http/bundled/`);
    return withoutUndefined({ ...KINDS[type](inner, isNullable, this.#write), ...meta });
  }
}
