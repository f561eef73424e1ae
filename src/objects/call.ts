/** Calls to Durable Objects, whichever they are. */

/** Calls of one request to one object, the first included. */
const ATTEMPTS_MAX = 3;
const BACKOFF_MS = 50;

/**
 * The object has more waiting than it can take, or was reset each time. The caller may repeat
 * safely.
 */
export class PoolOverloadedError extends Error {}

/**
 * Every call made through it must be safe to repeat: an attempt that failed may have taken effect.
 * A stub that saw its object reset fails for ever, hence a new one per attempt.
 */
export async function callObject<Stub, T>(
  newStub: () => Stub,
  method: (stub: Stub) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await method(newStub());
    } catch (error) {
      const { overloaded, retryable, durableObjectReset } = error as {
        overloaded?: boolean;
        retryable?: boolean;
        durableObjectReset?: boolean;
      };
      if (overloaded === true) throw new PoolOverloadedError("overloaded", { cause: error });
      if (retryable !== true && durableObjectReset !== true && !isLocked(error)) throw error;
      if (attempt === ATTEMPTS_MAX) throw new PoolOverloadedError("reset", { cause: error });
    }
    await scheduler.wait(BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
  }
}

/**
 * Whether the object could not be made, because one that was thrown out had not yet let go of its
 * file: it has done nothing. Seen where both are on one busy machine, right after a reset.
 */
function isLocked(error: unknown): boolean {
  return String(error).endsWith("SQLITE_BUSY");
}
