/** JSON in one parameter of a D1 statement, which may have 2 MB. */

/** UTF-16 units of all texts together. Each takes 3 bytes at most, quotes and backslashes 2. */
export const PARAMETER_CHARS_MAX = 600_000;

/** Cuts `items`, in their order, where their texts would be too long for one parameter. */
export function* cutForParameter<Item>(
  items: readonly Item[],
  charsOf: (item: Item) => number,
): Generator<Item[], void> {
  let part: Item[] = [];
  let chars = 0;
  for (const item of items) {
    const more = charsOf(item);
    if (part.length > 0 && chars + more > PARAMETER_CHARS_MAX) {
      yield part;
      part = [];
      chars = 0;
    }
    part.push(item);
    chars += more;
  }
  if (part.length > 0) yield part;
}
