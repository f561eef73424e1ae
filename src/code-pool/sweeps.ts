/** What is looked for from time to time: what is too old, and news that nobody confirmed. */

import type { Alarm } from "./alarm.ts";
import type { Announcer } from "./announcer.ts";
import { SWEEP_REST_MS, type PersonalData } from "./personal-data.ts";
import type { Requests } from "./requests.ts";

export class Sweeps {
  readonly #storage: DurableObjectStorage;
  readonly #alarm: Alarm;
  readonly #requests: Requests;
  readonly #personalData: PersonalData;
  readonly #announcer: Announcer;

  constructor(options: {
    storage: DurableObjectStorage;
    alarm: Alarm;
    requests: Requests;
    personalData: PersonalData;
    announcer: Announcer;
  }) {
    this.#storage = options.storage;
    this.#alarm = options.alarm;
    this.#requests = options.requests;
    this.#personalData = options.personalData;
    this.#announcer = options.announcer;
  }

  /** Lets the alarm come for the next, unless it comes before; `anew` when its time may differ. */
  plan({ anew = false } = {}): void {
    if (anew) this.#alarm.moveSweep(() => this.#dueAt());
    else this.#alarm.setSweep(() => this.#dueAt());
  }

  #dueAt(): number | null {
    const times = [
      this.#personalData.sweepsAt(),
      this.#requests.sweepsAt(),
      this.#announcer.dueAt(),
    ];
    const due = times.filter((time) => time !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  run(now: number): void {
    const isMore = this.#storage.transactionSync(() => {
      this.#requests.sweep(now);
      return this.#personalData.sweep(now);
    });
    if (isMore) this.#alarm.set(SWEEP_REST_MS);
    else this.plan();
  }
}
