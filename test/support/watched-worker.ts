/** The real Worker, whose pools tell when they were made: whether one has slept can be seen. */

import { CodePool as RealCodePool } from "../../src/index.ts";
import worker from "../../src/index.ts";

export { BatchRunner, Herald, UserEraser, WebhookSender } from "../../src/index.ts";

export class CodePool extends RealCodePool {
  readonly #born = crypto.randomUUID();

  watched(): { born: string; sockets: number } {
    return { born: this.#born, sockets: this.ctx.getWebSockets().length };
  }
}

export default {
  async fetch(request, env, ctx) {
    const campaign = /\/watched\/(\w+)$/.exec(request.url)?.[1];
    if (campaign === undefined) return worker.fetch(request, env, ctx);
    const pool = env.CODE_POOL.getByName(`${campaign}/0`) as unknown as {
      watched: () => Promise<ReturnType<CodePool["watched"]>>;
    };
    return Response.json(await pool.watched());
  },
} satisfies ExportedHandler<Env>;
