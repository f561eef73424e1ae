/**
 * The OpenAPI generator as the bundle has it (see [alias] in wrangler.toml): without the patch that
 * adds `.openapi()` to zod's object `z`. Schemas here use zod's own `.meta()`.
 */

export {
  getOpenApiMetadata,
  OpenApiGeneratorV31,
  OpenAPIRegistry,
} from "../../../node_modules/@asteasolutions/zod-to-openapi/dist/index.mjs";

export function extendZodWithOpenApi() {}

// The reference is of 3.1; @hono/zod-openapi can make one of 3.0, too, and is never asked to.
export const OpenApiGeneratorV3 = undefined;
