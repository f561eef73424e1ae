/**
 * `<codedrop-claim>`: the button that gives the user of a partner site a code.
 *
 *     <script type="module" src="https://codedrop.example/widget.js"></script>
 *     <codedrop-claim campaign="spring" key="cdp_live_…"></codedrop-claim>
 *     <script type="module">
 *       document.querySelector("codedrop-claim").getUserToken = async () =>
 *         (await fetch("/codedrop-token")).text();
 *     </script>
 *
 * Attributes:
 * - `campaign`: its id or slug.
 * - `key`, or `publishable-key` where a framework keeps `key` to itself.
 * - `user-token`: see userToken; the property keeps it out of the document.
 * - `auto`: claims without a press, where neither consent nor a challenge is asked.
 * - `base-url`: where Codedrop is, if not where this script came from.
 * - `lang`: en, de, fr and es are built in. Without it, that of the nearest element around.
 *
 * Properties:
 * - `userToken`: the signed token of the page's user, or null: nobody is signed in.
 * - `getUserToken`: a function that gives one, or null, or a promise of either. It is asked at
 *   each press, and once more when a token is refused. It goes before `userToken`.
 * - `challengeToken`: for a campaign with a challenge, a token or a function that gives one. This
 *   script loads none of a third party: on `codedrop-challenge` the page renders Turnstile, with
 *   the action `claim`, into an element with `slot="challenge"`, and sets this. Each is used once.
 * - `texts`: any of the texts in src/pages/widget/texts.ts, in other words.
 * - `claim`, `state`: read only; what is shown, with the code.
 * - `refresh()`: looks anew, as after the user of `getUserToken` signed in or out.
 *
 * Events, all bubbling and composed. None has a code or a token in it:
 * - `codedrop-state` {state}, `codedrop-sign-in` (the user wants to sign in),
 *   `codedrop-challenge` {type, siteKey, action} (a token is needed, or a new one),
 *   `codedrop-claimed` {id, campaignId, status, isNew}, `codedrop-revealed` {id, campaignId},
 *   `codedrop-copied` {id, campaignId}, `codedrop-error` {type, slug, status, requestId}.
 *
 * Slots: `sign-in` (the page's own link or button), `challenge`.
 * Parts: card, title, offer, note, time, badge, message, hint, consent, button (with primary,
 * secondary, copy or shop), codebox, code.
 * Custom properties: --codedrop-accent, -on-accent, -background, -text, -quiet, -line, -error,
 * -radius, -font, -mono. Defaults are light or dark as the page's color-scheme says.
 *
 * A user who comes back sees "Show my code": claiming again gives the same code, and there is no
 * other way to ask for it. With `claims_per_user` above 1, each press takes the next code.
 */

import type { Claim } from "../../client/code-types.ts";
import { userOf } from "./remembered.ts";
import { serviceOf } from "./service.ts";
import { nextMoment, type State } from "./state.ts";
import type { Texts } from "./texts.ts";
import { draw, type Acts } from "./view.ts";
import { Visit } from "./visit.ts";
import { wordingFor } from "./wording.ts";

/** The text of style.css, put in by the build. No CSP stops a sheet that a script makes. */
declare const STYLE: string;

type Token = string | null | undefined;
type Source = () => Token | Promise<Token>;

/** Set before this script ran, they stand in the way of the accessors. */
const PROPERTIES = ["userToken", "getUserToken", "challengeToken", "texts"] as const;
const COPIED_MS = 2_500;
/** What a timer can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;

const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);

class CodedropClaim extends HTMLElement {
  static readonly observedAttributes = [
    "campaign",
    "key",
    "publishable-key",
    "base-url",
    "user-token",
    "lang",
  ];

  readonly #root = this.attachShadow({ mode: "open" });
  readonly #news = document.createElement("p");
  #card: HTMLElement | null = null;
  #visit: Visit | null = null;
  #shown: State | null = null;
  #isStale = false;
  #timer = 0;
  #userToken: Token = null;
  #getUserToken: Source | null = null;
  #challengeToken: Token | Source = null;
  #texts: Partial<Texts> = {};

  readonly #acts: Acts = {
    take: () => void this.#visit?.take(),
    reveal: () => void this.#visit?.reveal(),
    retry: () => {
      if (this.#visit?.campaign == null) this.refresh();
      else void this.#visit.retry();
    },
    signIn: () => this.#emit("sign-in", {}),
    agree: (isAgreed) => this.#visit?.agree(isAgreed),
    copy: (code, button) => void this.#copy(code, button),
  };

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet];
    this.#news.setAttribute("role", "status");
    this.#root.append(this.#news);
  }

  connectedCallback(): void {
    for (const name of PROPERTIES) {
      if (!Object.hasOwn(this, name)) continue;
      const own = Object.getOwnPropertyDescriptor(this, name)?.value as never;
      Reflect.deleteProperty(this, name);
      this[name] = own;
    }
    this.refresh();
  }

  disconnectedCallback(): void {
    this.#visit?.end();
    clearTimeout(this.#timer);
  }

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (before === value) return;
    if (name === "user-token") this.userToken = value;
    else if (name === "lang") this.#render();
    else this.refresh();
  }

  get userToken(): Token {
    return this.#userToken;
  }

  set userToken(token: Token) {
    const user = userOf(this.#userToken ?? null);
    this.#userToken = token;
    // A fresh token of the same user changes nothing that they see, once they are signed in.
    const isSame = user !== null && user === userOf(token ?? null);
    if (!isSame || this.#visit?.isSignedIn === false) this.refresh();
  }

  get getUserToken(): Source | null {
    return this.#getUserToken;
  }

  set getUserToken(source: Source | null) {
    this.#getUserToken = source;
    this.refresh();
  }

  get challengeToken(): Token | Source {
    return this.#challengeToken;
  }

  set challengeToken(token: Token | Source) {
    this.#challengeToken = token;
    if (token) this.#visit?.challengeGiven();
  }

  get texts(): Partial<Texts> {
    return this.#texts;
  }

  set texts(texts: Partial<Texts>) {
    this.#texts = texts;
    this.#render();
  }

  get claim(): Claim | null {
    return this.#visit?.claim ?? null;
  }

  get state(): State {
    return this.#visit?.state ?? "loading";
  }

  /** Several changes at once make one look. */
  refresh(): void {
    if (this.#isStale) return;
    this.#isStale = true;
    queueMicrotask(() => {
      this.#isStale = false;
      if (this.isConnected) this.#begin();
    });
  }

  #begin(): void {
    this.#visit?.end();
    const service = serviceOf(this);
    const visit: Visit = new Visit({
      service,
      askToken: async () => (await (this.#getUserToken?.() ?? this.#userToken)) || null,
      mayAskAgain: () => this.#getUserToken !== null,
      spendChallenge: () => this.#spendChallenge(),
      changed: () => this.#render(),
      emit: (name, detail) => this.#emit(name, detail),
    });
    this.#visit = visit;
    this.#render();
    void visit.look(this.hasAttribute("auto"));
  }

  async #spendChallenge(): Promise<string | null> {
    const given = this.#challengeToken;
    if (typeof given === "function") return (await given()) || null;
    this.#challengeToken = null;
    return given || null;
  }

  #emit(name: string, detail: Record<string, unknown>): void {
    const init = { detail, bubbles: true, composed: true };
    this.dispatchEvent(new CustomEvent(`codedrop-${name}`, init));
  }

  #render(): void {
    const visit = this.#visit;
    if (visit === null || !this.isConnected) return;
    const { state } = visit;
    const wording = wordingFor(this, this.#texts);
    const { card, news } = draw({ visit, wording, acts: this.#acts });
    const focused = this.#root.activeElement;
    const slotted = document.activeElement;
    if (this.#card === null) this.#root.prepend(card);
    else this.#card.replaceWith(card);
    this.#card = card;
    // The page's own sign-in link, or its challenge, may be out of view now.
    const isGone =
      slotted !== this && this.contains(slotted) && slotted?.checkVisibility() === false;
    if (focused !== null || isGone) {
      // Whoever just ticked the box stays with it.
      const box = focused?.localName === "input" ? card.querySelector("input") : null;
      (box ?? card.querySelector<HTMLElement>("[data-first]") ?? card).focus();
    }
    if (this.#news.textContent !== news) this.#news.textContent = news;
    this.#wake(visit);
    if (state === this.#shown) return;
    this.#shown = state;
    this.#emit("state", { state });
  }

  /** Looks at the clock when the state may be another by itself. */
  #wake(visit: Visit): void {
    clearTimeout(this.#timer);
    const next = nextMoment(visit);
    if (next === null) return;
    const wait = Math.min(next - Date.now(), TIMER_MAX_MS);
    this.#timer = setTimeout(() => {
      if (visit.state === this.#shown) this.#wake(visit);
      else this.#render();
    }, wait);
  }

  async #copy(code: HTMLElement, button: HTMLElement): Promise<void> {
    const { say } = wordingFor(this, this.#texts);
    const { claim } = this;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // Without TLS, or where the page may not: the user copies what is selected.
      getSelection()?.selectAllChildren(code);
      this.#news.textContent = say("notCopied");
      return;
    }
    button.textContent = say("copied");
    this.#news.textContent = say("copied");
    if (claim !== null) this.#emit("copied", { id: claim.id, campaignId: claim.campaign_id });
    setTimeout(() => {
      button.textContent = say("copy");
    }, COPIED_MS);
  }
}

if (customElements.get("codedrop-claim") === undefined) {
  customElements.define("codedrop-claim", CodedropClaim);
}
