/**
 * zod as the bundle has it (see [alias] in wrangler.toml): without the object `z`, which holds all of
 * zod at once. Code here imports `* as z`, so the bundler can leave out what is not used: every
 * language's error messages, and with them two fifths of the whole Worker.
 */

export * from "../../../node_modules/zod/v4/classic/external.js";

// @hono/zod-openapi hands it to extendZodWithOpenApi, which needs it no more.
export const z = undefined;
