/** The console in a browser: signed in, watched, and held against the rules of accessibility. */

import type { Browser, BrowserContext, Page } from "playwright-core";
import { axe, painted } from "./browser.ts";
import { THOROUGHLY } from "./thoroughly.ts";

/** What a browser says by itself of an answer with such a status, or of none. */
const FAILED = /^Failed to load resource: (?:.* status of (\d+)|net::)/;

/** Scripts of the page are text: the tests have no types of browsers. */
const NAME_OF_FOCUS = `(() => {
  const at = document.activeElement;
  if (at === document.body) return "";
  const label = at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent;
  return label ?? at.textContent;
})()`;

/** A thumb's width, less what rounding takes. */
const FIND_SMALL = `[...document.querySelectorAll("button, a.button, select, input")]
  .filter((one) => one.getClientRects().length > 0)
  .map((one) => (/checkbox|radio/.test(one.type) ? one.closest("label") : one))
  .filter((one) => one.getBoundingClientRect().height < 43.5)
  .map((one) => "small: " + one.outerHTML.slice(0, 120))`;

const PHONE = 375;
/** Each side of where the layout changes, too. */
const WIDTHS = THOROUGHLY
  ? [PHONE, 768, 770, 1_088, 1_090, 1_247, 1_249, 1_280]
  : [PHONE, 770, 1_280];
const SCHEMES = ["light", "dark"] as const;

export class Console {
  readonly page: Page;
  readonly #complaints: string[] = [];
  #checks = 0;

  private constructor(page: Page, address: string, refused: readonly number[]) {
    this.page = page;
    page.on("console", (message) => {
      if (!["error", "warning"].includes(message.type())) return;
      const failed = FAILED.exec(message.text());
      if (failed === null || !refused.includes(Number(failed[1] ?? 0))) {
        this.#complaints.push(`${message.type()}: ${message.text()}`);
      }
    });
    page.on("pageerror", (error) => this.#complaints.push(`thrown: ${error.message}`));
    page.on("dialog", (dialog) => {
      this.#complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== "data:" && origin !== address) {
        this.#complaints.push(`foreign: ${request.url()}`);
      }
    });
  }

  /** `refused`: statuses that the story has coming, 0 where no answer comes. */
  static async open(
    on: Browser | BrowserContext,
    address: string,
    { refused = [] as readonly number[] } = {},
  ): Promise<Console> {
    const opened = new Console(await on.newPage(), address, refused);
    await opened.page.goto(`${address}/console`);
    return opened;
  }

  async signIn(key: string): Promise<void> {
    await this.page.getByLabel("Secret key").fill(key);
    await this.page.keyboard.press("Enter");
    await this.page.getByRole("navigation").waitFor();
  }

  /** To a page of the console by its address, without loading anything anew. */
  async go(hash: string, heading: string): Promise<void> {
    await this.page.evaluate(`location.hash = ${JSON.stringify(`#/${hash}`)}`);
    await this.page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
    // By then the heading has the focus, and takes it from nobody any more.
    await painted(this.page);
  }

  /** By the keyboard alone: Tab until something has the focus whose name begins so. */
  async tabTo(name: string): Promise<void> {
    for (let i = 0; i < 100; i++) {
      await this.page.keyboard.press("Tab");
      const focused = (await this.page.evaluate(NAME_OF_FOCUS)) as string;
      if (focused.trim().startsWith(name)) return;
    }
    throw new Error(`Tab does not lead to ${name}`);
  }

  /** Press what is called so, by Tab and Enter. */
  async press(name: string): Promise<void> {
    await this.tabTo(name);
    await this.page.keyboard.press("Enter");
  }

  /** Errors, warnings, dialogs, calls of other hosts, since the last call. */
  complaints(): string[] {
    return this.#complaints.splice(0);
  }

  /** What is wrong with the page as it is: what axe finds, light or dark, and on a phone. */
  async faults(): Promise<string[]> {
    const { page } = this;
    const found: string[] = [];
    const turn = this.#checks++ % SCHEMES.length;
    for (const colorScheme of THOROUGHLY ? SCHEMES : SCHEMES.slice(turn, turn + 1)) {
      await page.emulateMedia({ colorScheme });
      found.push(...(await axe(page)));
    }
    await page.emulateMedia({ colorScheme: null });
    const before = page.viewportSize();
    for (const size of WIDTHS) {
      await page.setViewportSize({ width: size, height: 800 });
      const width = (await page.evaluate("document.documentElement.scrollWidth")) as number;
      if (width > size) found.push(`${width} px wide on ${size}`);
      if (size === PHONE) found.push(...((await page.evaluate(FIND_SMALL)) as string[]));
    }
    if (before !== null) await page.setViewportSize(before);
    return found;
  }
}
