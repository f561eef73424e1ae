/**
 * What is looked for from time to time: what is too old, codes whose end is to be told, and news
 * that nobody confirmed.
 */

import type { Alarm } from "./alarm.ts";
import type { Announcer } from "./announcer.ts";
import type { Expiry } from "./expiry.ts";
import { SWEEP_REST_MS, type PersonalData } from "./personal-data.ts";
import type { Requests } from "./requests.ts";
import type { Reservations } from "./reservations.ts";

interface Parts {
  storage: DurableObjectStorage;
  alarm: Alarm;
  requests: Requests;
  personalData: PersonalData;
  reservations: Reservations;
  expiry: Expiry;
  announcer: Announcer;
}

export class Sweeps {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Lets the alarm come for the next, unless it comes before; `anew` when its time may differ. */
  plan({ anew = false } = {}): void {
    const { alarm } = this.#parts;
    if (anew) alarm.moveSweep(() => this.#dueAt());
    else alarm.setSweep(() => this.#dueAt());
  }

  #dueAt(): number | null {
    const { personalData, requests, reservations, expiry, announcer } = this.#parts;
    const times = [
      personalData.sweepsAt(),
      requests.sweepsAt(),
      reservations.sweepsAt(),
      expiry.sweepsAt(),
      announcer.dueAt(),
    ];
    const due = times.filter((time) => time !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  run(now: number): void {
    const { storage, alarm, personalData, requests, reservations, expiry } = this.#parts;
    const isMore = storage.transactionSync(() => {
      requests.sweep(now);
      reservations.sweep(now);
      const isMoreOver = expiry.sweep(now);
      return personalData.sweep(now) || isMoreOver;
    });
    if (isMore) alarm.set(SWEEP_REST_MS);
    else this.plan();
  }
}
