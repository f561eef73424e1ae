/** The samples of the reference: each makes the call that it stands under, in all languages. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Validator, type Schema } from "@cfworker/json-schema";
import { describe, expect, it } from "vitest";
import { html } from "../../src/build/docs/html.ts";
import { markdown } from "../../src/build/docs/markdown.ts";
import { samplesOf } from "../../src/build/docs/samples.ts";
import { Codedrop, type ClientOptions } from "../../src/client/client.ts";
import { openApiDocument } from "../../src/reference/document.ts";
import { Document, mediaOf, type OpenApi } from "../../src/pages/docs/document.ts";
import { exampleOfMedia } from "../../src/pages/docs/example.ts";

const root = path.resolve(import.meta.dirname, "../..");
const raw = JSON.parse(JSON.stringify(openApiDocument())) as OpenApi;
const document = new Document(raw);
const { operations } = document;

interface Sent {
  method: string;
  path: string;
  body: unknown;
  authorization: string | null;
}

/** Answers everything with nothing, and keeps what was asked. */
function listener(sent: Sent[]) {
  return (url: string, init: RequestInit = {}) => {
    const { body } = init;
    sent.push({
      method: init.method ?? "GET",
      path: new URL(url).pathname,
      body: typeof body === "string" ? JSON.parse(body) : null,
      authorization: new Headers(init.headers).get("Authorization"),
    });
    const isExport = url.includes("/export");
    const text = isExport ? "" : '{"data":[],"next_cursor":null}';
    return Promise.resolve(new Response(text));
  };
}

const sampleOf = (id: string, label: string) => {
  const operation = operations.find((one) => one.id === id);
  if (operation === undefined) throw new Error(`There is no ${id}`);
  return samplesOf(document, operation).find((sample) => sample.label === label)?.text ?? null;
};

type Program = (...given: unknown[]) => Promise<void>;
const AsyncFunction = async function none() {}.constructor as new (...parts: string[]) => Program;

/** What a script sends, its imports being given to it. */
async function sentBy(text: string): Promise<Sent[]> {
  const sent: Sent[] = [];
  const fetch = listener(sent);
  const program = text.replace(/^import .*\n+/, "");
  class Heard extends Codedrop {
    constructor(options: ClientOptions) {
      super({ ...options, fetch, retries: 0 });
    }
  }
  const env = { KEY: "cdk_test_x", OPERATOR_TOKEN: "operator" };
  const run = new AsyncFunction("fetch", "process", "Codedrop", "console", program);
  // A feed that ends at once is told as a lost connection, after its call.
  await run(fetch, { env }, Heard, { log: () => undefined }).catch((error: Error) => {
    if (!error.message.includes("connection was lost")) throw error;
  });
  return sent;
}

/** What a curl of the reference says that it sends. */
function sentByCurl(text: string): Sent {
  const method = /-X (\w+)/.exec(text)?.[1] ?? "GET";
  const url = /http:\S+/.exec(text)?.[0] ?? "";
  const body = /-d '([^]*)'$/.exec(text)?.[1]?.replaceAll(`'\\''`, "'") ?? null;
  const variable = /Bearer \$(\w+)/.exec(text)?.[1];
  return {
    method,
    path: new URL(url).pathname,
    body: body === null ? null : JSON.parse(body),
    authorization:
      variable === undefined ? null : `Bearer ${variable === "KEY" ? "cdk_test_x" : "operator"}`,
  };
}

describe("each sample of the reference", () => {
  it.each(operations.map(({ id }) => id))("of %s makes its call, in every language", async (id) => {
    const operation = operations.find((one) => one.id === id);
    const pattern = new RegExp(`^${operation?.path.replaceAll(/\{\w+\}/g, "[^/]+") ?? ""}$`);
    const byCurl = sentByCurl(sampleOf(id, "curl") ?? "");
    expect([byCurl.method, byCurl.path]).toEqual([
      operation?.method,
      expect.stringMatching(pattern),
    ]);
    expect(await sentBy(sampleOf(id, "fetch") ?? "")).toEqual([byCurl]);
    const byClient = sampleOf(id, "codedrop/client");
    // Health and the pages of problems are not calls of the client.
    if (byClient === null) expect(operation?.security).toEqual([]);
    else expect(await sentBy(byClient)).toEqual([byCurl]);
  });

  it("has a body that the schema takes", () => {
    const wrong: string[] = [];
    for (const { id, body } of operations) {
      const [type, media] = mediaOf(body?.content) ?? [];
      if (media === undefined || type !== "application/json") continue;
      const schema = { ...media.schema, components: raw.components } as unknown as Schema;
      const { valid, errors } = new Validator(schema, "2020-12").validate(
        exampleOfMedia(document, media),
      );
      if (!valid) wrong.push(`${id}: ${JSON.stringify(errors)}`);
    }
    expect(wrong).toEqual([]);
  });

  it("by the client has the client's types", () => {
    const programs = operations.flatMap(({ id }) => {
      const text = sampleOf(id, "codedrop/client");
      return text === null ? [] : [`async function ${id}() {${text.replace(/^import .*\n+/, "")}}`];
    });
    const folder = mkdtempSync(path.join(root, "node_modules/.docs-samples-"));
    try {
      const client = path.join(root, "src/client/client.ts");
      const head = `import { Codedrop } from "${client}";
        declare const process: { env: Record<string, string> & { KEY: string; OPERATOR_TOKEN: string } };`;
      writeFileSync(path.join(folder, "samples.ts"), [head, ...programs].join("\n"));
      writeFileSync(
        path.join(folder, "tsconfig.json"),
        JSON.stringify({
          extends: path.join(root, "src/client/tsconfig.json"),
          compilerOptions: { noUnusedLocals: false },
          include: ["samples.ts"],
        }),
      );
      const tsc = path.join(root, "node_modules/typescript/bin/tsc");
      execFileSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8", stdio: "pipe" });
    } catch (error) {
      expect(String((error as { stdout?: string }).stdout)).toBe("");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("what is put into a page", () => {
  it("is text, whatever it looks like", () => {
    const hostile = '<img src=x onerror="alert(1)">';
    expect(html`<p title="${hostile}">${[hostile, null, 1]}</p>`.text).toBe(
      '<p title="&lt;img src=x onerror=&quot;alert(1)&quot;&gt;">&lt;img src=x onerror=&quot;alert(1)&quot;&gt;1</p>',
    );
    expect(markdown(`A ${hostile}\n\n<script>1</script>\n`).text).not.toMatch(/<img|<script/);
  });
});
