/** A live feed as its reader sees it. */

export interface Stock {
  at: string;
  codes: number;
  available: number;
  claimed: number;
  redeemed: number;
  claims_per_hour: number;
}

export class Feed {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** All that was told so far. */
  readonly told: Stock[] = [];
  /** When each of them was read. */
  readonly readAt: number[] = [];
  comments = 0;
  text = "";
  /** Why it ended, or null while it goes on. */
  reason: string | null = null;
  /** Resolves when nothing more will come. */
  readonly over: Promise<void>;
  #onEvent = () => undefined as void;

  constructor(body: ReadableStream<Uint8Array> | null) {
    if (body === null) throw new Error("There is no feed");
    this.#reader = body.getReader();
    this.over = this.#read().catch(() => undefined);
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      const text = decoder.decode(value, { stream: true });
      this.text += text;
      const events = (rest + text).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) this.#take(event);
      this.#onEvent();
    }
  }

  #take(event: string): void {
    const [, name, data] = /^event: (\w+)\ndata: (.*)$/m.exec(event) ?? [];
    if (name === "end") this.reason = (JSON.parse(data ?? "") as { reason: string }).reason;
    else if (name === "stock") {
      this.told.push(JSON.parse(data ?? "") as Stock);
      this.readAt.push(Date.now());
    } else this.comments += 1;
  }

  /** The first that says so, of those told and to come. */
  async until(matches: (stock: Stock) => boolean, timeoutMs = 10_000): Promise<Stock> {
    const deadline = Date.now() + timeoutMs;
    for (let seen = 0; Date.now() < deadline;) {
      const stock = this.told[seen];
      if (stock !== undefined) {
        seen += 1;
        if (matches(stock)) return stock;
        continue;
      }
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#onEvent = resolve;
        }),
        new Promise((resolve) => setTimeout(resolve, 100)),
      ]);
    }
    throw new Error(`Never told: ${JSON.stringify(this.told)}`);
  }

  async hangUp(): Promise<void> {
    await this.#reader.cancel();
  }
}
