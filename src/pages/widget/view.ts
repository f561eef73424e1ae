/** What each state shows. Whatever came over the network goes into text nodes, and nowhere else. */

import { isPassing } from "./calls.ts";
import type { State } from "./state.ts";
import type { Texts } from "./texts.ts";
import type { Visit } from "./visit.ts";
import type { Wording } from "./wording.ts";

/** What the user can do. */
export interface Acts {
  take: () => void;
  reveal: () => void;
  retry: () => void;
  signIn: () => void;
  agree: (isAgreed: boolean) => void;
  copy: (code: HTMLElement, button: HTMLElement) => void;
}

interface Scene {
  visit: Visit;
  wording: Wording;
  acts: Acts;
}

type Attributes = Record<string, string | (() => void)>;
type Child = Node | string | null;

function h(tag: string, attributes: Attributes, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "string") element.setAttribute(name, value);
    else element.addEventListener(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const line = (part: string, text: string) => h("p", { part }, text);

/** Where the focus goes, if it was in the element before. */
const FIRST = { "data-first": "" };

function button(label: string, click: () => void, more: Attributes = {}): HTMLElement {
  return h("button", { type: "button", part: "button primary", click, ...FIRST, ...more }, label);
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\]|.+\.localhost)$/;

/** Never another scheme: `javascript:` would run in the partner's page. */
function safeLink(url: string | null | undefined): string | null {
  const parsed = URL.parse(url ?? "");
  if (parsed === null) return null;
  const { protocol, hostname, href } = parsed;
  const isSafe = protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
  return isSafe ? href : null;
}

function time({ wording }: Scene, name: keyof Texts, iso: string | null | undefined) {
  return iso == null ? null : line("time", wording.say(name, wording.time(iso)));
}

function head({ visit: { campaign, state }, wording }: Scene): HTMLElement | null {
  if (campaign === null) return null;
  const { discount } = campaign;
  const { main, notes } = discount === null ? { main: null, notes: [] } : wording.offer(discount);
  const mayHave = state === "ready" || state === "signed-out" || state === "working";
  return h(
    "div",
    { part: "head" },
    mayHave && campaign.availability === "low" ? line("badge", wording.say("low")) : null,
    h("p", { part: "title", id: "title" }, campaign.name),
    main === null ? null : line("offer", main),
    ...notes.map((note) => line("note", note)),
  );
}

function signIn({ wording, acts }: Scene): HTMLElement {
  const own = button(wording.say("signIn"), () => {});
  // Hears of the page's own link, too.
  return h("slot", { name: "sign-in", click: acts.signIn }, own);
}

function consent({ visit, acts }: Scene): HTMLElement | null {
  const { terms, hint } = visit;
  if (terms === null) return null;
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = visit.isAgreed;
  box.required = terms.required;
  if (hint === "consent") {
    box.setAttribute("aria-invalid", "true");
    box.setAttribute("aria-describedby", "hint");
    box.dataset["first"] = "";
  }
  box.addEventListener("change", () => acts.agree(box.checked));
  return h("label", { part: "consent" }, box, h("span", {}, terms.text));
}

const challenge = ({ visit: { campaign } }: Scene) =>
  campaign?.challenge == null ? null : h("slot", { name: "challenge" });

const hint = ({ visit, wording }: Scene) =>
  visit.hint === null ? null : h("p", { part: "hint", id: "hint" }, wording.say(visit.hint));

function ready(scene: Scene): Child[] {
  const { visit, wording, acts } = scene;
  return [
    time(scene, "until", visit.campaign?.ends_at),
    consent(scene),
    challenge(scene),
    hint(scene),
    button(wording.say(visit.isReturning ? "show" : "get"), acts.take),
  ];
}

/** Whoever has a code gets it from a campaign that is closed, too. */
function closed(scene: Scene, message: string): Child[] {
  const { visit, wording, acts } = scene;
  const said = line("message", message);
  if (!visit.isSignedIn) return [said, signIn(scene)];
  const show = button(wording.say("show"), acts.take, { part: "button secondary" });
  return [said, challenge(scene), hint(scene), show];
}

type Held = "revealed" | "yours" | "redeemed" | "expired" | "revoked";

function held(scene: Scene, state: Held): Child[] {
  const { visit, wording, acts } = scene;
  const { claim, campaign } = visit;
  const said = line("message", wording.say(state));
  const isGood = state === "revealed" || state === "yours";
  const part = isGood ? "code" : "code over";
  const code = h("code", { part, id: "code", translate: "no" }, claim?.code ?? "");
  if (!isGood) return [said, h("div", { part: "codebox" }, code)];
  const copy = button(wording.say("copy"), () => acts.copy(code, copy), {
    part: "button copy",
    "aria-describedby": "code",
  });
  const href = safeLink(claim?.shop_url ?? campaign?.shop_url);
  const shop = { part: "button primary shop", target: "_blank", rel: "noopener" };
  return [
    said,
    h("div", { part: "codebox" }, code, copy),
    time(scene, "useBy", claim?.expires_at),
    href === null ? null : h("a", { ...shop, href }, wording.say("shop")),
  ];
}

function working({ visit, wording }: Scene): HTMLElement {
  const label = wording.say(visit.isWaiting ? "waiting" : "working");
  // Not disabled, which would take the focus from whoever pressed it.
  const busy = button(label, () => {}, { "aria-disabled": "true" });
  busy.prepend(h("i", { "aria-hidden": "true" }));
  return busy;
}

function body(scene: Scene, state: State): Child[] {
  const { visit, wording, acts } = scene;
  const { say } = wording;
  const { campaign, claim, failure } = visit;
  switch (state) {
    case "loading":
      return [line("message", say("loading"))];
    case "signed-out":
      return [
        time(scene, "until", campaign?.ends_at),
        line("message", say("signInHint")),
        signIn(scene),
      ];
    case "ready":
      return ready(scene);
    case "working":
      return [working(scene)];
    case "reserved": {
      const message = say("reserved", wording.time(claim?.reveal_by ?? ""));
      return [line("message", message), button(say("show"), acts.reveal)];
    }
    case "lapsed":
      return [line("message", say("lapsed")), button(say("get"), acts.take)];
    case "not-started":
      return closed(scene, say("notStarted", wording.time(campaign?.starts_at ?? "")));
    case "paused":
    case "ended":
    case "exhausted":
      return closed(scene, say(state));
    case "error":
      return failure !== null && isPassing(failure)
        ? [line("message", say("error")), button(say("retry"), acts.retry)]
        : [line("message", say("unavailable"))];
    case "revealed":
    case "yours":
    case "redeemed":
    case "expired":
    case "revoked":
      return held(scene, state);
  }
}

/** The card, and what a screen reader is told of it. */
export function draw(scene: Scene): { card: HTMLElement; news: string } {
  const { visit, wording } = scene;
  const { state } = visit;
  const top = head(scene);
  const name = top === null ? { "aria-label": "Codedrop" } : { "aria-labelledby": "title" };
  const card = h(
    "section",
    { part: "card", role: "group", tabindex: "-1", lang: wording.language, ...name },
    top,
    ...body(scene, state),
  );
  // What was there from the beginning is read like the rest of the page.
  if (state === "loading" || (state === "ready" && visit.hint === null)) return { card, news: "" };
  const shown = card.querySelector('[part="hint"], [part="message"], [aria-disabled]');
  const said = shown?.textContent ?? "";
  const isGood = state === "revealed" || state === "yours";
  return { card, news: isGood ? `${said}: ${visit.claim?.code ?? ""}` : said };
}
