import type { Io } from "./io.ts";
import { bytes, duration, number } from "./text.ts";

/** The bar takes the room that the words leave; a shorter one would show nothing. */
const BAR_WIDTH_MAX = 24;
const BAR_WIDTH_MIN = 8;
/** Drawn at most ten times a second: more is not seen. */
const REDRAW_MS = 100;
/** Where nobody watches: one line in this time, for a log. */
const NOTE_MS = 5_000;
/** The speed is that of the last ten seconds, so that it follows and does not jump. */
const WINDOW_MS = 10_000;

/** How far something has come: a bar, counts, speed and the time left, on stderr. */
export class Progress {
  readonly #io: Io;
  readonly #unit: "bytes" | (string & Record<never, never>);
  readonly #total: number | null;
  readonly #now: () => number;
  readonly #samples: { at: number; done: number }[] = [];
  readonly #began: number;
  #drawnAt: number;
  #barWidth = BAR_WIDTH_MAX;
  #hasEnded = false;
  /** Said after the numbers. */
  remark = "";

  constructor(
    io: Io,
    options: { unit: string; total: number | null; done?: number; now?: () => number },
  ) {
    this.#io = io;
    this.#unit = options.unit;
    this.#total = options.total;
    this.#now = options.now ?? (() => performance.now());
    this.#began = this.#now();
    this.#samples.push({ at: this.#began, done: options.done ?? 0 });
    // The first line at once where somebody watches, and only for what takes long where not.
    this.#drawnAt = io.isLive ? -Infinity : this.#began;
  }

  get seconds(): number {
    return (this.#now() - this.#began) / 1_000;
  }

  update(done: number): void {
    const at = this.#now();
    if (this.#hasEnded) return;
    if (at - this.#drawnAt < (this.#io.isLive ? REDRAW_MS : NOTE_MS)) return;
    this.#drawnAt = at;
    this.#samples.push({ at, done });
    while ((this.#samples[1]?.at ?? at) <= at - WINDOW_MS) this.#samples.shift();
    const words = this.#words(done);
    if (this.#io.isLive) this.#io.status(this.#bar(done, words.length) + words);
    else this.#io.note(words);
  }

  /** Takes the bar away, for good. */
  end(): void {
    this.#hasEnded = true;
    this.#io.status("");
  }

  #bar(done: number, wordsLength: number): string {
    // Besides its own characters: two brackets, a blank, and the last column, which stays free.
    const width = Math.min(this.#barWidth, this.#io.columns - wordsLength - 4);
    if (this.#total === null || width < BAR_WIDTH_MIN) return "";
    // It never grows again, or it would tremble with every digit.
    this.#barWidth = width;
    const filled = Math.floor(width * this.#share(done));
    return `[${"#".repeat(filled)}${".".repeat(width - filled)}] `;
  }

  #share(done: number): number {
    return this.#total === null || this.#total === 0 ? 1 : Math.min(1, done / this.#total);
  }

  #count(value: number): string {
    return this.#unit === "bytes" ? bytes(value) : number(Math.round(value));
  }

  #words(done: number): string {
    const unit = this.#unit === "bytes" ? "" : ` ${this.#unit}`;
    const of = this.#total === null ? "" : ` of ${this.#count(this.#total)}`;
    const words = [`${this.#count(done)}${of}${unit}`];
    if (this.#total !== null) words.unshift(`${Math.floor(100 * this.#share(done))} %`);
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    const ms = (last?.at ?? 0) - (first?.at ?? 0);
    const perSecond = ms > 0 ? (1_000 * ((last?.done ?? 0) - (first?.done ?? 0))) / ms : 0;
    if (perSecond > 0) {
      words.push(`${this.#count(perSecond)}/s`);
      const left = (this.#total ?? done) - done;
      if (left > 0) words.push(`${duration(left / perSecond)} left`);
    }
    if (this.remark !== "") words.push(this.remark);
    return words.join(", ");
  }
}
