/**
 * One look of one user at one campaign, from the first call to the code. The element begins a new
 * one whenever the user, the campaign or the key is another; what the old one waits for is then
 * nobody's any more.
 */

import type { Claim } from "../../client/code-types.ts";
import type { PublicCampaign } from "../../client/types.ts";
import { isPassing, refusal, type Outcome, type Refusal } from "./calls.ts";
import { isRemembered, remember } from "./remembered.ts";
import { newIdempotencyKey, type Asked, type Service } from "./service.ts";
import { closedOf, stateOf, type Closed, type State } from "./state.ts";

/** The page, as the element knows it. */
export interface Host {
  service: Service;
  /** Who the user is; null when nobody is signed in. */
  askToken: () => Promise<string | null>;
  /** Whether a refused token may be asked for anew. */
  mayAskAgain: () => boolean;
  /** A token of the page's challenge, which is then spent; null when there is none yet. */
  spendChallenge: () => Promise<string | null>;
  changed: () => void;
  emit: (name: string, detail: Record<string, unknown>) => void;
}

export type Hint = "consent" | "challenge" | "paused" | null;

export class Visit {
  campaign: PublicCampaign | null = null;
  claim: Claim | null = null;
  /** When the claim was answered, by this clock. */
  at = 0;
  /** Whether the claim was made just now, and not long ago or in another tab. */
  isNew = false;
  isSignedIn = false;
  isBusy = false;
  /** Whether a call is made again. */
  isWaiting = false;
  /** What a claim was answered, which knows better than the campaign's view. */
  closed: Closed | null = null;
  failure: Refusal | null = null;
  /** What is missing before the button can do its work. */
  hint: Hint = null;
  isAgreed = false;
  /** Whether this user has claimed in this browser. */
  isReturning = false;

  readonly #host: Host;
  #isOver = false;
  #token: string | null = null;
  /** Of a press that got no answer yet. */
  #press: string | null = null;

  constructor(host: Host) {
    this.#host = host;
  }

  get state(): State {
    return stateOf(this);
  }

  /** What is to be agreed to; whoever has a code has agreed. */
  get terms() {
    return this.isReturning ? null : (this.campaign?.consent ?? null);
  }

  end(): void {
    this.#isOver = true;
  }

  async look(isAuto: boolean): Promise<void> {
    const [token, view] = await Promise.all([this.#askToken(), this.#host.service.view("default")]);
    if (this.#isOver) return;
    if (isRefusal(token)) return this.#fail(token);
    if (view.kind === "refused") return this.#fail(view);
    this.campaign = view.body;
    this.#signedIn(token);
    this.#host.changed();
    const isAsked = this.terms !== null || this.campaign.challenge != null;
    const mayHave = this.state === "ready" || (this.isSignedIn && this.isReturning);
    if (isAuto && mayHave && !isAsked) await this.take();
    else this.#askChallenge();
  }

  agree(isAgreed: boolean): void {
    this.isAgreed = isAgreed;
    // The same key may not come with another word.
    this.#press = null;
    if (this.hint === "consent") this.#missing(null);
  }

  challengeGiven(): void {
    if (this.hint === "challenge") this.#missing(null);
  }

  async take(): Promise<void> {
    const { campaign } = this;
    if (this.isBusy || campaign === null) return;
    const terms = this.terms;
    if (terms?.required === true && !this.isAgreed) return this.#missing("consent");
    this.#begin();
    const isChallenged = campaign.challenge != null;
    // What went wrong in the page is asked for anew.
    const challengeToken = isChallenged
      ? await this.#host.spendChallenge().catch(() => null)
      : null;
    if (this.#isOver) return;
    if (isChallenged && challengeToken === null) return this.#missing("challenge");
    const isConsent = terms !== null && this.isAgreed;
    const consent = isConsent ? ({ share_contact: true, version: terms.version } as const) : null;
    this.#press ??= newIdempotencyKey();
    const idempotencyKey = this.#press;
    const outcome = await this.#asUser((asked) =>
      this.#host.service.claim({ ...asked, consent, challengeToken, idempotencyKey }),
    );
    if (this.#isOver) return;
    // What met no answer may have had its code: pressed again, it is the same press.
    if (outcome.kind === "answered" || !isPassing(outcome)) this.#press = null;
    if (outcome.kind === "answered") this.#has(outcome.body, outcome.status === 201);
    else await this.#refused(outcome);
  }

  async reveal(): Promise<void> {
    const { claim } = this;
    if (this.isBusy || claim === null) return;
    this.#begin();
    const outcome = await this.#asUser((asked) => this.#host.service.reveal(claim.id, asked));
    if (this.#isOver) return;
    if (outcome.kind === "answered") this.#has(outcome.body, true);
    else await this.#refused(outcome);
  }

  /** What failed, once more. */
  async retry(): Promise<void> {
    const { claim } = this;
    this.failure = null;
    await (claim?.status === "reserved" ? this.reveal() : this.take());
  }

  #begin(): void {
    Object.assign(this, { isBusy: true, isWaiting: false, hint: null, failure: null });
    this.#host.changed();
  }

  #missing(hint: Hint): void {
    this.isBusy = false;
    this.hint = hint;
    this.#host.changed();
    if (hint === "challenge") this.#askChallenge();
  }

  #fail(failure: Refusal): void {
    this.isBusy = false;
    this.failure = failure;
    this.#host.changed();
    this.#tell(failure);
  }

  #tell({ type, slug, status, requestId }: Refusal): void {
    this.#host.emit("error", { type, slug, status, requestId });
  }

  #signedIn(token: string | null): void {
    this.#token = token;
    this.isSignedIn = token !== null;
    this.isReturning = this.campaign !== null && isRemembered(this.campaign.id, token);
  }

  #askChallenge(): void {
    const challenge = this.campaign?.challenge ?? null;
    if (challenge === null || !this.isSignedIn) return;
    const { type, site_key: siteKey } = challenge;
    this.#host.emit("challenge", { type, siteKey, action: "claim" });
  }

  #has(claim: Claim, isNew: boolean): void {
    Object.assign(this, {
      claim,
      isNew,
      at: Date.now(),
      isBusy: false,
      closed: null,
      isReturning: true,
    });
    const { id, campaign_id: campaignId, status, code } = claim;
    remember(campaignId, this.#token, true);
    this.#host.changed();
    this.#host.emit("claimed", { id, campaignId, status, isNew });
    if (code !== null) this.#host.emit("revealed", { id, campaignId });
  }

  /** The page's word on who its user is; a refusal where it could not be had. */
  async #askToken(): Promise<string | null | Refusal> {
    try {
      return await this.#host.askToken();
    } catch {
      return refusal("user-token-unavailable");
    }
  }

  /** Asks with the user's token, and once more with a new one where that is refused. */
  async #asUser(ask: (asked: Asked) => Promise<Outcome<Claim>>): Promise<Outcome<Claim>> {
    const onWait = () => {
      this.isWaiting = true;
      if (!this.#isOver) this.#host.changed();
    };
    for (let isSecond = false; ; isSecond = true) {
      const token = await this.#askToken();
      if (isRefusal(token)) return token;
      if (token === null || this.#isOver) return refusal("user-token-invalid");
      this.#token = token;
      const outcome = await ask({ token, onWait });
      const isInvalid = isRefusal(outcome) && outcome.slug === "user-token-invalid";
      if (!isInvalid || isSecond || !this.#host.mayAskAgain()) return outcome;
    }
  }

  async #refused(refused: Refusal): Promise<void> {
    const { slug } = refused;
    if (slug === "user-token-invalid") {
      this.claim = null;
      this.#signedIn(null);
    } else if (slug === "claim-lapsed" && this.claim !== null) {
      this.claim = { ...this.claim, status: "lapsed" };
    } else if (slug === "codes-exhausted") {
      this.#holdsNone();
      this.closed = "exhausted";
    } else if (slug === "consent-required" || slug === "challenge-failed") {
      if (slug === "consent-required") this.#holdsNone();
      await this.#lookAgain();
      this.hint = slug === "consent-required" ? "consent" : "challenge";
    } else if (slug === "campaign-not-open") {
      this.#holdsNone();
      await this.#lookAgain();
      // Its view may be some seconds behind, and this clock ahead: the button stays.
      if (this.campaign !== null && closedOf(this.campaign, Date.now()) === null)
        this.hint = "paused";
    } else return this.#fail(refused);
    if (this.#isOver) return;
    this.isBusy = false;
    this.#host.changed();
    this.#tell(refused);
    if (this.hint === "challenge") this.#askChallenge();
  }

  #holdsNone(): void {
    this.claim = null;
    this.isAgreed = false;
    this.isReturning = false;
    if (this.campaign !== null) remember(this.campaign.id, this.#token, false);
  }

  async #lookAgain(): Promise<void> {
    const view = await this.#host.service.view("no-cache");
    if (view.kind === "answered") this.campaign = view.body;
  }
}

function isRefusal(what: unknown): what is Refusal {
  return (what as Refusal | null)?.kind === "refused";
}
