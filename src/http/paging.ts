/** Cursor pages: `?limit=&cursor=` in, `{data, next_cursor}` out. */

import * as z from "zod";
import type { Page } from "../db/database.ts";
import { ProblemError } from "./problems.ts";

export const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 20;
/** Characters of a cursor that could be ours. */
export const CURSOR_MAX = 512;

/** What every list takes. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^[0-9]{1,3}$/, "Must be a whole number.")
    .transform(Number)
    .pipe(z.number().min(1, "Must be at least 1.").max(LIMIT_MAX, `Must be at most ${LIMIT_MAX}.`))
    .optional()
    .meta({
      description: `How many to return, 1–${LIMIT_MAX}; ${LIMIT_DEFAULT} when left out.`,
      type: "integer",
      minimum: 1,
      maximum: LIMIT_MAX,
      example: LIMIT_DEFAULT,
    }),
  cursor: z
    .string()
    .max(CURSOR_MAX)
    .refine((text) => decode(text) !== null, "This is not a cursor that this API gave.")
    .optional()
    .meta({ description: "next_cursor of the page before." }),
};

/** The schema of one page of `item`. */
export function pageOf<Item extends z.ZodType>(item: Item, id: string) {
  return z
    .strictObject({
      data: z.array(item),
      next_cursor: z
        .string()
        .nullable()
        .meta({ description: "Pass it as cursor; null on the last page." }),
    })
    .meta({ id });
}

interface Cursor {
  /** The list and everything that filters it: a cursor is good for this only. */
  list: string;
  key: (string | number)[];
}

function decode(text: string): Cursor | null {
  try {
    const json = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const value = JSON.parse(json) as unknown;
    if (!Array.isArray(value) || value.length < 2 || typeof value[0] !== "string") return null;
    const key: unknown[] = value.slice(1);
    return key.every((part) => typeof part === "string" || Number.isSafeInteger(part))
      ? { list: value[0], key: key as (string | number)[] }
      : null;
  } catch {
    return null;
  }
}

function encode({ list, key }: Cursor): string {
  const base64 = btoa(JSON.stringify([list, ...key]));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

type KeyPart = "string" | "number";

/**
 * The page that a request asks for. `list` names the list and its filters in ASCII; `shape` is the
 * type of each part of its key. Rows are asked for one more than `limit`, to know whether a page
 * follows.
 */
export function pageAsked<Key>(
  query: { limit?: number | undefined; cursor?: string | undefined },
  list: string,
  shape: KeyPart[],
  toKey: (parts: (string | number)[]) => Key,
): Page<Key> & { list: string } {
  const limit = (query.limit ?? LIMIT_DEFAULT) + 1;
  if (query.cursor === undefined) return { after: null, limit, list };
  const cursor = decode(query.cursor);
  if (
    cursor === null ||
    cursor.list !== list ||
    cursor.key.length !== shape.length ||
    cursor.key.some((part, i) => typeof part !== shape[i])
  ) {
    throw new ProblemError("invalid-cursor");
  }
  return { after: toKey(cursor.key), limit, list };
}

/** The cursor of the rows behind `key`. */
export function cursorBehind(asked: { list: string }, key: Cursor["key"]): string {
  return encode({ list: asked.list, key });
}

/** The answer's body, from the rows that were found and the key of a row. */
export function pageFound<Row, Item>(
  asked: { limit: number; list: string },
  rows: Row[],
  keyOf: (row: Row) => (string | number)[],
  present: (row: Row) => Item,
): { data: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, asked.limit - 1);
  const last = shown.at(-1);
  return {
    data: shown.map(present),
    next_cursor:
      rows.length < asked.limit || last === undefined ? null : cursorBehind(asked, keyOf(last)),
  };
}
