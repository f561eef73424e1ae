/** The client's hand-written types and calls, held against the OpenAPI document. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { Codedrop, type ProblemSlug } from "../../src/client/client.ts";
import { Export, List } from "../../src/client/lists.ts";
import type { problems } from "../../src/http/problems.ts";
import { openApiDocument } from "../../src/reference/document.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** Programs are started, which a busy machine takes its time for. */
const SLOW = { timeout: 60_000 };

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
}

interface Media {
  content?: Record<string, { schema: Schema }>;
}

interface Operation {
  security?: object[];
  parameters?: { in: string; name: string; required?: boolean; schema: Schema }[];
  requestBody?: Media;
  responses: Record<string, Media>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const document = JSON.parse(JSON.stringify(openApiDocument())) as Document;
const { schemas } = document.components;

/** Each call of the document that takes a credential, by its method and path. */
const served = new Map<string, Operation>(
  Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods)
      .filter(([, { security }]) => (security?.length ?? 0) > 0)
      .map(([method, operation]) => [`${method.toUpperCase()} ${template}`, operation]),
  ),
);

/** The client's methods that make it. */
const METHODS: Record<string, string[]> = {
  "POST /v1/brands": ["brands.create"],
  "GET /v1/brands": ["brands.list"],
  "GET /v1/brands/{brand}": ["brands.get"],
  "PATCH /v1/brands/{brand}": ["brands.update"],
  "GET /v1/brand": ["brand.get"],
  "PATCH /v1/brand": ["brand.update"],
  "POST /v1/brand/rotate-check-key": ["brand.rotateCheckKey"],
  "POST /v1/keys": ["keys.create"],
  "GET /v1/keys": ["keys.list"],
  "GET /v1/keys/{key}": ["keys.get"],
  "PATCH /v1/keys/{key}": ["keys.update"],
  "DELETE /v1/keys/{key}": ["keys.revoke"],
  "POST /v1/keys/{key}/rotate": ["keys.rotate"],
  "POST /v1/campaigns": ["campaigns.create"],
  "GET /v1/campaigns": ["campaigns.list"],
  "GET /v1/campaigns/{campaign}": ["campaigns.get", "campaigns.view"],
  "PATCH /v1/campaigns/{campaign}": ["campaigns.update"],
  "POST /v1/campaigns/{campaign}/pause": ["campaigns.pause"],
  "POST /v1/campaigns/{campaign}/resume": ["campaigns.resume"],
  "POST /v1/campaigns/{campaign}/end": ["campaigns.end"],
  "GET /v1/campaigns/{campaign}/live": ["campaigns.live"],
  "GET /v1/campaigns/{campaign}/stats": ["stats"],
  "GET /v1/campaigns/{campaign}/integrity": ["integrity"],
  "POST /v1/campaigns/{campaign}/batches": ["batches.create"],
  "GET /v1/campaigns/{campaign}/batches": ["batches.list"],
  "GET /v1/batches/{batch}": ["batches.get"],
  "POST /v1/batches/{batch}/cancel": ["batches.cancel"],
  "POST /v1/campaigns/{campaign}/imports": ["imports.create"],
  "GET /v1/campaigns/{campaign}/imports": ["imports.list"],
  "GET /v1/imports/{import}": ["imports.get"],
  "GET /v1/imports/{import}/errors": ["imports.errors"],
  "GET /v1/campaigns/{campaign}/codes": ["codes.list"],
  "GET /v1/campaigns/{campaign}/codes/export": ["codes.export"],
  "POST /v1/codes/revoke": ["codes.revoke"],
  "POST /v1/codes/lookup": ["codes.lookup"],
  "POST /v1/codes/validate": ["codes.validate"],
  "POST /v1/codes/bulk-validate": ["codes.validateMany"],
  "POST /v1/campaigns/{campaign}/claims": ["claims.create"],
  "GET /v1/campaigns/{campaign}/claims": ["claims.list"],
  "GET /v1/campaigns/{campaign}/claims/export": ["claims.export"],
  "GET /v1/claims/{claim}": ["claims.get"],
  "POST /v1/claims/{claim}/reveal": ["claims.reveal"],
  "POST /v1/redemptions": ["redemptions.create"],
  "POST /v1/codes/bulk-redeem": ["redemptions.createMany"],
  "GET /v1/redemptions/{redemption}": ["redemptions.get"],
  "POST /v1/redemptions/{redemption}/rollback": ["redemptions.rollBack"],
  "GET /v1/campaigns/{campaign}/redemptions/export": ["redemptions.export"],
  "POST /v1/holds": ["holds.create"],
  "GET /v1/holds/{hold}": ["holds.get"],
  "DELETE /v1/holds/{hold}": ["holds.release"],
  "GET /v1/events": ["events.list"],
  "POST /v1/webhook-endpoints": ["webhookEndpoints.create"],
  "GET /v1/webhook-endpoints": ["webhookEndpoints.list"],
  "GET /v1/webhook-endpoints/{endpoint}": ["webhookEndpoints.get"],
  "PATCH /v1/webhook-endpoints/{endpoint}": ["webhookEndpoints.update"],
  "DELETE /v1/webhook-endpoints/{endpoint}": ["webhookEndpoints.delete"],
  "POST /v1/webhook-endpoints/{endpoint}/rotate-secret": ["webhookEndpoints.rotateSecret"],
  "POST /v1/webhook-endpoints/{endpoint}/test": ["deliveries.test"],
  "GET /v1/deliveries": ["deliveries.list"],
  "GET /v1/deliveries/{delivery}": ["deliveries.get"],
  "POST /v1/deliveries/{delivery}/retry": ["deliveries.retry"],
  "GET /v1/users/{user_id}": ["users.get"],
  "DELETE /v1/users/{user_id}": ["users.erase"],
  "GET /v1/erasures/{erasure}": ["users.erasure"],
  "GET /v1/audit-log": ["auditLog.list"],
  "GET /v1/audit-log/verify": ["auditLog.verify"],
};

/** Made of calls above. */
const HELPERS = ["batches.watch", "imports.watch"];

/** Schemas that the client has no type of: what is in them is held with the calls. */
const isCallsOwn = (name: string) => /Page$|^(LookUp|User|Health)$/.test(name);

const HELD = Object.keys(schemas).filter((name) => !isCallsOwn(name));

/** Types of the client that are no schema's, but parts of them, or what calls take. */
const OWN = [
  "ClaimCreated",
  "CodeExpired",
  "CodeReason",
  "CodeRedeemed",
  "CodeStatus",
  "Contact",
  "DeliveryAttempt",
  "ExportedClaim",
  "ExportedCode",
  "ExportedRedemption",
  "Page",
  "Paging",
  "RedemptionRolledBack",
  "RowReason",
  "Scope",
  "StatsWindow",
  "WebhookEventType",
  "WebhookTest",
];

const STEM = "#/components/schemas/";

/** A schema as the TypeScript type of its values. */
function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.replace(STEM, "Served_");
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join("|");
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => `(${typeOf(one)})`).join("|");
  if (Array.isArray(schema.type)) {
    return schema.type.map((type) => `(${typeOf({ ...schema, type })})`).join("|");
  }
  switch (schema.type) {
    case "integer":
      return "number";
    case "array":
      return `(${typeOf(schema.items ?? {})})[]`;
    case "object": {
      const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => {
        const mark = schema.required?.includes(name) === true ? "" : "?";
        return `${JSON.stringify(name)}${mark}: ${typeOf(field)}`;
      });
      if (typeof schema.additionalProperties === "object") {
        return `Record<string, ${typeOf(schema.additionalProperties)}>`;
      }
      return `{ ${fields.join("; ")} }`;
    }
    case undefined:
      return "unknown";
    default:
      return schema.type;
  }
}

/** What the checks of a program are made of. */
const PRELUDE = `
  import type * as Client from "${path.join(root, "src/client/client.ts")}";
  type Flat<T> = T extends object ? { [K in keyof T]: Flat<T[K]> } : T;
  type Exact<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2)
    ? true
    : { "the client has": A; "the document has": B };
  type Same<A, B> = Exact<Flat<A>, Flat<B>>;
`;

/** The document's schemas as types, each as Served_ and its name. */
function servedTypes(): string {
  return Object.entries(schemas)
    .map(([name, schema]) => `type Served_${name} = ${typeOf(schema)};`)
    .join("\n");
}

/** A program that compiles only if each type is the schema's, field by field, no more, no less. */
function proof(names: readonly string[]): string {
  const checks = names.map((name) => {
    // A nullable schema is null wherever it is used; the client says so at each place.
    const theirs = `NonNullable<Served_${name}>`;
    return `export const ${name}: Same<Client.${name}, ${theirs}> = true;`;
  });
  return [PRELUDE, servedTypes(), ...checks].join("\n");
}

/** What the compiler says of a program; nothing when it is right. */
function compile(program: string): string {
  // Within the tree, so that the compiler's settings are the client's own.
  const folder = mkdtempSync(path.join(root, "node_modules/.client-contract-"));
  try {
    writeFileSync(path.join(folder, "proof.ts"), program);
    writeFileSync(
      path.join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: path.join(root, "src/client/tsconfig.json"),
        compilerOptions: { noUnusedLocals: false },
        include: ["proof.ts"],
      }),
    );
    const tsc = path.join(root, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8", stdio: "pipe" });
    return "";
  } catch (error) {
    return String((error as { stdout?: string }).stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the client's types", SLOW, () => {
  it("are those of the document", () => {
    expect(HELD.length).toBeGreaterThan(60);
    expect(compile(proof(HELD))).toBe("");
  });

  it("are no others than those of the document and the parts that are named above", () => {
    const folder = path.join(root, "src/client");
    const files = readdirSync(folder).filter((file) => file.endsWith("types.ts"));
    const names = files.flatMap((file) =>
      readFileSync(path.join(folder, file), "utf8")
        .matchAll(/^export (?:interface|type) (\w+)/gm)
        .map(([, name = ""]) => name)
        .toArray(),
    );
    expect(names.filter((name) => !HELD.includes(name)).toSorted()).toEqual(OWN);
  });

  it("would not pass with a field too few, too many, or of another type", () => {
    const { Batch: batch } = schemas;
    const { status: _, ...fewer } = batch?.properties ?? {};
    for (const properties of [
      fewer,
      { ...batch?.properties, more: { type: "string" } },
      { ...batch?.properties, created: { type: "string" } },
    ]) {
      const before = schemas["Batch"] as Schema;
      schemas["Batch"] = { ...batch, properties };
      expect(compile(proof(["Batch"]))).toContain("error TS2322");
      schemas["Batch"] = before;
    }
  });

  it("name every problem of the service", () => {
    // The compiler is the test: a slug that the client lacks does not fit.
    const known: (slug: keyof typeof problems) => ProblemSlug = (slug) => slug;
    expect(known("not-found")).toBe("not-found");
  });
});

/** What a call takes besides its path, and what it answers, as types. */
function partsOf(operation: Operation) {
  const named = (place: string) =>
    (operation.parameters ?? []).filter((parameter) => parameter.in === place);
  const query = named("query").map(
    ({ name, required, schema }) => `${name}${required === true ? "" : "?"}: ${typeOf(schema)}`,
  );
  const json = operation.requestBody?.content?.["application/json"]?.schema;
  const good = Object.entries(operation.responses).filter(([status]) => status < "300");
  return {
    paths: named("path").map(({ name }) => name),
    query: named("query").map(({ name }) => name),
    queryType: `{ ${query.join("; ")} }`,
    bodyType: json === undefined ? null : typeOf(json),
    headers: named("header").map(({ name }) => name),
    answers: good.flatMap(([, { content = {} }]) => Object.entries(content)),
  };
}

/** The client's options that stand for a header. */
const HEADERS: Record<string, string> = {
  "idempotency-key": "idempotencyKey",
  "codedrop-user-token": "userToken",
};

/** Where the client's arguments are deliberately others than the document's, what is held. */
const ARGUMENTS: Record<string, (parts: ReturnType<typeof partsOf>) => string> = {
  // One field: the client takes it as it is.
  "codes.lookup": ({ bodyType }) => `Same<{ code: Given[0] }, ${bodyType}>`,
  // Both or none.
  "auditLog.verify": ({ queryType }) => `Same<NonNullable<Given[0]>, Required<${queryType}>>`,
  // A sequence is a number to whoever counts.
  "events.list": ({ queryType }) => `Same<
    Given[0],
    Omit<${queryType}, "after"> & { after?: Required<${queryType}>["after"] | number }
  >`,
  // A body is a stream, too; what it is and whether it counts is among the options.
  "imports.create": ({ queryType }) => `Same<
    [Given[0], { dry_run?: "true" | "false" }],
    [string, ${queryType}]
  >`,
};

/** Options of one call only. */
const OPTIONS: Record<string, string[]> = { "imports.create": ["type", "dryRun"] };

/** The document's answer as the client's method gives it; null where it is a text's rows. */
function answerType({ answers }: ReturnType<typeof partsOf>): string | null {
  if (answers.length === 0) return "Promise<void>";
  const types = new Set(answers.map(([type]) => type));
  if (types.has("text/csv")) return null;
  const [[type, { schema }] = ["", { schema: {} as Schema }]] = answers;
  const whole = answers.map(([, { schema: one }]) => `NonNullable<${typeOf(one)}>`).join("|");
  if (type === "text/event-stream") return `AsyncGenerator<${whole}, void>`;
  const row = schemas[(schema.$ref ?? "").replace(STEM, "")]?.properties?.["data"];
  const isList = (schema.$ref ?? "").endsWith("Page") || (schema.$ref ?? "").endsWith("/User");
  return isList ? `Client.List<${typeOf(row?.items ?? {})}>` : `Promise<${whole}>`;
}

/** A program that compiles only if each method takes and gives what its call does. */
function callsProof(): string {
  const checks = [...served].flatMap(([route, operation]) => {
    const parts = partsOf(operation);
    const methods = METHODS[route] ?? [];
    const typeOfMethod = (name: string) =>
      `Client.Codedrop${name
        .split(".")
        .map((part) => `["${part}"]`)
        .join("")}`;
    const given = [
      ...parts.paths.map(() => "string"),
      ...(parts.bodyType === null ? [] : [parts.bodyType]),
      ...(parts.query.length === 0 ? [] : [parts.queryType]),
    ];
    const results = methods.map((name) => `ReturnType<${typeOfMethod(name)}>`).join("|");
    const expected = answerType(parts);
    const answers =
      expected === null
        ? `${results} extends Client.Export<object> ? true : never`
        : `SameAnswer<${results}, ${expected}>`;
    return methods.flatMap((name) => {
      const method = typeOfMethod(name);
      const constant = name.replace(".", "_");
      const options = [
        "signal",
        "timeoutMs",
        ...parts.headers.map((header) => HEADERS[header] ?? header),
        ...(OPTIONS[name] ?? []),
      ];
      const keys = options.map((option) => `"${option}"`).join("|");
      const held = ARGUMENTS[name]?.(parts) ?? `Same<Given, [${given.join(", ")}]>`;
      return [
        `export const ${constant}_takes: ${held.replaceAll("Given", `Given<${method}>`)} = true;`,
        `export const ${constant}_options: Exact<keyof Options<${method}>, ${keys}> = true;`,
        `export const ${constant}_answers: ${answers} = true;`,
      ];
    });
  });
  const helpers = `
    type All<M extends (...args: never[]) => unknown> = Required<Parameters<M>>;
    type Given<M extends (...args: never[]) => unknown> =
      All<M> extends [...infer Init, unknown] ? Init : never;
    type Options<M extends (...args: never[]) => unknown> =
      All<M> extends [...unknown[], infer Last] ? Last : never;
    type Row<R> = R extends Client.List<infer One> ? One : never;
    type Streamed<R> = R extends AsyncGenerator<infer One, void> ? One : never;
    type SameAnswer<A, B> = Same<
      [Awaited<Extract<A, Promise<unknown>>>, Row<A>, Streamed<A>],
      [Awaited<Extract<B, Promise<unknown>>>, Row<B>, Streamed<B>]
    >;`;
  return [PRELUDE, servedTypes(), helpers, ...checks].join("\n");
}

type Method = (...args: unknown[]) => unknown;

function methodOf(codedrop: Codedrop, name: string): Method {
  const [at = "", method = ""] = name.includes(".") ? name.split(".") : ["", name];
  const owner = (at === "" ? codedrop : codedrop[at as keyof Codedrop]) as unknown as Record<
    string,
    Method
  >;
  return (...args) => owner[method]?.(...args);
}

/** What a method makes of its arguments. */
async function sentBy(name: string, args: unknown[]) {
  const sent: { url: URL; init: RequestInit }[] = [];
  const codedrop = new Codedrop({
    baseUrl: "https://codes.example",
    key: "cdk_test_x",
    fetch: (url, init) => {
      sent.push({ url: new URL(url), init });
      return Promise.resolve(new Response('{"data":[],"next_cursor":null}'));
    },
  });
  const result = methodOf(codedrop, name)(...args);
  if (result instanceof List) await result.page();
  else if (result instanceof Export) await (await result.stream()).cancel();
  else if (name === "campaigns.live") {
    await expect((result as AsyncGenerator).next()).rejects.toThrow("The connection was lost");
  } else await result;
  expect([name, sent.length]).toEqual([name, 1]);
  const [{ url, init }] = sent as [(typeof sent)[0]];
  return { url, method: init.method, headers: new Headers(init.headers), body: init.body };
}

describe("the client", SLOW, () => {
  it("makes every call of the document that takes a credential, and has no other method", () => {
    expect(served.size).toBeGreaterThan(60);
    expect(Object.keys(METHODS).toSorted()).toEqual([...served.keys()].toSorted());
    const codedrop = new Codedrop({ baseUrl: "https://codes.example", key: "x" });
    const methodsIn = (object: object) =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(object)).filter(
        (name) => name !== "constructor",
      );
    const methods = Object.entries(codedrop).flatMap(([at, calls]: [string, object]) =>
      methodsIn(calls).map((name) => `${at}.${name}`),
    );
    expect([...methodsIn(codedrop), ...methods].toSorted()).toEqual(
      [...Object.values(METHODS).flat(), ...HELPERS].toSorted(),
    );
  });

  it("takes and gives in each call what the document says", () => {
    expect(compile(callsProof())).toBe("");
  });

  it("would not pass with a parameter, header or answer more, fewer, or other", () => {
    const change = (route: string, to: (operation: Operation) => Partial<Operation>) => {
      const operation = served.get(route) as Operation;
      served.set(route, { ...operation, ...to(operation) });
      return () => served.set(route, operation);
    };
    const extra = { in: "query", name: "extra", schema: { type: "string" } };
    const undo = [
      change("GET /v1/events", ({ parameters = [] }) => ({ parameters: [...parameters, extra] })),
      change("GET /v1/deliveries", ({ parameters = [] }) => ({ parameters: parameters.slice(1) })),
      change("POST /v1/holds", () => ({ parameters: [] })),
      change("GET /v1/holds/{hold}", () => ({
        responses: (served.get("GET /v1/claims/{claim}") as Operation).responses,
      })),
      change("PATCH /v1/brand", () => ({
        requestBody: (served.get("POST /v1/brands") as Operation).requestBody as Media,
      })),
      change("GET /v1/keys", () => ({
        responses: (served.get("GET /v1/campaigns") as Operation).responses,
      })),
    ];
    const said = compile(callsProof());
    for (const restore of undo) restore();
    expect(said.match(/error TS/g)?.length).toBe(undo.length);
  });

  it("sends each call as the document has it", async () => {
    for (const [route, operation] of served) {
      const { paths, query, bodyType, headers } = partsOf(operation);
      for (const name of METHODS[route] ?? []) {
        const asked = Object.fromEntries(query.map((key) => [key, `value of ${key}`]));
        const options = { idempotencyKey: "mine", userToken: "a.b.c" };
        const isImport = name === "imports.create";
        const body = name === "codes.lookup" ? { code: "x" } : { field: "x" };
        const args = [
          ...paths.map((key) => `{${key}}`),
          ...(bodyType === null || isImport ? [] : [name === "codes.lookup" ? "x" : body]),
          ...(query.length === 0 || isImport ? [] : [asked]),
          ...(isImport ? ["A\n", { ...options, type: "text/csv", dryRun: true }] : [options]),
        ];
        const sent = await sentBy(name, args);
        const template = decodeURIComponent(sent.url.pathname);
        expect([name, `${sent.method} ${template}`]).toEqual([name, route]);
        const expected = isImport ? { dry_run: "true" } : asked;
        expect([name, Object.fromEntries(sent.url.searchParams)]).toEqual([name, expected]);
        const ofUser = ["idempotency-key", "codedrop-user-token"].filter((header) =>
          sent.headers.has(header),
        );
        expect([name, ofUser]).toEqual([name, headers]);
        const text = isImport ? "A\n" : bodyType === null ? undefined : JSON.stringify(body);
        expect([name, sent.body]).toEqual([name, text]);
      }
    }
  });
});
