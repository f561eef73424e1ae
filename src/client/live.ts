/** A campaign's stock as it goes (https://html.spec.whatwg.org/#server-sent-events). */

import { CodedropConnectionError } from "./errors.ts";
import { cut } from "./failures.ts";
import type { LiveStock } from "./code-types.ts";

/** What a feed tells, until it says that it ends. One that just stops was cut. */
export async function* liveStock(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<LiveStock, void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw cut(undefined);
      const events = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const fields = new Map(
          event.split("\n").map((line) => {
            const colon = line.indexOf(": ");
            return [line.slice(0, colon), line.slice(colon + 2)] as const;
          }),
        );
        if (fields.get("event") === "stock")
          yield JSON.parse(fields.get("data") ?? "") as LiveStock;
        if (fields.get("event") !== "end") continue;
        const { reason } = JSON.parse(fields.get("data") ?? "") as { reason: string };
        if (reason !== "pool-unavailable") return;
        const message = "The feed ended: a part of the campaign is not reached at the moment.";
        throw new CodedropConnectionError("cut", message, { mayHaveArrived: true });
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
