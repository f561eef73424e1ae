/** Why work with a signal was given up: somebody pressed Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/**
 * Runs `work` with a signal that the first Ctrl-C fires, so that it can tidy up and say what goes
 * on without us. The second one ends the process as usual.
 */
export async function interruptible<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const stop = () => controller.abort(new Interrupted());
  process.once("SIGINT", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.removeListener("SIGINT", stop);
  }
}
