/**
 * zod's JSON Schema as the bundle has it (see [alias] in wrangler.toml): nothing. Each schema knows
 * how to write itself as one, with `.toJSONSchema()`, and nobody asks: the reference is made by the
 * OpenAPI generator beside this file.
 */

function none() {
  throw new Error("zod's JSON Schema is not in the bundle: see src/http/bundled/");
}

const without = () => none;

export {
  without as createStandardJSONSchemaMethod,
  without as createToJSONSchemaMethod,
  none as toJSONSchema,
  none as aggregateChecks,
  none as anyProcessor,
  none as arrayProcessor,
  none as bigintProcessor,
  none as booleanProcessor,
  none as catchProcessor,
  none as customProcessor,
  none as dateProcessor,
  none as defaultProcessor,
  none as enumProcessor,
  none as fileProcessor,
  none as functionProcessor,
  none as intersectionProcessor,
  none as lazyProcessor,
  none as literalProcessor,
  none as mapProcessor,
  none as nanProcessor,
  none as neverProcessor,
  none as nonoptionalProcessor,
  none as nullProcessor,
  none as nullableProcessor,
  none as numberProcessor,
  none as objectProcessor,
  none as optionalProcessor,
  none as pipeProcessor,
  none as prefaultProcessor,
  none as promiseProcessor,
  none as readonlyProcessor,
  none as recordProcessor,
  none as setProcessor,
  none as stringProcessor,
  none as successProcessor,
  none as symbolProcessor,
  none as templateLiteralProcessor,
  none as transformProcessor,
  none as tupleProcessor,
  none as undefinedProcessor,
  none as unionProcessor,
  none as unknownProcessor,
  none as voidProcessor,
};
