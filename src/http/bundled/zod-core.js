/**
 * zod's core as the bundle has it for the files of zod's that we import (see [alias] in
 * wrangler.toml). They take a namespace of it, `util`, which the bundler would keep whole; here it
 * has what they call. A test compares the two.
 */

import {
  constantCatch,
  derived,
  extend,
  hide,
  installLazyProp,
  issue,
  merge,
  mergeDefs,
  normalizeParams,
  omit,
  own,
  partial,
  pick,
  required,
  safeExtend,
  shallowClone,
} from "../../../node_modules/zod/v4/core/util.js";

export * from "../../../node_modules/zod/v4/core/index.js";

/** For values that hold themselves, which no JSON does. */
export function memoizer() {}

export const util = {
  constantCatch,
  derived,
  extend,
  hide,
  installLazyProp,
  issue,
  merge,
  mergeDefs,
  normalizeParams,
  omit,
  own,
  partial,
  pick,
  required,
  safeExtend,
  shallowClone,
};
