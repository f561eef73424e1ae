/**
 * Sets a Durable Object's alarm for `time`, in Unix milliseconds, unless it is set for an earlier
 * one.
 */
export async function wakeBy(storage: DurableObjectStorage, time: number): Promise<void> {
  const set = await storage.getAlarm();
  if (set === null || set > time) await storage.setAlarm(time);
}
