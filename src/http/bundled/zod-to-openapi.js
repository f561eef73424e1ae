/**
 * The OpenAPI generator as the bundle has it (see [alias] in wrangler.toml): without the patch that
 * adds `.openapi()` to zod's object `z`. Schemas here use zod's own `.meta()`.
 */

export {
  getOpenApiMetadata,
  OpenApiGeneratorV3,
  OpenApiGeneratorV31,
  OpenAPIRegistry,
} from "../../../node_modules/@asteasolutions/zod-to-openapi/dist/index.mjs";

export function extendZodWithOpenApi() {}
