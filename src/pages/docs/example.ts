/** Values for samples, as the document's examples and bounds have them. */

import type { Document, Media, Operation, Parameter, Schema } from "./document.ts";

/** For a path's ids and slugs where the document has no example. */
const NAMES: Record<string, string> = {
  brand: "acme",
  campaign: "welcome",
  user_id: "u-1",
  key: "key_1m84hj99m7x32y96r3bk",
  batch: "bat_1m84hj99m7x32y96r3bk",
  import: "imp_1m84hj99m7x32y96r3bk",
  claim: "clm_1m84hj99m7x32y96r3bkb3fm6nbkw4pty9rkp4kx5rypvg0",
  hold: "hld_1m84hj99m7x32y96r3bk001",
  redemption: "rdm_1m84hj99m7x32y96r3bk001",
  endpoint: "whe_1m84hj99m7x32y96r3bk",
  delivery: "dlv_1m84hj99m7x32y96r3bk001",
  erasure: "era_1m84hj99m7x32y96r3bk",
  slug: "codes-exhausted",
};

export function typesOf({ type }: Schema): string[] {
  return type === undefined ? [] : [type].flat();
}

function ofType(document: Document, schema: Schema): unknown {
  const [type = "any"] = typesOf(schema);
  switch (type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, field]) => [
          name,
          exampleOf(document, field),
        ]),
      );
    case "array":
      return schema.items === undefined ? [] : [exampleOf(document, schema.items)];
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return schema.format === "date-time" ? "2026-12-24T18:00:00.000Z" : "…";
  }
}

/** A value of the schema: the document's own, or one made up. */
function exampleOf(document: Document, given: Schema): unknown {
  const schema = document.resolve(given);
  const own = schema.example ?? schema.examples?.[0] ?? schema.const ?? schema.enum?.[0];
  if (own !== undefined) return own;
  const [one] = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return one === undefined ? ofType(document, schema) : exampleOf(document, one);
}

export function exampleOfMedia(document: Document, media: Media): unknown {
  const [named] = Object.values(media.examples ?? {});
  return media.example ?? named?.value ?? exampleOf(document, media.schema ?? {});
}

const textOf = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

export function exampleOfParameter({ name, example, schema = {} }: Parameter): string {
  const own = example ?? schema.example ?? schema.examples?.[0];
  return own === undefined ? (NAMES[name] ?? name) : textOf(own);
}

/** The path with an example in each place. */
export function examplePath({ path, parameters }: Operation): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = parameters.find((one) => one.in === "path" && one.name === name);
    return encodeURIComponent(exampleOfParameter(parameter ?? { name, in: "path" }));
  });
}
