/**
 * What the service wrote to its logs, kept in memory and searched for what must never be in a log:
 * keys, codes, tokens, e-mail addresses. Runs in Node and in workerd.
 */

/** Characters that are kept; what is older has been searched by then. */
const KEPT_MAX = 2_000_000;
const CODES_MAX = 2_000;
/** Characters of an answer that are looked through for codes. */
const ANSWER_MAX = 100_000;
/** A shorter code, or one without a digit, may be a word of any log line. */
const CODE_LENGTH_MIN = 6;
const LEAKS_MAX = 20;

const SECRETS: [what: string, shape: RegExp][] = [
  ["an API key", /\bcd[kp]_(?:live|test)_\w+/],
  ["a bearer credential", /\bBearer +[^\s"'<`]/i],
  ["a JWT", /\beyJ[\w-]{8,}/],
  ["a webhook secret", /\bwhsec_\w+/],
  ["an e-mail address", /[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b/i],
  ["a code", /(?<![\w-])[A-Z0-9]{4}(?:-[A-Z0-9]{4}){2}(?![\w-])/],
];

/** What `npm start` prints on purpose: the keys of the demo brand, which is made for that. */
const DEMO = /The demo brand "[^]*?The documentation: /g;

export class LogWatch {
  #text = "";
  readonly #leaks = new Set<string>();
  readonly #codes = new Set<string>();
  readonly #secrets = new Set<string>();

  /** Something that was written, whole lines or pieces of them. */
  record(text: string): void {
    this.#text += text;
    if (this.#text.length > KEPT_MAX) {
      this.#search();
      this.#text = this.#text.slice(-KEPT_MAX / 2);
    }
  }

  /** What console was called with. */
  recordCall(values: unknown[]): void {
    this.record(`${values.map(textOf).join(" ")}\n`);
  }

  /** Notes a text that must not be in the logs, such as a token that has no shape. */
  forbid(secret: string): void {
    if (secret !== "") this.#secrets.add(secret);
  }

  /** Notes the codes and secrets that an answer shows, whatever their shape. */
  learn(answer: string): void {
    if (this.#codes.size >= CODES_MAX) return;
    const shown = answer.slice(0, ANSWER_MAX);
    for (const [, written = ""] of shown.matchAll(/"(?:code|secret)":"([^"\\]*)"/g)) {
      if (written.length >= CODE_LENGTH_MIN && /\d/.test(written)) this.#codes.add(written);
    }
  }

  #search(): void {
    const text = this.#text.replaceAll(DEMO, "");
    const note = (what: string, at: number) => {
      const start = text.lastIndexOf("\n", at) + 1;
      const end = text.indexOf("\n", at);
      const line = text.slice(start, end < 0 ? text.length : end);
      if (this.#leaks.size < LEAKS_MAX) this.#leaks.add(`${what} in the logs: ${line.trim()}`);
    };
    for (const [what, shape] of SECRETS) {
      for (const { index } of text.matchAll(new RegExp(shape, `${shape.flags}g`))) {
        note(what, index);
      }
    }
    for (const [what, texts] of [
      ["a code", this.#codes],
      ["a secret", this.#secrets],
    ] as const) {
      for (const secret of texts) {
        const at = text.indexOf(secret);
        if (at >= 0) note(what, at);
      }
    }
  }

  /** The lines that hold a secret, each with what it is. */
  leaks(): string[] {
    this.#search();
    return [...this.#leaks];
  }

  /** Throws where there are any. */
  check(): void {
    const leaks = this.leaks();
    if (leaks.length > 0) throw new Error(leaks.join("\n"));
  }
}

/** Everything that a log viewer could show of a value. */
function textOf(value: unknown): string {
  if (value instanceof Error) {
    const { name, message, stack = "", cause } = value;
    const because = cause === undefined ? "" : ` caused by ${textOf(cause)}`;
    return `${name}: ${message} ${stack} ${JSON.stringify(value)}${because}`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, (_, held: unknown) =>
      held instanceof Error ? textOf(held) : held,
    );
  } catch {
    return Object.entries(value)
      .map(([name, held]) => `${name}: ${String(held)}`)
      .join(", ");
  }
}

/** Of this process: one test file, or the run's own. */
export const logs = new LogWatch();
