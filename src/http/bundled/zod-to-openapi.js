/**
 * The OpenAPI generator as the bundle has it (see [alias] in wrangler.toml): nothing. Routes tell it
 * of themselves as they are made, and nobody asks: the document is made when the pages are built,
 * by the library itself.
 */

export function extendZodWithOpenApi() {}

export class OpenAPIRegistry {
  definitions = [];

  registerPath() {}
}

export const OpenApiGeneratorV3 = undefined;
export const OpenApiGeneratorV31 = undefined;
export const getOpenApiMetadata = undefined;
