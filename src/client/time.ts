/** Time: limits, waits, and watching what takes long. */

/** How often something that runs is asked for while it is watched. */
const WATCH_INTERVAL_MS = 1_000;

/** What timers count to; with more they fire at once. Some 24 days. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * A signal that fires when the time is up or the caller's own signal does. (AbortSignal.any is
 * missing in Node 20.0–20.2, and its time-out could not be restarted with every byte.)
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #giveUp: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether it was the time rather than the caller. */
  timedOut = false;

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#outer = outer;
    this.#giveUp = () => this.#controller.abort(outer?.reason);
    outer?.addEventListener("abort", this.#giveUp);
    if (outer?.aborted === true) this.#giveUp();
    this.restart(timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(timeoutMs: number): void {
    this.pause();
    this.#timer = setTimeout(
      () => {
        this.timedOut = true;
        this.#controller.abort();
      },
      Math.min(timeoutMs, TIMER_MAX_MS),
    );
  }

  /** Time stands still; the caller's signal still counts. */
  pause(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }

  /** It will not fire any more. */
  end(): void {
    this.pause();
    this.#outer?.removeEventListener("abort", this.#giveUp);
  }
}

/** Waits; throws the signal's reason as soon as it fires. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** What comes of the work; throws the signal's reason if that fires first. */
export async function unlessAborted<Value>(
  work: Value | Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (signal === undefined) return work;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What `get` gives, again and again until it is no longer running. */
export async function* watch<Work extends { status: string }>(
  get: (options: { signal?: AbortSignal }) => Promise<Work>,
  options: { signal?: AbortSignal; intervalMs?: number },
): AsyncGenerator<Work, void> {
  const { intervalMs = WATCH_INTERVAL_MS, ...call } = options;
  for (;;) {
    const now = await get(call);
    yield now;
    if (now.status !== "running") return;
    await sleep(intervalMs, call.signal);
  }
}
