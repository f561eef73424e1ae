/** Claims on their way to a decision: gathered, and decided again once codes were fetched. */

import type { Alarm } from "./alarm.ts";
import type { Breaker } from "./breaker.ts";
import type { ClaimDesk } from "./claim-desk.ts";
import { Gathering } from "./gathering.ts";
import type { ClaimRequest, ClaimVerdict, RevealRequest } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import type { Refiller } from "./refill.ts";

interface Parts {
  storage: DurableObjectStorage;
  desk: ClaimDesk;
  refiller: Refiller;
  breaker: Breaker;
  outbox: Outbox;
  alarm: Alarm;
  waitUntil: (work: Promise<unknown>) => void;
}

export class ClaimLine {
  readonly #parts: Parts;
  readonly #gathering = new Gathering();
  /** Claims that found no code here and wait for a refill. */
  waiting = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async decide(request: ClaimRequest | RevealRequest): Promise<ClaimVerdict> {
    const { desk, refiller } = this.#parts;
    const startedBefore = refiller.started;
    await this.#gathering.wait();
    for (;;) {
      const outcome = this.#decideNow(request);
      if (outcome.kind !== "exhausted") return outcome;
      if (refiller.isKnownDry()) return desk.whenNoneIsLeft(request);

      const refill = refiller.join();
      let added: number;
      this.waiting += 1;
      try {
        added = await refill.added;
      } catch {
        return { kind: "stock-unknown" };
      } finally {
        this.waiting -= 1;
      }
      // A refill that began before this request may have missed codes added in between, and one
      // ahead of need asks no sibling.
      if (added === 0 && refill.thorough && refill.number > startedBefore) {
        const last = this.#decideNow(request);
        return last.kind === "exhausted" ? desk.whenNoneIsLeft(request) : last;
      }
    }
  }

  /** Decides, and sees to what that leaves to be done: D1 is to be told, and codes are to come. */
  #decideNow(request: ClaimRequest | RevealRequest): ClaimVerdict {
    const { storage, desk, refiller, breaker, outbox, alarm, waitUntil } = this.#parts;
    const verdict = storage.transactionSync(() => desk.decide(request));
    if (verdict.kind === "granted") {
      if (!alarm.isSet) alarm.set(outbox.delayMs());
      const refill = refiller.ahead(desk.unspent);
      if (refill !== null) waitUntil(refill);
    } else if (!alarm.isSet && breaker.isUntold()) alarm.set(0);
    return verdict;
  }
}
