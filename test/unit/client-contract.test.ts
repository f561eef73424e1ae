/** The client's hand-written types and calls, held against the OpenAPI document. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { Codedrop, type ProblemSlug } from "../../src/client/client.ts";
import type { problems } from "../../src/http/problems.ts";
import { openApiDocument } from "../../src/http/reference.ts";

const root = path.resolve(import.meta.dirname, "../..");

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

interface Document {
  paths: Record<string, Record<string, { security?: object[] }>>;
  components: { schemas: Record<string, Schema> };
}

const document = JSON.parse(JSON.stringify(openApiDocument())) as Document;
const { schemas } = document.components;

/** Schemas of the document whose types the client has, under the same names. */
const HELD = [
  "ApiKey",
  "ApiKeyWithText",
  "AuditEntry",
  "AuditVerdict",
  "Batch",
  "Brand",
  "BrandChange",
  "BrandWithKeys",
  "BulkRedemption",
  "BulkValidation",
  "Campaign",
  "CampaignUpdate",
  "Claim",
  "CheckKeyRotation",
  "Code",
  "CodeFormat",
  "CodeHistory",
  "CodeRedemption",
  "CodeValidation",
  "CodeVerdict",
  "Consent",
  "Challenge",
  "ConsentTerms",
  "NewChallenge",
  "Delivery",
  "Discount",
  "Erasure",
  "Event",
  "Hold",
  "Identity",
  "Import",
  "ImportError",
  "ImportSummary",
  "Integrity",
  "KeyRotation",
  "KeyUpdate",
  "LiveStock",
  "NewApiKey",
  "NewBatch",
  "NewBrand",
  "NewBulkRedemption",
  "NewBulkValidation",
  "NewCampaign",
  "NewClaim",
  "NewHold",
  "NewIdentity",
  "NewRedemption",
  "NewRevocation",
  "NewRollback",
  "NewValidation",
  "NewWebhookEndpoint",
  "Order",
  "Problem",
  "ProfileChange",
  "PublicCampaign",
  "Redemption",
  "Revocation",
  "SecretRotation",
  "Stats",
  "UserInCampaign",
  "Validation",
  "WebhookEndpoint",
  "WebhookEndpointUpdate",
  "WebhookEndpointWithSecret",
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

/** A program that compiles only if each type is the schema's, field by field, no more, no less. */
function proof(names: readonly string[]): string {
  const served = Object.entries(schemas).map(
    ([name, schema]) => `type Served_${name} = ${typeOf(schema)};`,
  );
  const checks = names.map((name) => {
    // A nullable schema is null wherever it is used; the client says so at each place.
    const theirs = `NonNullable<Served_${name}>`;
    return `export const ${name}: Same<Client.${name}, ${theirs}> = true;`;
  });
  return `
    import type * as Client from "${path.join(root, "src/client/client.ts")}";
    type Flat<T> = T extends object ? { [K in keyof T]: Flat<T[K]> } : T;
    type Exact<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2)
      ? true
      : { "the client has": A; "the document has": B };
    type Same<A, B> = Exact<Flat<A>, Flat<B>>;
    ${served.join("\n")}
    ${checks.join("\n")}
  `;
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

describe("the client's types", () => {
  it("are those of the document", () => {
    expect(HELD.filter((name) => schemas[name] === undefined)).toEqual([]);
    expect(compile(proof(HELD))).toBe("");
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

/** Every call that the client makes, as its method and path. */
async function callsOf(): Promise<string[]> {
  const calls: string[] = [];
  const codedrop = new Codedrop({
    baseUrl: "https://codes.example",
    key: "cdk_test_x",
    fetch: (url, init) => {
      calls.push(`${init.method} ${new URL(url).pathname}`);
      const isExport = url.includes("/export");
      return Promise.resolve(new Response(isExport ? "" : '{"data":[],"next_cursor":null}'));
    },
  });
  const { brand, brands, keys, campaigns, batches, imports, codes } = codedrop;
  const {
    claims,
    holds,
    redemptions,
    events,
    webhookEndpoints: hooks,
    deliveries,
    users,
  } = codedrop;
  const type = "text/csv";
  const [newBrand, id, claim] = [{ name: "x" }, "{id}", { user: { id: "u-1" } }];
  await Promise.all([
    brand.get(),
    brand.update({}),
    brand.rotateCheckKey(),
    brands.create(newBrand),
    brands.get(id),
  ]);
  await Promise.all([brands.list().page(), brands.update(id, {})]);
  const key = { kind: "secret", mode: "test", name: "x" } as const;
  await Promise.all([keys.create(key), keys.list().page(), keys.get(id), keys.update(id, {})]);
  await Promise.all([keys.rotate(id, { overlap_seconds: 0 }), keys.revoke(id)]);
  await Promise.all([campaigns.create({ name: "x" }), campaigns.get(id), campaigns.update(id, {})]);
  await Promise.all([campaigns.pause(id), campaigns.resume(id), campaigns.end(id)]);
  await Promise.all([campaigns.list().page(), batches.list(id).page(), batches.get(id)]);
  await Promise.all([batches.create(id, { count: 1 }), batches.cancel(id)]);
  await Promise.all([imports.create(id, "", { type }), imports.get(id)]);
  await Promise.all([imports.list(id).page(), imports.errors(id).page()]);
  await Promise.all([codes.list(id).page(), codes.export(id).stream(), codes.lookup("x")]);
  await Promise.all([codes.validate({ code: "x" }), codes.revoke({ codes: ["x"] })]);
  await Promise.all([claims.create(id, claim), claims.get(id), claims.list(id).page()]);
  await Promise.all([claims.export(id).stream(), redemptions.export(id).stream()]);
  await Promise.all([claims.reveal(id), codes.validateMany({ codes: [] })]);
  const order = { code: "x", order_id: "o" };
  await Promise.all([redemptions.create(order), redemptions.get(id)]);
  const many = redemptions.createMany({ redemptions: [] });
  await Promise.all([many, redemptions.rollBack(id, { reason: "x" })]);
  await Promise.all([holds.create({ ...order, ttl_seconds: 1 }), holds.get(id), holds.release(id)]);
  await Promise.all([users.get(id).page(), users.erase(id), users.erasure(id)]);
  await Promise.all([codedrop.stats(id), codedrop.integrity(id), events.list().page()]);
  await expect(campaigns.live(id).next()).rejects.toThrow("The connection was lost");
  const hook = { url: "https://hooks.example/", events: ["*" as const] };
  await Promise.all([hooks.create(hook), hooks.list().page(), hooks.get(id), hooks.delete(id)]);
  await Promise.all([hooks.update(id, {}), hooks.rotateSecret(id, { overlap_seconds: 0 })]);
  await Promise.all([deliveries.list().page(), deliveries.get(id)]);
  await Promise.all([deliveries.retry(id), deliveries.test(id)]);
  await Promise.all([codedrop.auditLog.list().page(), codedrop.auditLog.verify()]);
  return calls.map((call) => call.replaceAll("%7Bid%7D", "{}"));
}

describe("the client", () => {
  it("makes every call of the document that takes a credential", async () => {
    const served = Object.entries(document.paths).flatMap(([template, methods]) =>
      Object.entries(methods)
        .filter(([, { security }]) => (security?.length ?? 0) > 0)
        .map(([method]) => `${method.toUpperCase()} ${template.replace(/\{\w+\}/g, "{}")}`),
    );
    const calls = await callsOf();
    expect(served.length).toBeGreaterThan(20);
    expect(served.filter((call) => !calls.includes(call))).toEqual([]);
  });
});
