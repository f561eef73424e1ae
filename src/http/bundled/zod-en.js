/**
 * zod's English as the bundle has it (see [alias] in wrangler.toml): what it says of the kinds of
 * schemas that are used here, word by word. A test holds each kind against the library.
 */

import {
  joinValues,
  parsedType,
  stringifyPrimitive,
} from "../../../node_modules/zod/v4/core/util.js";

const UNITS = { string: "characters", array: "items" };
const FORMATS = { email: "email address", url: "URL", datetime: "ISO datetime" };

function received(input) {
  const type = parsedType(input);
  if (type === "number" && !Number.isFinite(input)) return String(input);
  return type === "nan" ? "NaN" : type;
}

const within = (origin, bound) =>
  origin in UNITS ? `${origin} to have ${bound} ${UNITS[origin]}` : `${origin} to be ${bound}`;

function localeError(issue) {
  switch (issue.code) {
    case "invalid_type":
      return `Invalid input: expected ${issue.expected}, received ${received(issue.input)}`;
    case "invalid_value":
      return issue.values.length === 1
        ? `Invalid input: expected ${stringifyPrimitive(issue.values[0])}`
        : `Invalid option: expected one of ${joinValues(issue.values, "|")}`;
    case "too_big":
      return `Too big: expected ${within(issue.origin, (issue.inclusive ? "<=" : "<") + issue.maximum)}`;
    case "too_small":
      return `Too small: expected ${within(issue.origin, (issue.inclusive ? ">=" : ">") + issue.minimum)}`;
    case "invalid_format":
      return issue.format === "regex"
        ? `Invalid string: must match pattern ${issue.pattern}`
        : `Invalid ${FORMATS[issue.format]}`;
    case "unrecognized_keys":
      return `Unrecognized key${issue.keys.length > 1 ? "s" : ""}: ${joinValues(issue.keys, ", ")}`;
    case "invalid_key":
      return `Invalid key in ${issue.origin}`;
    default:
      return "Invalid input";
  }
}

export default () => ({ localeError });
