/** A real Chromium, and partner sites for it to open: pages of any host, on this machine. */

import { existsSync, readFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";

const CANDIDATES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
/** The same fonts on every machine. */
const FONTS = path.join(import.meta.dirname, "fonts.conf");

/** Where there is one on this machine; npm brings none. */
export function findChromium(): string | null {
  return process.env["CHROMIUM"] ?? CANDIDATES.find((file) => existsSync(file)) ?? null;
}

/** Every host name leads here, so that pages of `partner.example` need no DNS. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) {
    throw new Error("There is no Chromium: apt-get install chromium, or name one in CHROMIUM.");
  }
  return chromium.launch({
    executablePath,
    env: { ...process.env, FONTCONFIG_FILE: FONTS },
    args: ["--no-sandbox", "--host-resolver-rules=MAP * 127.0.0.1, EXCLUDE 127.0.0.1"],
  });
}

const EMPTY = "<!doctype html><title>Partner</title><link rel=icon href=data:,><p>Partner";

/** Serves one page, an empty one as a rule, under every path. */
export function onePage({ html = EMPTY, csp = "" } = {}): RequestListener {
  return (_request, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    if (csp !== "") response.setHeader("Content-Security-Policy", csp);
    response.end(html);
  };
}

/** A site under every host name. */
export async function startSite(
  serve: RequestListener = onePage(),
): Promise<{ port: number; close: () => void }> {
  const site: Server = createServer(serve);
  await new Promise<void>((resolve) => {
    site.listen(0, "127.0.0.1", resolve);
  });
  const address = site.address();
  if (address === null || typeof address === "string") throw new Error("The site has no port");
  return { port: address.port, close: () => site.close() };
}

/** What a page must not do: errors on its console, and calls to a host that is not among these. */
export function watch(page: Page, origins: string[]): { errors: string[]; strangers: string[] } {
  const seen = { errors: [] as string[], strangers: [] as string[] };
  page.on("console", (message) => {
    if (message.type() === "error") seen.errors.push(message.text());
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && !origins.includes(origin)) seen.strangers.push(request.url());
  });
  return seen;
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Colours are of the scheme, and sizes of the window, that were set before. */
export async function painted(page: Page): Promise<void> {
  await page.evaluate(`new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 20)));
  })`);
}

/** The window as large, and the page laid out in it. */
export async function resize(page: Page, size: { width: number; height: number }): Promise<void> {
  await page.setViewportSize(size);
  // A picture of a whole page makes the window as high as the page, for a moment.
  await page.waitForFunction(`innerHeight === ${size.height}`);
  await painted(page);
}

/** What axe finds wrong, as the rule and where; of what is right it tells nothing. */
export async function axe(page: Page): Promise<string[]> {
  // By the debugger, which no CSP of the page stops.
  await page.evaluate(AXE);
  await painted(page);
  return page.evaluate(`axe.run({ resultTypes: ["violations"], preload: false })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + " at " + target + ": " + failureSummary)))`);
}
