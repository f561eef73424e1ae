/**
 * A whole run and its verdict: the drop, a dump, an end without faults in which everybody who can
 * have a code gets one, and another dump.
 */

import { check, type Violation } from "./checker.ts";
import { Drop, type Told } from "./drop.ts";
import { dumpCampaigns } from "./dump.ts";
import { now } from "./history.ts";
import type { Plan } from "./plan.ts";
import { NO_FAULTS } from "./settings.ts";

const IN_FLIGHT = 16;
/** More users than codes in the end, so that somebody is told that none is left. */
const TOO_MANY = 3;
/** A claim in the end that is not answered with a code or a refusal so often is a violation. */
const TRIES_MAX = 10;
const REST_MS = 100;
/** After the moment at which it lapses, what was reserved is anybody's. */
const LAPSE_SLACK_MS = 50;

export interface Verdict {
  plan: Plan;
  violations: Violation[];
  told: Told;
  operations: number;
  checkoutCalls: number;
  codes: number;
  drop: Drop;
}

/** Runs `work` for each item, some at a time. */
async function each<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  async function worker() {
    for (let at = next++; at < items.length; at = next++) await work(items[at] as T);
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** Claims until the answer says something; how it ended otherwise. */
async function settle(drop: Drop, campaign: number, user: string): Promise<string | null> {
  let last = "";
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    const claimed = await drop.claim(campaign, user);
    const outcome =
      claimed.kind === "reserved"
        ? await drop.reveal({ campaign, user, claim: claimed.claim, nth: claimed.nth })
        : claimed;
    if (outcome.kind === "ok" || outcome.kind === "exhausted") return null;
    last = outcome.kind === "info" ? outcome.why : outcome.kind;
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
  }
  return `${user} got no answer in the end: ${last}`;
}

/** Waits until nothing is reserved any more. */
async function untilLapsed({ history }: Drop): Promise<void> {
  const within = history.terms.map(({ revealWithinMs }) => revealWithinMs ?? 0);
  // Also what nobody was told of, which was reserved before they gave up.
  const last = Math.max(
    0,
    ...history.operations
      .filter(({ outcome }) => outcome.kind === "reserved" || outcome.kind === "info")
      .map(({ campaign, returned }) => returned + (within[campaign] ?? 0)),
  );
  if (!within.some((ms) => ms > 0)) return;
  const rest = last + LAPSE_SLACK_MS - now();
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, rest)));
}

/** Asks for what nobody asked to see in its time: it is too late. */
async function askTooLate(drop: Drop, campaign: number): Promise<void> {
  const reserved = drop.history.operations.flatMap(({ campaign: at, user, outcome }) =>
    at === campaign && outcome.kind === "reserved" ? [{ user, ...outcome }] : [],
  );
  const byClaim = new Map(reserved.map(({ claim, user, nth }) => [claim, { claim, user, nth }]));
  await each([...byClaim.values()], async (of) => {
    await drop.reveal({ campaign, ...of });
  });
}

/** Everybody whose outcome is unknown asks again, and new users take what is left. */
async function finish(drop: Drop, campaign: number, given: number): Promise<string[]> {
  const wrong: string[] = [];
  await drop.batchesDone(campaign);
  const { codes } = await drop.integrity(campaign);
  const note = async (user: string) => {
    const problem = await settle(drop, campaign, user);
    if (problem !== null) wrong.push(problem);
  };
  await drop.setPaused(campaign, "resume");
  await drop.shopper.settle(campaign);
  await askTooLate(drop, campaign);
  const unsure = drop.history.operations
    .filter((op) => op.campaign === campaign && op.outcome.kind === "info")
    .map(({ user }) => user);
  await each([...new Set(unsure)], note);
  const users = Array.from({ length: codes - given + TOO_MANY }, (_, i) => `late-${i}`);
  await each(users, note);
  const integrity = await drop.integrity(campaign);
  if (!integrity.ok || integrity.unprojected > 0) {
    wrong.push(`the service's own integrity says ${JSON.stringify(integrity)}`);
  }
  await drop.readEvents(campaign).catch((error: unknown) => wrong.push(String(error)));
  return wrong;
}

/**
 * Runs the plan and judges it. What the service itself says counts least, and is held to as well.
 */
export async function judge(options: {
  plan: Plan;
  bundle: string;
  template: string;
  stateDir: string;
}): Promise<Verdict> {
  const { plan, stateDir } = options;
  const drop = new Drop(options);
  const violations: Violation[] = [];
  const firstCodes = plan.campaigns.map(({ codes }) => codes);
  let codes = 0;
  try {
    await drop.prepare();
    await drop.run();
    const midway = dumpCampaigns(stateDir, drop.campaigns, drop.keys);
    violations.push(...check(drop.history, midway, firstCodes, false));

    await drop.start(NO_FAULTS);
    await untilLapsed(drop);
    for (const [campaign, dump] of midway.entries()) {
      // One whose pools answer nobody any more is judged by what lies on disk.
      const wrong = await finish(drop, campaign, dump.ledger.length).catch((error: unknown) => [
        String(error),
      ]);
      violations.push(...wrong.map((what) => ({ rule: "finish", what })));
    }
    await drop.kill();
    const last = dumpCampaigns(stateDir, drop.campaigns, drop.keys);
    codes = last.reduce((sum, dump) => sum + dump.codes.length, 0);
    violations.push(...check(drop.history, last, firstCodes, true));
  } finally {
    await drop.kill();
  }
  const { told } = drop;
  const { operations, checkout } = drop.history;
  return {
    plan,
    violations,
    told,
    operations: operations.length,
    checkoutCalls: checkout.length,
    codes,
    drop,
  };
}
