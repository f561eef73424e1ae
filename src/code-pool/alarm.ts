/** After D1 or a sibling did not confirm what it was told: codes given back, a breaker's trip. */
const RETRY_MS = 1_000;

/** The object's one alarm: it comes when the first of all that is waiting is due. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  /** Whether it is set for what cannot wait. */
  isSet = false;
  #sweepIsSet = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  set(delayMs: number): void {
    if (this.isSet) return;
    this.isSet = true;
    // Written in the same implicit transaction as the claim before it: nothing awaits in between.
    void this.#storage.setAlarm(Date.now() + delayMs);
  }

  /** Comes again for what did not succeed. */
  retry(): void {
    this.set(RETRY_MS);
  }

  /** In place of the one that a claim may have set meanwhile. */
  replace(delayMs: number): void {
    this.isSet = false;
    this.set(delayMs);
  }

  rings(): void {
    this.isSet = false;
    this.#sweepIsSet = false;
  }

  /** The time of the next sweep may have changed. */
  moveSweep(sweepsAt: () => number | null): void {
    this.#sweepIsSet = false;
    this.setSweep(sweepsAt);
  }

  /** Lets it come for what is old, unless it comes before. Asks for the time only if it must. */
  setSweep(sweepsAt: () => number | null): void {
    if (this.#sweepIsSet || this.isSet) return;
    const at = sweepsAt();
    if (at === null) return;
    this.#sweepIsSet = true;
    // What is due may be so since ever, and the platform refuses the time 0.
    void this.#storage.setAlarm(Math.max(at, Date.now()));
  }
}
