/** What the pages of the documentation can do beyond being read; without it they are complete. */

import { watchFilter } from "./filter.ts";

/** What the samples have as the address of the service: the pages put their own in its place. */
const ADDRESS = "http://localhost:8787";

const all = <Kind extends Element>(selector: string) => [
  ...document.querySelectorAll<Kind>(selector),
];

function useOwnAddress(): void {
  if (location.origin === ADDRESS) return;
  for (const code of all("pre code")) {
    const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text !== null; text = walker.nextNode()) {
      const old = text.nodeValue ?? "";
      if (old.includes(ADDRESS)) text.nodeValue = old.replaceAll(ADDRESS, location.origin);
    }
  }
}

/** Long enough to be read. */
const COPIED_MS = 2_000;

function addCopyButton(block: HTMLElement): void {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  const status = document.createElement("span");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  const tell = (word: string) => {
    button.textContent = word;
    status.textContent = word;
    setTimeout(() => {
      button.textContent = "Copy";
      status.textContent = "";
    }, COPIED_MS);
  };
  button.addEventListener("click", () => {
    const text = block.querySelector("pre")?.textContent ?? "";
    navigator.clipboard.writeText(text).then(
      () => tell("Copied"),
      () => tell("Not allowed"),
    );
  });
  block.append(button, status);
}

const LANGUAGE = "codedrop-docs-language";

/** Storage may be forbidden to the page: then nothing is remembered. */
function keepLanguage(chosen: string): void {
  try {
    localStorage.setItem(LANGUAGE, chosen);
  } catch {}
}

function keptLanguage(): string {
  try {
    return localStorage.getItem(LANGUAGE) ?? "";
  } catch {
    return "";
  }
}

/** Of the samples of a call one is shown, the same kind everywhere. */
function addLanguageChoice(groups: HTMLElement[]): void {
  const labels = [
    ...new Set(all<HTMLElement>("[data-sample]").map((one) => one.dataset["sample"])),
  ];
  const selects: HTMLSelectElement[] = [];
  const show = (chosen: string) => {
    for (const group of groups) {
      const samples = [...group.querySelectorAll<HTMLElement>("[data-sample]")];
      const found = samples.find((one) => one.dataset["sample"] === chosen) ?? samples[0];
      for (const sample of samples) sample.hidden = sample !== found;
    }
    for (const select of selects) select.value = chosen;
  };
  for (const group of groups) {
    const select = document.createElement("select");
    select.setAttribute("aria-label", "Language of the sample");
    select.append(...labels.map((label) => new Option(label, label)));
    select.addEventListener("change", () => {
      keepLanguage(select.value);
      show(select.value);
    });
    group.prepend(select);
    selects.push(select);
  }
  const kept = keptLanguage();
  show(labels.includes(kept) ? kept : (labels[0] ?? ""));
}

/** The form that makes the call is loaded when somebody wants it. */
function addTryButton(place: HTMLElement): void {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button primary";
  button.textContent = "Try it";
  button.setAttribute("aria-label", `Try it: ${place.dataset["try"] ?? ""}`);
  const open = async () => {
    button.setAttribute("aria-disabled", "true");
    try {
      const { openTryIt } = await import("./try-it.tsx");
      await openTryIt(place, place.dataset["try"] ?? "");
    } catch {
      button.removeAttribute("aria-disabled");
      button.textContent = "Try it again: there was no connection";
    }
  };
  button.addEventListener("click", () => void open());
  place.append(button);
}

/** A menu that covers the page goes away when it has led somewhere. */
function closeMenuWhenUsed(menu: HTMLElement): void {
  menu.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("a") === null) return;
    if (menu.matches(":popover-open")) menu.hidePopover();
  });
}

/** What an address names may stand in something that is closed. */
function openNamed(): void {
  // No name of ours needs decoding, and what somebody typed may be no code at all.
  const named = document.getElementById(location.hash.slice(1));
  const closed = named?.closest("details");
  if (closed != null) closed.open = true;
}

useOwnAddress();
for (const block of all<HTMLElement>("[data-copy]")) addCopyButton(block);
const groups = all<HTMLElement>(".samples");
if (groups.length > 0) addLanguageChoice(groups);
for (const place of all<HTMLElement>("[data-try]")) addTryButton(place);
for (const menu of all<HTMLElement>("#menu")) closeMenuWhenUsed(menu);
for (const place of all<HTMLElement>("[data-filter]")) watchFilter(place);
openNamed();
addEventListener("hashchange", openNamed);
