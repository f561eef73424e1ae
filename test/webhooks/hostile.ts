/** Receivers that want something else than webhooks. */

import { require, until, type Figures, type Ground } from "./ground.ts";
import type { Behaviour, Counts } from "./receiver.ts";
import { Shop } from "./shop.ts";

/** The sender reads 1 KB; the rest lies in buffers of sockets and of the runtime. */
const BYTES_MAX = 16_000_000;
/** Well before its time is up: what is endless is cut, not waited for. */
const READ_MAX_MS = 5_000;
const ANSWER_MAX = 256;

interface Delivery {
  status: string;
  attempts: { status: number | null; error: string | null; answer: string | null }[];
}

export async function hostile(ground: Ground): Promise<Figures> {
  const runtime = await ground.serve("hostile", { speedup: 1 });
  const shop = await Shop.open(runtime.api);

  /** What becomes of a test of an endpoint that behaves so. */
  async function test(behaviour: Behaviour) {
    const inbox = await ground.inbox(`hostile-${behaviour}`);
    const { id } = await shop.addEndpoint(inbox, ["claim.created"], { behaviour });
    const made = await shop.send<Delivery>(`POST /v1/webhook-endpoints/${id}/test`);
    return { made: made.attempts[0], inbox };
  }
  const redirected = await test("redirect");
  const { made: led } = redirected;
  require(led?.status === 302 && led.error === "redirect", "a redirect is no success");
  const { strayed } = await redirected.inbox.counts();
  require(strayed === 0, "nobody follows it");

  const poured = await test("endless");
  const stored = poured.made?.answer?.length ?? 0;
  require(poured.made?.status === 200, "an answer without end is an answer");
  require(stored > 0 && stored <= ANSWER_MAX, `${ANSWER_MAX} characters are kept, not ${stored}`);
  let cut: Counts["endless"][number] | undefined;
  await until("an answer without end is hung up on", READ_MAX_MS, async () => {
    [cut] = (await poured.inbox.counts()).endless;
    return cut !== undefined;
  });
  const { bytes, ms } = cut ?? { bytes: NaN, ms: NaN };
  require(bytes < BYTES_MAX, `an endless answer is cut, not after ${bytes} bytes`);
  await runtime.kill();
  return {
    "calls of where a redirect leads": strayed,
    "bytes of an endless answer that left": bytes,
    "cut after, ms": ms.toFixed(0),
    "characters of it that are kept": stored,
  };
}
