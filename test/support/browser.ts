/** A real Chromium, and partner sites for it to open: pages of any host, on this machine. */

import { existsSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import path from "node:path";
import { chromium, type Browser } from "playwright-core";

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

const EMPTY: RequestListener = (_request, response) => {
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end("<!doctype html><title>Partner</title><link rel=icon href=data:,><p>Partner");
};

/** A site under every host name, which serves an empty page under every path unless you say. */
export async function startSite(
  serve: RequestListener = EMPTY,
): Promise<{ port: number; close: () => void }> {
  const site: Server = createServer(serve);
  await new Promise<void>((resolve) => {
    site.listen(0, "127.0.0.1", resolve);
  });
  const address = site.address();
  if (address === null || typeof address === "string") throw new Error("The site has no port");
  return { port: address.port, close: () => site.close() };
}
