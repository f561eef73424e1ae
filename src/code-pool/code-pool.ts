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
 *  (5) A code is spent once, by whoever holds it for their order (checkout.ts).
 *
 * WHY ONE OBJECT PER CAMPAIGN AND SHARD. A Durable Object runs one event at a time and owns a
 * SQLite database on the same machine. The claim below reads, decides and writes without an await,
 * so no other request can come between; and it is one transaction, so a crash leaves all of it or
 * nothing. A user's hash picks the shard, so rule (2) never needs a second object. Rules (1) and
 * (2) also stand as constraints in the schema (migrations.ts): a mistake here would fail, not hand
 * a code out twice.
 *
 * ALONG. A request that came with an Idempotency-Key leaves a record of its answer (requests.ts),
 * and a shard that would give more than a minute may have pauses itself (breaker.ts), both in the
 * transaction of the claim.
 *
 * SLOTS. A shard numbers the codes it leases 1, 2, 3, … A claim takes the next slot, passing over
 * those whose code was revoked before. So the next code needs no search however many were given,
 * "not yet shown by D1" is a range, and a claim writes two rows: the claim and its UNIQUE
 * (user_key, nth); one more where it came with a key. A reservation takes no slot until its code is
 * revealed (reservations.ts). Whatever becomes of a code later finds its slot by its place in the
 * inventory, in the shard that leased it, and never asks the projection.
 *
 * COMMITS. Claims wait for the end of the event loop's turn and are then decided one after the
 * other: what they write is one commit, and each answer waits for it (output gate).
 *
 * THE TAIL. A shard that finds neither a code here nor a lease in D1 asks its siblings, who give
 * half of their last block back to D1, where it goes to whoever asks first. Nothing is left when D1
 * has none between two times at which no sibling had one and none had come to or left a sibling
 * (refill.ts). Codes move only through D1, under ids stored first, so a lost answer strands none.
 *
 * WHAT A CRASH LEAVES BEHIND
 *  - before the claim's commit: nothing; the answer was held back until the commit (output gate).
 *  - after it, before its answer: the claim. The user asks again and gets the same code.
 *  - after the lease id was stored, before D1 answered: a pending lease. Before the next refill, or
 *    before a sibling is told that nothing is here, D1 says what became of it: the block, or that
 *    it is granted no more, however late the call arrives. Then a new id is used.
 *  - after an end of a block left the stock, before D1 freed it: a row of given_back, settled by
 *    the alarm or the next sibling that asks.
 *  - after D1 showed claims, before projected_slot moved: they are shown again, which is harmless.
 *  - after news was sent, before it was heard: it is sent again, and somebody looks in vain.
 *  - after the alarm was lost or given up on: the constructor sets it again when claims wait.
 */

import { DurableObject } from "cloudflare:workers";
import type { PoolCampaign } from "../domain/claim.ts";
import { Audience } from "./audience.ts";
import { ClaimLine } from "./claim-line.ts";
import type { Hold } from "./holds.ts";
import type { Claim, PlacedClaim } from "./ledger.ts";
import type * as messages from "./messages.ts";
import { migrate } from "./migrations.ts";
import { Pace } from "./pace.ts";
import { assemble, type Parts } from "./parts.ts";
import { reportOf } from "./report.ts";
import type { StockAnswer } from "./refill.ts";
import type { Bond } from "./requests.ts";
import type { AnyClaim } from "./reservations.ts";
import type { Place } from "./stock.ts";
import type { IntervalCounts, PoolTally } from "./tally.ts";

export class CodePool extends DurableObject<Env> {
  readonly #parts: Parts;
  readonly #line: ClaimLine;
  readonly #audience: Audience;
  readonly #pace = new Pace();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage);
    const parts = assemble(ctx.storage, () => this.env);
    this.#parts = parts;
    const waitUntil = (work: Promise<unknown>) => ctx.waitUntil(work);
    this.#line = new ClaimLine({ ...parts, waitUntil });
    this.#audience = new Audience({ ...parts, ctx });
    const { outbox, stock, breaker, alarm } = parts;
    if (breaker.isUntold()) alarm.set(0);
    const isDone = outbox.isEmpty() && stock.givenBack().length === 0;
    if (!isDone) alarm.set(outbox.delayMs());
    parts.sweeps.plan();
  }

  /** Gives the user a code, or says why not. Safe to repeat: it is the same answer again. */
  async claim(request: messages.ClaimRequest): Promise<messages.ClaimOutcome> {
    const outcome = await this.#paced(request);
    if (request.key !== null || request.proof !== null) this.#parts.sweeps.plan();
    return outcome;
  }

  /** Takes over newer settings. A pause that was answered is in force here. */
  configure(campaign: PoolCampaign, shard: number): void {
    this.ctx.storage.transactionSync(() => this.#parts.settings.newest(campaign, shard));
    this.#parts.sweeps.plan({ anew: true });
    this.#audience.tell();
  }

  /** As PersonalData.erase; null when D1 did not say that it shows the claims. Safe to repeat. */
  async erase(userKey: string, erasureId: string): Promise<messages.ErasedClaim[] | null> {
    const erased = this.ctx.storage.transactionSync(() =>
      this.#parts.personalData.erase(userKey, erasureId),
    );
    return erased.length === 0 || (await this.showClaims()) ? erased : null;
  }

  /** Whether the key may be used for this request: it means no other. Safe to repeat. */
  bind(key: messages.RequestKey, kind: Bond): boolean {
    const isFree = this.#parts.requests.bind(key, kind, Date.now());
    this.#parts.sweeps.plan();
    return isFree;
  }

  /** Shows the user the code that they reserved, or says why not. Safe to repeat. */
  reveal(request: messages.RevealRequest): Promise<messages.ClaimOutcome> {
    return this.#paced(request);
  }

  async #paced(request: messages.ClaimRequest | messages.RevealRequest) {
    const { paceLeft, retryAfterMs } = this.#pace.meet(request, Date.now());
    if (retryAfterMs !== null) return { kind: "paced" as const, retryAfterMs, paceLeft };
    return { ...(await this.#line.decide(request)), paceLeft };
  }

  findClaim(userKey: string, nth: number): AnyClaim | null {
    return this.#parts.ledger.find(userKey, nth) ?? this.#parts.reservations.find(userKey, nth);
  }

  /** First to last. Claims that were erased are nobody's as far as anybody can ask. */
  listClaimsOf(userKey: string): messages.HeldByUser<AnyClaim>[] {
    return this.#parts.checkout.heldBy(userKey, Date.now());
  }

  /** Newest first. */
  listClaims(beforeSlot: number, limit: number): Claim[] {
    return this.#parts.ledger.listBefore(beforeSlot, limit);
  }

  /** What the event log names of the ledger, in the order asked. */
  readLedger(stretches: messages.LedgerStretch[]): messages.LedgerEntries[] {
    return this.#parts.log.read(stretches);
  }

  /** The brand's webhooks have heard of what entered the log up to that count. */
  newsHeard(number: number): void {
    this.#parts.announcer.confirm(number);
  }

  /** Oldest first: what D1 should show. */
  listPlacedClaims(afterSlot: number, limit: number): PlacedClaim[] {
    return this.#parts.ledger.listPlaced(afterSlot, limit);
  }

  /** In the order asked. */
  inspect(places: Place[]): messages.HeldClaim[] {
    const now = Date.now();
    return places.map((place) => this.#parts.checkout.inspect(place, now));
  }

  /** Spends codes, or says why not. Safe to repeat: the same order gets the same redemption. */
  redeem(of: messages.AskedOf, requests: messages.RedeemRequest[]): messages.RedeemOutcome[] {
    const { checkout } = this.#parts;
    const outcomes = requests.map((request) => checkout.redeem(of, request, Date.now()));
    this.#logged();
    return outcomes;
  }

  /** Keeps codes for orders, or says why not. Safe to repeat by the same order. */
  hold(of: messages.AskedOf, requests: messages.HoldRequest[]): messages.HoldOutcome[] {
    const { checkout, sweeps } = this.#parts;
    const outcomes = requests.map((request) => checkout.hold(of, request, Date.now()));
    sweeps.plan();
    return outcomes;
  }

  /** Safe to repeat. Null when there is no such hold. */
  release(number: number): Hold | null {
    return this.#parts.checkout.release(number, Date.now());
  }

  findHold(number: number): messages.HeldHold | null {
    return this.#parts.checkout.findHold(number);
  }

  /** Undoes a redemption. Safe to repeat: the first reason stays. */
  rollBack(number: number, reason: string): messages.HeldRedemption | null {
    const held = this.#parts.checkout.rollBack(number, reason, Date.now());
    this.#logged();
    return held;
  }

  /** D1 is to be told of what was logged. */
  #logged(): void {
    const { outbox, alarm, sweeps } = this.#parts;
    if (!outbox.isEmpty()) alarm.set(outbox.delayMs());
    sweeps.plan();
  }

  /** When this is answered, none of the codes is given or spent any more. Safe to repeat. */
  revoke(places: Place[]): messages.RevokeOutcome[] {
    const outcomes = this.#parts.checkout.revoke(places, Date.now());
    this.#audience.tellOfStock();
    return outcomes;
  }

  /** Oldest first. */
  listRedemptions(afterNumber: number, limit: number): messages.HeldRedemption[] {
    return this.#parts.checkout.list(afterNumber, limit);
  }

  findRedemption(number: number): messages.HeldRedemption | null {
    return this.#parts.checkout.find(number);
  }

  report(): messages.PoolReport {
    return reportOf(this.#parts.ledger, this.#parts.stock);
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
      return await this.#parts.refiller.giveBack(this.#line.waiting);
    } catch {
      this.#parts.alarm.retry();
      return null;
    }
  }

  /** Codes here that anybody may be given, and whether a search has just found none anywhere. */
  stockLeft(): messages.StockLeft {
    const { refiller } = this.#parts;
    return { unspent: refiller.free(), isDry: refiller.isKnownDry() };
  }

  /** Codes were added to the campaign: an empty stock is to be looked at anew. */
  stockAdded(): void {
    this.#parts.refiller.forgetDry();
    this.#audience.tellOfStock();
  }

  /** For who watches (listening.ts): a socket on which the pool says how it stands. */
  override fetch(request: Request): Response {
    return this.#audience.admit(request);
  }

  ping(): number {
    return this.#parts.ledger.lastSlot();
  }

  override async alarm(): Promise<void> {
    this.#parts.alarm.rings();
    try {
      await this.#parts.breaker.tell(this.env.DB, (paused) =>
        this.#parts.siblings.configureAll(paused),
      );
    } catch {
      this.#parts.alarm.retry();
    }
    await this.#show();
    try {
      await this.#parts.refiller.settleGivenBack();
    } catch {
      this.#parts.alarm.retry();
    }
    this.#parts.sweeps.run(Date.now());
    this.#logged();
  }

  /** Shows D1 the claims that it does not show yet. False when D1 did not say that it does. */
  async showClaims(): Promise<boolean> {
    const shown = await this.#show();
    if (this.#parts.announcer.dueAt() !== null) this.#parts.sweeps.plan({ anew: true });
    return shown;
  }

  /**
   * The platform gives up on an alarm after 6 failures, so a failing D1 is met by setting the next
   * alarm instead of throwing.
   */
  async #show(): Promise<boolean> {
    const shown = await this.#parts.outbox.drain();
    if (!shown) this.#parts.alarm.replace(this.#parts.outbox.restMs());
    this.#audience.tell();
    await this.#parts.announcer.run();
    return shown;
  }
}
