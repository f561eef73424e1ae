/**
 * zod as the bundle has it (see [alias] in wrangler.toml), without what nothing here uses. Code here
 * imports `* as z`, so the bundler can leave things out, but for three:
 *  - The object `z` holds all of zod at once: every language's error messages, and with them two
 *    fifths of the whole Worker.
 *  - `z.string()` has a method for each format, such as `.uuid()`, and each brings its schema along.
 *    They are deprecated for `z.uuid()` and the like, which are as ever.
 *  - The namespaces `z.iso` and `z.regexes` come whole, or as here, with what is used of them.
 * What is missing is missed when the schemas are made, so that no Worker starts without it.
 */

import * as core from "../../../node_modules/zod/v4/core/index.js";
import { datetime } from "../../../node_modules/zod/v4/classic/iso.js";
import { _ZodString, ZodRecord } from "../../../node_modules/zod/v4/classic/schemas.js";
import { hostname } from "../../../node_modules/zod/v4/core/regexes.js";
import { normalizeParams } from "../../../node_modules/zod/v4/core/util.js";

export * from "../../../node_modules/zod/v4/classic/external.js";

export const iso = { datetime };
export const regexes = { hostname };

const ZodString = /* @__PURE__ */ core.$constructor("ZodString", (inst, def) => {
  core.$ZodString.init(inst, def);
  _ZodString.init(inst, def);
});

export function string(params) {
  return core._string(ZodString, params);
}

/** Without zod 3's form of one argument, whose keys are zod's own strings. */
export function record(keyType, valueType, params) {
  return new ZodRecord({ type: "record", keyType, valueType, ...normalizeParams(params) });
}

// @hono/zod-openapi hands it to extendZodWithOpenApi, which needs it no more.
export const z = undefined;
