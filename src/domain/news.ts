/** Word that a brand's event log has something new, on its way to the brand's webhooks. */
export interface News {
  brandId: string;
  /** The pool that repeats it until it hears that it arrived; null where nobody waits for that. */
  from: NewsFrom | null;
}

export interface NewsFrom {
  campaignId: string;
  shard: number;
  /** Counts what the pool has entered into the log. */
  number: number;
}
