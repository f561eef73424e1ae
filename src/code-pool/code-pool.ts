/**
 * CodePool: the one place where a code of a campaign is given to a user.
 *
 * WHAT IT GUARANTEES
 *  (1) No code is given to two users.
 *  (2) No user holds more codes than claims_per_user; a repeat gets the same one.
 *  (3) A claim that was answered survives any crash that follows.
 *  (4) "Exhausted" is said only when no code was left in D1 or in any shard at a moment after the
 *      request came in, or up to 1 s before with no top-up answered since (refill.ts). When that
 *      cannot be known, it is not said.
 *
 * WHY ONE OBJECT PER CAMPAIGN AND SHARD. A Durable Object runs one event at a time and owns a
 * SQLite database on the same machine. The claim below reads, decides and writes without an await,
 * so no other request can come between; and it is one transaction, so a crash leaves all of it or
 * nothing. A user's hash picks the shard, so rule (2) never needs a second object. Rules (1) and
 * (2) also stand as constraints in the schema (migrations.ts): a mistake here would fail, not hand
 * a code out twice.
 *
 * KEYS. A request that came with an Idempotency-Key leaves a record of its answer, in the
 * transaction of what it did (requests.ts). Requests of one key that may end in different pools are
 * bound to it before, in the pool that the key's hash picks.
 *
 * BREAKER. A shard that would give more than a minute may have pauses itself in the claim's own
 * transaction; the alarm has D1 pause the campaign and tells the other shards (breaker.ts).
 *
 * SLOTS. A shard numbers the codes it leases 1, 2, 3, … A claim takes the next slot, passing over
 * those whose code was revoked before. So the next code needs no search however many were given,
 * "not yet shown by D1" is a range, and a claim writes two rows: the claim and its UNIQUE
 * (user_key, nth); one more where it came with a key. Spending or revoking a code finds its slot by
 * its place in the inventory, in the shard that leased it, and never asks the projection.
 *
 * COMMITS. Claims wait for the end of the event loop's turn and are then decided one after the
 * other with no await in between: what they write is one commit. Each answer waits for it (output
 * gate).
 *
 * THE TAIL. A shard that finds neither a code here nor a lease in D1 asks its siblings, who give
 * half of their last block back to D1, where it goes to whoever asks first. Nothing is left when D1
 * has none between two times at which no sibling had one and none had come to or left a sibling
 * (refill.ts). Codes move only through D1, under ids stored first, so a lost answer strands none.
 *
 * WHAT A CRASH LEAVES BEHIND
 *  - before the claim's commit: nothing; the answer was held back until the commit (output gate).
 *  - after it, before the answer arrives: the claim. The user asks again and gets the same code.
 *  - after the lease id was stored, before D1 answered: a pending lease. Before the next refill, or
 *    before a sibling is told that nothing is here, D1 says what became of it: the block, or that
 *    it is granted no more, however late the call arrives. Then a new id is used.
 *  - after an end of a block left the stock, before D1 freed it: a row of given_back, settled by
 *    the alarm or the next sibling that asks.
 *  - after D1 showed claims, before projected_slot moved: they are shown again, which is harmless.
 *  - after news was sent, before it was heard: it is sent again, and somebody looks in vain.
 *  - after the alarm was lost or given up on: the constructor sets it again when claims wait.
 *
 * LIMITS. The platform suggests 200–500 storage-writing requests a second for one object.
 */

import { DurableObject } from "cloudflare:workers";
import type { PoolCampaign } from "../domain/claim.ts";
import type { Alarm } from "./alarm.ts";
import type { Announcer } from "./announcer.ts";
import { Audience } from "./audience.ts";
import type { Breaker } from "./breaker.ts";
import type { Checkout } from "./checkout.ts";
import { ClaimLine } from "./claim-line.ts";
import type { Ledger, Claim, PlacedClaim } from "./ledger.ts";
import type * as messages from "./messages.ts";
import { migrate } from "./migrations.ts";
import type { Outbox } from "./outbox.ts";
import { Pace } from "./pace.ts";
import { assemble } from "./parts.ts";
import type { PersonalData } from "./personal-data.ts";
import { reportOf } from "./report.ts";
import type { Refiller, StockAnswer } from "./refill.ts";
import type { Requests, Bond } from "./requests.ts";
import type { Settings } from "./settings.ts";
import type { Siblings } from "./siblings.ts";
import type { Stock, Place } from "./stock.ts";
import type { Sweeps } from "./sweeps.ts";
import type { IntervalCounts, PoolTally } from "./tally.ts";

export class CodePool extends DurableObject<Env> {
  readonly #ledger: Ledger;
  readonly #stock: Stock;
  readonly #settings: Settings;
  readonly #refiller: Refiller;
  readonly #outbox: Outbox;
  readonly #checkout: Checkout;
  readonly #personalData: PersonalData;
  readonly #requests: Requests;
  readonly #breaker: Breaker;
  readonly #alarm: Alarm;
  readonly #siblings: Siblings;
  readonly #sweeps: Sweeps;
  readonly #announcer: Announcer;
  readonly #line: ClaimLine;
  readonly #audience: Audience;
  readonly #pace = new Pace();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage);
    const parts = assemble(ctx.storage, () => this.env);
    ({
      ledger: this.#ledger,
      stock: this.#stock,
      settings: this.#settings,
      personalData: this.#personalData,
      requests: this.#requests,
      alarm: this.#alarm,
      siblings: this.#siblings,
      breaker: this.#breaker,
      checkout: this.#checkout,
      refiller: this.#refiller,
      outbox: this.#outbox,
      announcer: this.#announcer,
      sweeps: this.#sweeps,
    } = parts);
    const waitUntil = (work: Promise<unknown>) => ctx.waitUntil(work);
    this.#line = new ClaimLine({ ...parts, storage: ctx.storage, waitUntil });
    this.#audience = new Audience({ ...parts, ctx });
    const isDone = this.#outbox.isEmpty() && this.#stock.givenBack().length === 0;
    if (this.#breaker.isUntold()) this.#alarm.set(0);
    if (!isDone) this.#alarm.set(this.#outbox.delayMs());
    this.#sweeps.plan();
  }

  /**
   * Gives the user a code, or says why not. Safe to repeat: a user's repeat gets the same answer.
   */
  async claim(request: messages.ClaimRequest): Promise<messages.ClaimOutcome> {
    const { paceLeft, retryAfterMs } = this.#pace.meet(request, Date.now());
    if (retryAfterMs !== null) return { kind: "paced", retryAfterMs, paceLeft };
    const verdict = await this.#line.decide(request);
    if (request.key !== null || request.proof !== null) this.#sweeps.plan();
    return { ...verdict, paceLeft };
  }

  /** Takes over newer settings. A pause that was answered is in force here. */
  configure(campaign: PoolCampaign, shard: number): void {
    this.ctx.storage.transactionSync(() => this.#settings.newest(campaign, shard));
    this.#sweeps.plan({ anew: true });
    this.#audience.tell();
  }

  /**
   * Takes from the user's claims all that says who it is, and tells which they were, when D1 shows
   * them (users/erase-from.ts says why); null when D1 did not say so. Safe to repeat.
   */
  async erase(userKey: string, erasureId: string): Promise<messages.ErasedClaim[] | null> {
    const erased = this.ctx.storage.transactionSync(() =>
      this.#personalData.erase(userKey, erasureId),
    );
    return erased.length === 0 || (await this.showClaims()) ? erased : null;
  }

  /** Whether the key may be used for this request: it means no other. Safe to repeat. */
  bind(key: messages.RequestKey, kind: Bond): boolean {
    const isFree = this.#requests.bind(key, kind, Date.now());
    this.#sweeps.plan();
    return isFree;
  }

  findClaim(userKey: string, nth: number): Claim | null {
    return this.#ledger.find(userKey, nth);
  }

  /** First to last. Claims that were erased are nobody's as far as anybody can ask. */
  listClaimsOf(userKey: string): messages.HeldByUser[] {
    return this.#checkout.heldBy(userKey);
  }

  /** Newest first. */
  listClaims(beforeSlot: number, limit: number): Claim[] {
    return this.#ledger.listBefore(beforeSlot, limit);
  }

  /** What the event log names of the ledger, in the order asked. */
  readLedger(stretches: messages.LedgerStretch[]): messages.LedgerEntries[] {
    return stretches.map(({ kind, after, skip, take }) =>
      kind === "claims"
        ? { kind, claims: this.#ledger.listAfter(after, skip, take) }
        : { kind, redemptions: this.#checkout.list(after + skip, take) },
    );
  }

  /** The brand's webhooks have heard of what entered the log up to that count. */
  newsHeard(number: number): void {
    this.#announcer.confirm(number);
  }

  /** Oldest first: what D1 should show. */
  listPlacedClaims(afterSlot: number, limit: number): PlacedClaim[] {
    return this.#ledger.listPlaced(afterSlot, limit);
  }

  inspect(place: Place): messages.HeldClaim {
    return this.#checkout.inspect(place);
  }

  /** Spends a code, or says why not. Safe to repeat: the same order gets the same redemption. */
  redeem(request: messages.RedeemRequest): messages.RedeemOutcome {
    const outcome = this.#checkout.redeem(request, Date.now());
    if (outcome.kind === "redeemed") this.#alarm.set(this.#outbox.delayMs());
    if (request.key !== null) this.#sweeps.plan();
    return outcome;
  }

  /** When this is answered, none of the codes is given or spent any more. Safe to repeat. */
  revoke(places: Place[]): messages.RevokeOutcome[] {
    const outcomes = this.#checkout.revoke(places, Date.now());
    this.#audience.tellOfStock();
    return outcomes;
  }

  /** Oldest first. */
  listRedemptions(afterNumber: number, limit: number): messages.HeldRedemption[] {
    return this.#checkout.list(afterNumber, limit);
  }

  findRedemption(number: number): messages.HeldRedemption | null {
    return this.#checkout.find(number);
  }

  report(): messages.PoolReport {
    return reportOf(this.#ledger, this.#stock);
  }

  /** The counts of now, and of what came between each of the times and the next. */
  tally(times: number[]): PoolTally & { between: IntervalCounts[] } {
    return this.#audience.tally.withCounts(times);
  }

  /**
   * For a sibling that has no code left: frees some of this shard's, or says that it has none. Null
   * when D1 did not answer: the codes are on their way, and an alarm sees them through.
   */
  async giveBack(): Promise<StockAnswer | null> {
    try {
      return await this.#refiller.giveBack(this.#line.waiting);
    } catch {
      this.#alarm.retry();
      return null;
    }
  }

  /** Codes here that may be given, and whether a search has just found none anywhere. */
  stockLeft(): messages.StockLeft {
    const unspent = this.#stock.unspent(this.#ledger.lastSlot());
    return { unspent, isDry: this.#refiller.isKnownDry() };
  }

  /** Codes were added to the campaign: an empty stock is to be looked at anew. */
  stockAdded(): void {
    this.#refiller.forgetDry();
    this.#audience.tellOfStock();
  }

  /** For who watches (listening.ts): a socket on which the pool says how it stands. */
  override fetch(request: Request): Response {
    return this.#audience.admit(request);
  }

  ping(): number {
    return this.#ledger.lastSlot();
  }

  override async alarm(): Promise<void> {
    this.#alarm.rings();
    try {
      await this.#breaker.tell(this.env.DB, (paused) => this.#siblings.configureAll(paused));
    } catch {
      this.#alarm.retry();
    }
    await this.#show();
    try {
      await this.#refiller.settleGivenBack();
    } catch {
      this.#alarm.retry();
    }
    this.#sweeps.run(Date.now());
  }

  /** Shows D1 the claims that it does not show yet. False when D1 did not say that it does. */
  async showClaims(): Promise<boolean> {
    const shown = await this.#show();
    if (this.#announcer.dueAt() !== null) this.#sweeps.plan({ anew: true });
    return shown;
  }

  /**
   * The platform gives up on an alarm after 6 failures, so a failing D1 is met by setting the next
   * alarm instead of throwing.
   */
  async #show(): Promise<boolean> {
    const shown = await this.#outbox.drain();
    if (!shown) this.#alarm.replace(this.#outbox.restMs());
    this.#audience.tell();
    await this.#announcer.run();
    return shown;
  }
}
