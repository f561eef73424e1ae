/** `code_format`: how a campaign's generated codes look. */

import * as z from "zod";
import { distinctLetters, lengthOf, placesOf, shapeOf } from "../domain/code-format.ts";
import { IMPORTED_CODE_LENGTH_MAX } from "../domain/imported-code.ts";

/** Places in a code: far more than anybody types, and few enough to count texts in a double. */
const PLACES_MAX = 64;
const ALPHABET_MAX = 62;

// Characters that a code can hold without being quoted in a URL's text, HTML, CSV or a shell.
const FIXED = /^[A-Za-z0-9!#$%()*+./:=?@_~-]*$/;
const FIXED_HELP = "May hold letters, digits and any of ! # $ % ( ) * + . / : = ? @ _ ~ -";

const Fixed = z.string().max(IMPORTED_CODE_LENGTH_MAX).regex(FIXED, FIXED_HELP);

export const CodeFormat = z
  .strictObject({
    pattern: Fixed.min(1).optional().meta({
      description:
        "Each # is drawn from the alphabet, the rest stands as it is. In a pattern without #, each X is drawn. XXXX-XXXX-XXXX when left out.",
    }),
    length: z
      .int()
      .min(1)
      .max(PLACES_MAX)
      .optional()
      .meta({ description: "So many drawn characters in a row, instead of a pattern." }),
    alphabet: z
      .string()
      .min(2)
      .max(ALPHABET_MAX)
      .regex(/^[A-Za-z0-9]*$/, "May hold letters and digits.")
      .refine((text) => new Set(text).size === text.length, "Holds a character twice.")
      .refine(
        (text) => distinctLetters(text).length >= 2,
        "Needs two characters that do not look alike.",
      )
      .optional()
      .meta({
        description:
          "Characters to draw from. Of those that look alike (case counts as alike; 0 O, 1 I L, 2 Z, 5 S, 8 B) only the first is drawn.",
      }),
    prefix: Fixed.optional(),
    suffix: Fixed.optional(),
  })
  .check((ctx) => {
    const { pattern, length } = ctx.value;
    const refuse = (field: string, message: string) =>
      ctx.issues.push({ code: "custom", path: [field], message, input: ctx.value });
    if (pattern !== undefined && length !== undefined) {
      refuse("length", "Give a pattern or a length, not both.");
      return;
    }
    const shape = shapeOf(ctx.value);
    const places = placesOf(shape);
    if (places === 0) refuse("pattern", "Needs at least one # or X to draw.");
    if (places > PLACES_MAX) refuse("pattern", `May draw at most ${PLACES_MAX} characters.`);
    if (lengthOf(shape) > IMPORTED_CODE_LENGTH_MAX) {
      refuse("prefix", `A code may have at most ${IMPORTED_CODE_LENGTH_MAX} characters.`);
    }
  })
  .meta({
    id: "CodeFormat",
    description:
      "Codes of at least 40 bits end in two check characters (from 30 bits on in one), which tell a guess from a code.",
    example: { prefix: "SPRING-", pattern: "####-####" },
  });
