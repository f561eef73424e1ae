/** Schemas as trees of fields that can be opened. */

import type { Document, Schema } from "../../pages/docs/document.ts";
import { typesOf } from "../../pages/docs/example.ts";
import { html, joined, type Html } from "./html.ts";
import { inlineMarkdown } from "./markdown.ts";

/** Deeper than any schema of ours; what leads back to itself ends here. */
const DEPTH_MAX = 6;

const number = new Intl.NumberFormat("en");

function nameOf({ $ref }: Schema): string {
  return $ref?.split("/").at(-1) ?? "";
}

/** The variants, null apart. */
function variantsOf(document: Document, schema: Schema): Schema[] {
  return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].filter(
    (one) => document.resolve(one).type !== "null",
  );
}

/** What a value is, in words. */
function kindOf(document: Document, given: Schema): string {
  const schema = document.resolve(given);
  const variants = variantsOf(document, schema);
  const isNullable =
    typesOf(schema).includes("null") || variants.length < (schema.anyOf?.length ?? 0);
  const orNull = isNullable ? " or null" : "";
  if (variants.length > 0) {
    const kinds = new Set(variants.map((one) => nameOf(one) || kindOf(document, one)));
    return `${[...kinds].join(" or ")}${orNull}`;
  }
  const types = typesOf(schema).filter((type) => type !== "null");
  if (types[0] === "array" && schema.items !== undefined) {
    return `list of ${nameOf(schema.items) || kindOf(document, schema.items)}${orNull}`;
  }
  const format = schema.format === undefined ? "" : ` (${schema.format})`;
  return `${nameOf(given) || types.join(" or ") || "any value"}${format}${orNull}`;
}

function range(from: number | undefined, to: number | undefined, unit: string): string[] {
  if (from === undefined && to === undefined) return [];
  if (from === undefined) return [`at most ${number.format(to ?? 0)}${unit}`];
  if (to === undefined) return [`at least ${number.format(from)}${unit}`];
  return [from === to ? `${from}${unit}` : `${number.format(from)}–${number.format(to)}${unit}`];
}

/** The bounds of a value, each as a short text. */
function boundsOf(schema: Schema): string[] {
  const { exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  return [
    ...range(schema.minimum, schema.maximum, ""),
    ...(above === undefined ? [] : [`more than ${number.format(above)}`]),
    ...(below === undefined ? [] : [`less than ${number.format(below)}`]),
    ...range(schema.minLength, schema.maxLength, " characters"),
    ...range(schema.minItems, schema.maxItems, " items"),
  ];
}

/** Beyond that an example is told by its fields. */
const EXAMPLE_LENGTH_MAX = 120;

function shown(value: unknown): string | null {
  if (value === undefined) return null;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > EXAMPLE_LENGTH_MAX || text === "" ? null : text;
}

/** What is to know of a value besides its name: words, bounds, allowed values, an example. */
export function facts(document: Document, given: Schema, description?: string): Html {
  const schema = document.resolve(given);
  const values = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
  const example = shown(schema.example ?? schema.examples?.[0]);
  const words = description ?? schema.description;
  const byDefault = shown(schema.default);
  const told = [
    ...boundsOf(schema).map((bound) => html`${bound}`),
    ...(schema.pattern === undefined ? [] : [html`matches <code>${schema.pattern}</code>`]),
    ...(byDefault === null ? [] : [html`<code>${byDefault}</code> when left out`]),
    ...(example === null ? [] : [html`such as <code>${example}</code>`]),
  ];
  return html`${words === undefined ? null : html`<p>${inlineMarkdown(words)}</p>`}${
    values.length === 0
      ? null
      : html`<p class="bounds">
          ${values.length > 1 ? "One of " : "Always "}${joined(
            values.map((value) => html`<code>${shown(value)}</code>`),
            ", ",
          )}
        </p>`
  }${told.length === 0 ? null : html`<p class="bounds">${joined(told, " · ")}</p>`}`;
}

export interface FieldLine {
  name: string;
  schema: Schema;
  isRequired: boolean;
  description?: string | undefined;
  place?: string;
}

/** A name with all that is to know of it, and what is in it, closed. */
export function field(document: Document, line: FieldLine, depth = 0): Html {
  const { name, schema, isRequired, description, place = "" } = line;
  return html`<li>
    <p class="field">
      <code>${name}</code> <span class="kind">${kindOf(document, schema)}${place}</span>${
        isRequired ? html` <span class="required">required</span>` : null
      }
    </p>
    ${facts(document, schema, description)}${inside(document, schema, depth)}
  </li>`;
}

function fieldsOf(document: Document, schema: Schema, depth: number): Html | null {
  const lines = Object.entries(schema.properties ?? {}).map(([name, one]) =>
    field(
      document,
      { name, schema: one, isRequired: schema.required?.includes(name) ?? false },
      depth,
    ),
  );
  const { additionalProperties: more } = schema;
  if (typeof more === "object") {
    lines.push(field(document, { name: "any name", schema: more, isRequired: false }, depth));
  }
  return lines.length === 0
    ? null
    : html`<ul class="fields">
        ${lines}
      </ul>`;
}

/** The fields of an object, or of a list's objects, or of each variant. */
export function tree(document: Document, given: Schema, depth = 0): Html | null {
  if (depth > DEPTH_MAX) return null;
  const schema = document.resolve(given);
  const variants = [...variantsOf(document, schema), ...(schema.allOf ?? [])];
  if (variants.length > 0) {
    const found = variants.flatMap((one, i) => {
      const fields = tree(document, one, depth + 1);
      const title = titleOf(document, one) || `Variant ${i + 1}`;
      return fields === null ? [] : [{ title, fields }];
    });
    if (found.length === 1) return found[0]?.fields ?? null;
    return found.length === 0
      ? null
      : html`${found.map(
          ({ title, fields }) =>
            html`<details>
              <summary>${title}</summary>
              ${fields}
            </details>`,
        )}`;
  }
  if (schema.items !== undefined) return tree(document, schema.items, depth);
  return fieldsOf(document, schema, depth + 1);
}

/** What tells a variant from the others: its name, or the one value of its type. */
function titleOf(document: Document, given: Schema): string {
  const { properties = {} } = document.resolve(given);
  const type = properties["type"];
  const values = type?.enum ?? (type?.const === undefined ? [] : [type.const]);
  return nameOf(given) || (values.length === 1 ? String(values[0]) : "");
}

function inside(document: Document, schema: Schema, depth: number): Html | null {
  const found = tree(document, schema, depth + 1);
  return found === null
    ? null
    : html`<details>
        <summary>Fields</summary>
        ${found}
      </details>`;
}
