/** A campaign's stock as it goes, for as long as the page is there. */

import { useEffect, useState } from "preact/hooks";
import { CodedropError, type LiveStock } from "../../../../client/client.ts";
import { codedrop } from "../../session.ts";

export interface Live {
  /** `off`: it has ended, or may not be watched. */
  state: "connecting" | "live" | "lost" | "off";
  stock: LiveStock | null;
}

const WAIT_MS = 1_000;
const WAIT_MAX_MS = 20_000;

/** Opens the feed again whenever it ends or is cut, until the campaign has ended. */
export function useLive(campaign: string, isOn: boolean): Live {
  const [live, setLive] = useState<Live>({ state: "off", stock: null });
  useEffect(() => {
    if (!isOn) {
      setLive((before) => ({ ...before, state: "off" }));
      return undefined;
    }
    const leaving = new AbortController();
    const { signal } = leaving;
    void follow(campaign, signal, (change) => {
      if (!signal.aborted) setLive((before) => ({ ...before, ...change }));
    });
    return () => leaving.abort();
  }, [campaign, isOn]);
  return live;
}

async function follow(
  campaign: string,
  signal: AbortSignal,
  tell: (change: Partial<Live>) => void,
): Promise<void> {
  tell({ state: "connecting" });
  for (let waitMs = WAIT_MS; !signal.aborted;) {
    try {
      for await (const stock of codedrop.campaigns.live(campaign, { signal })) {
        waitMs = WAIT_MS;
        tell({ state: "live", stock });
      }
    } catch (error) {
      // What the service refuses it will refuse again; what was cut is opened anew.
      if (error instanceof CodedropError && error.status < 500) return tell({ state: "off" });
      tell({ state: "lost" });
    }
    await pause(waitMs, signal);
    waitMs = Math.min(waitMs * 2, WAIT_MAX_MS);
  }
}

/** Ends early when the signal says so. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
