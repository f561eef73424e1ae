import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
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

/**
 * Refuses a body that is too large, before it is parsed, and one that is not UTF-8, which JSON must
 * be.
 */
export const readableBody: MiddlewareHandler = async function readableBody(c, next) {
  return limit(c, async () => {
    const bytes = await c.req.arrayBuffer();
    try {
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    } catch {
      throw new ProblemError("malformed-json", { detail: "The body is not valid UTF-8." });
    }
    await next();
  });
};
