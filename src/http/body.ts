/** What a request body must be before its schema is asked: small enough, UTF-8, plain JSON. */

import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { invalidField } from "./problem-response.ts";
import { ProblemError } from "./problems.ts";
import { BODY_BYTES_MAX } from "./schemas.ts";

const limit = bodyLimit({
  maxSize: BODY_BYTES_MAX,
  onError: () => {
    throw new ProblemError("payload-too-large", {
      detail: `The body may have ${BODY_BYTES_MAX} bytes at most.`,
    });
  },
});

const JSON_TYPE = /^application\/([\w.-]+\+)?json$/i;

function isJson(c: Context): boolean {
  return JSON_TYPE.test((c.req.header("Content-Type") ?? "").split(";")[0]?.trim() ?? "");
}

/** The body's text. Throws 400 when it is not UTF-8, which JSON must be (RFC 8259 §8.1). */
async function textOf(c: Context): Promise<string> {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
    const text = decoder.decode(await c.req.arrayBuffer());
    // The validators take it from here; they would decode it again.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
    return text;
  } catch {
    throw new ProblemError("malformed-json", { detail: "The body is not valid UTF-8." });
  }
}

/** Refuses a field called __proto__ anywhere: JavaScript would not keep it like any other. */
function refusePrototype(text: string): void {
  // The name may be written with escapes; most bodies are spared the second parse.
  if (!text.includes("__proto__") && !text.includes("\\u")) return;
  let found = false;
  try {
    JSON.parse(text, (key, value: unknown) => {
      if (key === "__proto__") found = true;
      return value;
    });
  } catch {
    // Not JSON, or too deep: the validator says so.
  }
  if (found) throw invalidField("", "A field may not be called __proto__.");
}

/** For routes whose JSON body a schema will judge. */
export const readableBody: MiddlewareHandler = async function readableBody(c, next) {
  // The validators do not know every spelling that RFC 9110 §8.3.1 allows, such as "json ;
  // charset".
  if (isJson(c) && c.req.header("Content-Type") !== "application/json") {
    const headers = new Headers(c.req.raw.headers);
    headers.set("Content-Type", "application/json");
    c.req.raw = new Request(c.req.raw, { headers });
  }
  return limit(c, async () => {
    refusePrototype(await textOf(c));
    await next();
  });
};

/** For routes that take no body: none, or an empty JSON object. */
export const noBody: MiddlewareHandler = async function noBody(c, next) {
  return limit(c, async () => {
    const text = await textOf(c);
    if (text !== "") {
      if (!isJson(c)) throw new ProblemError("unsupported-media-type");
      let body: unknown;
      try {
        body = JSON.parse(text);
      } catch {
        throw new ProblemError("malformed-json");
      }
      const isEmptyObject =
        typeof body === "object" &&
        body !== null &&
        !Array.isArray(body) &&
        Object.keys(body).length === 0;
      if (!isEmptyObject) throw invalidField("", "This call takes no body.");
    }
    await next();
  });
};
