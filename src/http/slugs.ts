import { slugFrom } from "../domain/slug.ts";
import { randomBytes } from "../db/new-id.ts";
import { base32 } from "../domain/id.ts";
import { ProblemError } from "./problems.ts";

/** Tries of a slug made from a name; each after the first has 25 random bits of its own. */
const TRIES = 3;

/**
 * Creates something under the slug that was asked for, or else under one made from its name.
 * `create` returns null when the slug is taken: a problem if it was asked for, the next try if not.
 */
export async function underSlug<Created>(
  { slug, name }: { slug: string | undefined; name: string },
  create: (slug: string) => Promise<Created | null>,
): Promise<Created> {
  const made = slugFrom(name);
  for (let attempt = 0; attempt < (slug === undefined ? TRIES : 1); attempt++) {
    const tail = base32(randomBytes(4)).slice(0, 5);
    const fresh = attempt === 0 && made !== "" ? made : `${made || "x"}-${tail}`;
    const created = await create(slug ?? fresh);
    if (created !== null) return created;
  }
  throw new ProblemError("slug-taken");
}
