/**
 * zod's core as the bundle has it for the files of zod's that we import (see [alias] in
 * wrangler.toml). A schema has a method for everything that can be made of it, so the bundler keeps
 * all of that; and they take a namespace, `util`, which it would keep whole. Here is what schemas
 * are made of here. The rest is missed when a schema is made, so that no Worker starts without it;
 * encoding, and other ways to write errors, when they are called. A test holds these lists against
 * the library.
 */

import { $ZodObject } from "../../../node_modules/zod/v4/core/schemas.js";
import {
  constantCatch,
  derived,
  extend,
  hide,
  installLazyProp,
  issue,
  mergeDefs,
  normalizeParams,
  own,
  partial,
  shallowClone,
} from "../../../node_modules/zod/v4/core/util.js";

export * from "../../../node_modules/zod/v4/core/index.js";

function none() {
  throw new Error("This part of zod is not in the bundle: see src/http/bundled/");
}

const without = () => none;
const None = { init: none };

/** For values that hold themselves, which no JSON does. */
export function memoizer() {}

export const util = {
  constantCatch,
  derived,
  extend,
  hide,
  installLazyProp,
  issue,
  merge: none,
  mergeDefs,
  normalizeParams,
  omit: none,
  own,
  partial,
  pick: none,
  required: none,
  safeExtend: none,
  shallowClone,
};

// Objects are compiled where code may be made of text, and a Worker may not.
export { $ZodObject as $ZodObjectJIT };

export {
  None as $ZodCatch,
  None as $ZodDefault,
  None as $ZodExactOptional,
  None as $ZodIntersection,
  None as $ZodNonOptional,
  None as $ZodPrefault,
  None as $ZodReadonly,
  none as _endsWith,
  none as _includes,
  none as _length,
  none as _lowercase,
  none as _multipleOf,
  none as _normalize,
  none as _overwrite,
  none as _slugify,
  none as _startsWith,
  none as _toLowerCase,
  none as _toUpperCase,
  none as _trim,
  none as _uppercase,
  none as flattenError,
  none as formatError,
  none as validate,
  none as validateAsync,
  without as _decode,
  without as _decodeAsync,
  without as _encode,
  without as _encodeAsync,
  without as _safeDecode,
  without as _safeDecodeAsync,
  without as _safeEncode,
  without as _safeEncodeAsync,
};
