/** A test's own receiver of webhooks, played by receiver-setup.ts. */

import { inject } from "vitest";
import { unique } from "./api.ts";
import type { Received } from "./receiver-setup.ts";

export type { Received } from "./receiver-setup.ts";

interface State {
  received: Received[];
  /** Requests that are being answered, and the most that ever were at once. */
  open: number;
  most: number;
}

export class Receiver {
  readonly #name = unique("receiver");
  readonly url = `${inject("receiver")}/to/${this.#name}`;

  /**
   * Answers in turn, the last again and again: a status, `429~60`, `302~<url>`, `echo~<status>`,
   * `refuse~<text>` for a 500 to what holds the text, or a word.
   */
  static async thatAnswers(...replies: string[]): Promise<Receiver> {
    const receiver = new Receiver();
    await receiver.answers(...replies);
    return receiver;
  }

  async #call(verb: string, body = ""): Promise<State> {
    const init = { method: "POST", body };
    return (await fetch(`${inject("receiver")}/${verb}/${this.#name}`, init)).json<State>();
  }

  async answers(...replies: string[]): Promise<void> {
    await this.#call("script", replies.join(","));
  }

  state(): Promise<State> {
    return this.#call("state");
  }

  async received(): Promise<Received[]> {
    return (await this.state()).received;
  }

  /** Lets answers go that were on `hold`. */
  async release(): Promise<void> {
    await this.#call("release");
  }
}
