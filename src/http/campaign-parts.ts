/** Those of a campaign's fields that have a shape of their own. */

import * as z from "zod";
import { BATCH_COUNT_MAX } from "../domain/batch.ts";
import { THRESHOLDS_MAX } from "../domain/low-stock.ts";
import { line } from "./schemas.ts";

const METADATA_PAIRS_MAX = 50;

export const Consent = z
  .strictObject({ required: z.boolean(), text: line(2_000), version: line(50) })
  .meta({ id: "ConsentTerms", description: "What the user agrees to before getting a code." });

export const Challenge = z
  .strictObject({
    type: z.literal("turnstile"),
    site_key: line(100),
    secret: line(200).meta({ description: "Kept to verify with, and never shown." }),
  })
  .meta({
    id: "NewChallenge",
    description:
      "Cloudflare Turnstile, with the action `claim`: pages then send challenge_token with each claim.",
  });

export const Metadata = z
  .record(line(40), z.string().max(500))
  .refine(
    (pairs) => Object.keys(pairs).length <= METADATA_PAIRS_MAX,
    `At most ${METADATA_PAIRS_MAX} pairs.`,
  )
  .meta({ description: `Your own notes: up to ${METADATA_PAIRS_MAX} pairs of strings.` });

export const ShopUrl = z
  .url({ protocol: /^https?$/, hostname: z.regexes.hostname })
  .max(2_048)
  .refine((url) => {
    const { username, password } = URL.parse(url) ?? {};
    return !username && !password;
  }, "Must not hold a user name or password.")
  .meta({
    description: "Where the code is spent. Given out with it.",
    example: "https://shop.example/",
  });

export const Thresholds = z
  .array(
    z.union(
      [z.int().min(1).max(BATCH_COUNT_MAX), z.string().regex(/^[1-9][0-9]?%$/)],
      `Must be a number of codes from 1 to ${BATCH_COUNT_MAX}, or a percentage from 1% to 99%.`,
    ),
  )
  .max(THRESHOLDS_MAX)
  .refine((all) => new Set(all).size === all.length, "Each threshold once.");
