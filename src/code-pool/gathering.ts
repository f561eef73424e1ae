/** Letting requests that come together share one commit. */
export class Gathering {
  #gathering: Promise<void> | null = null;

  /**
   * Resolves for all claims that came in the meantime at once. Each is decided by itself, but
   * nothing awaits between them, so their writes are one commit: a flush to disk, or a round of
   * copies to other data centres, is shared by as many as came together.
   */
  wait(): Promise<void> {
    this.#gathering ??= scheduler.wait(0).finally(() => {
      this.#gathering = null;
    });
    return this.#gathering;
  }
}
