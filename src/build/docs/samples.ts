/** One call as curl, as fetch and by the client. A test runs them all. */

import { CLIENT_CALLS } from "./client-calls.ts";
import { mediaOf, type Document, type Operation } from "../../pages/docs/document.ts";
import { exampleOfMedia, exampleOfParameter, examplePath } from "../../pages/docs/example.ts";

/** Where `npm start` serves; a page puts its own address in its place. */
export const ADDRESS = "http://localhost:8787";

export interface Sample {
  language: "sh" | "js";
  label: string;
  text: string;
}

/** The environment's variable that holds the credential; null where none is needed. */
function credentialOf({ security = [] }: Operation): "KEY" | "OPERATOR_TOKEN" | null {
  const [first] = security;
  if (first === undefined || Object.keys(first).length === 0) return null;
  return "operatorToken" in first ? "OPERATOR_TOKEN" : "KEY";
}

/** JSON as people write it in a script. */
export function literal(value: unknown, indent = ""): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((one) => literal(one, inner))
    : Object.entries(value).map(
        ([name, one]) =>
          `${/^\w+$/.test(name) ? name : JSON.stringify(name)}: ${literal(one, inner)}`,
      );
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  const gap = isList ? "" : " ";
  const short = `${open}${gap}${parts.join(", ")}${gap}${close}`;
  if (parts.length === 0) return open + close;
  if (indent.length + short.length < 60 && !short.includes("\n")) return short;
  return `${open}\n${parts.map((part) => `${inner}${part},`).join("\n")}\n${indent}${close}`;
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Required parameters of the query, as an address has them. */
function queryOf({ parameters }: Operation): string {
  const pairs = parameters
    .filter((one) => one.in === "query" && one.required === true)
    .map((one) => `${one.name}=${encodeURIComponent(exampleOfParameter(one))}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

interface Sent {
  type: string;
  value: unknown;
}

function bodyOf(document: Document, operation: Operation): Sent | null {
  const found = mediaOf(operation.body?.content);
  return found === null ? null : { type: found[0], value: exampleOfMedia(document, found[1]) };
}

function curl(operation: Operation, body: Sent | null): string {
  const { method } = operation;
  const credential = credentialOf(operation);
  const address = `${ADDRESS}${examplePath(operation)}${queryOf(operation)}`;
  // A feed goes on, and curl shows it as it comes.
  const mode = "text/event-stream" in (operation.answers[0]?.[1].content ?? {}) ? "-N " : "";
  return [
    `curl ${mode}${method === "GET" ? "" : `-X ${method} `}${address}`,
    ...(credential === null ? [] : [`-H "Authorization: Bearer $${credential}"`]),
    ...(body === null ? [] : [`-H "Content-Type: ${body.type}"`]),
    ...(body === null ? [] : [`-d ${quoted(JSON.stringify(body.value))}`]),
  ].join(" \\\n  ");
}

function fetchCall(operation: Operation, body: Sent | null): string {
  const { method } = operation;
  const credential = credentialOf(operation);
  const address = JSON.stringify(`${ADDRESS}${examplePath(operation)}${queryOf(operation)}`);
  const headers = [
    ...(credential === null
      ? []
      : [`    Authorization: \`Bearer \${process.env.${credential}}\`,`]),
    ...(body === null ? [] : [`    "Content-Type": "${body.type}",`]),
  ];
  const options = [
    ...(method === "GET" ? [] : [`  method: "${method}",`]),
    ...(headers.length === 0 ? [] : ["  headers: {", ...headers, "  },"]),
    ...(body === null ? [] : [`  body: JSON.stringify(${literal(body.value, "  ")}),`]),
  ];
  const rest = options.length === 0 ? "" : `, {\n${options.join("\n")}\n}`;
  return `const answer = await fetch(${address}${rest});`;
}

function clientCall(operation: Operation, body: Sent | null): string | null {
  const call = CLIENT_CALLS[operation.id];
  if (call === undefined) return null;
  const credential = credentialOf(operation) ?? "KEY";
  const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) =>
    operation.parameters.find((one) => one.in === "path" && one.name === name),
  );
  const written = call
    .replace("$1", () => literal(exampleOfParameter(inPath[0] ?? { name: "id", in: "path" })))
    .replace("$code", () => literal((body?.value as { code?: string } | undefined)?.code))
    .replace("$body", () => literal(body?.value));
  return `import { Codedrop } from "codedrop/client";

const codedrop = new Codedrop({
  baseUrl: "${ADDRESS}",
  key: process.env.${credential},
});
${written}`;
}

export function samplesOf(document: Document, operation: Operation): Sample[] {
  const body = bodyOf(document, operation);
  const client = clientCall(operation, body);
  return [
    { language: "sh", label: "curl", text: curl(operation, body) },
    { language: "js", label: "fetch", text: fetchCall(operation, body) },
    ...(client === null
      ? []
      : [{ language: "js" as const, label: "codedrop/client", text: client }]),
  ];
}
