/**
 * A partner's site beside the demo brand, on an origin of its own: its users sign in here, its
 * server says who they are, and its page has the claim button. Codedrop never sees its cookie, and
 * its page never sees the secret that signs.
 */

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { SignJWT } from "jose";
import { page } from "./page.ts";

/** What the site must know of Codedrop. */
export interface Partnership {
  codedrop: string;
  campaign: string;
  publishableKey: string;
  issuer: string;
  audience: string;
  /** Of the brand's identity, as it was shown once. */
  identitySecret: string;
}

/** Soon after the start, or for good where the brand was given another identity. */
const NOT_A_PARTNER =
  "This site is not a partner of the demo brand now. Where npm start runs it says whether it will be.";
const COOKIE = "nordkai_session";
/** A page asks for a token at each press. */
const TOKEN_LIFE = "2m";
const NAME_MAX = 40;
const FORM_BYTES_MAX = 1_000;
/** Ports that are tried after the preferred one, before any. */
const PORTS = 10;

const THEME = path.resolve(import.meta.dirname, "../../pages/shared/theme.css");
const here = (name: string) => readFileSync(path.join(import.meta.dirname, name), "utf8");

export class PartnerSite {
  readonly #server: Server;
  /** Who is signed in, by the cookie; forgotten when the site stops. */
  readonly #sessions = new Map<string, string>();
  #partnership: Partnership | null = null;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => send(response, 500, "text/plain", "Sorry."));
    });
  }

  /** Listens on the first port that is free from this one on; serves once it is a partner. */
  static async listen(preferred: number): Promise<PartnerSite> {
    const site = new PartnerSite();
    const ports = Array.from({ length: PORTS }, (_, i) => preferred + i);
    for (const port of [...ports.filter((one) => one < 65_536), 0]) {
      if (await listens(site.#server, port)) break;
    }
    return site;
  }

  get origin(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  serve(partnership: Partnership): void {
    this.#partnership = partnership;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const partner = this.#partnership;
    if (partner === null) return send(response, 503, "text/plain", NOT_A_PARTNER);
    const user = this.#sessions.get(sessionOf(request)) ?? null;
    const [pathname] = (request.url ?? "/").split("?");
    if (request.method === "POST" && !isOwnPage(request)) {
      return send(response, 403, "text/plain", "Sign in and out on the page.");
    }
    switch (`${request.method} ${pathname}`) {
      case "GET /":
        response.setHeader("Content-Security-Policy", policy(partner.codedrop));
        return send(response, 200, "text/html", page(partner, user));
      case "GET /site.css":
        return send(response, 200, "text/css", readFileSync(THEME, "utf8") + here("site.css"));
      case "GET /site.js":
        return send(response, 200, "text/javascript", here("browser.js"));
      case "GET /codedrop-token":
        return user === null
          ? send(response, 204, "text/plain", "")
          : send(response, 200, "text/plain", await tokenOf(partner, user));
      case "POST /sign-in":
        return this.#signIn(request, response);
      case "POST /sign-out":
        this.#sessions.delete(sessionOf(request));
        return goHome(response, `${COOKIE}=; Max-Age=0`);
      default:
        return send(response, 404, "text/plain", "There is no such page.");
    }
  }

  async #signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (Number(request.headers["content-length"] ?? Infinity) > FORM_BYTES_MAX) {
      return send(response, 413, "text/plain", "That is too long a name.");
    }
    const name = new URLSearchParams(await text(request)).get("name")?.trim() ?? "";
    if (name === "" || name.length > NAME_MAX || /\p{C}/u.test(name)) return goHome(response);
    const session = randomBytes(16).toString("base64url");
    this.#sessions.set(session, name);
    return goHome(response, `${COOKIE}=${session}`);
  }
}

function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const refused = () => resolve(false);
    server.once("error", refused);
    server.listen(port, "localhost", () => {
      server.off("error", refused);
      resolve(true);
    });
  });
}

/** The token that a partner's server gives to its page: who its user is, for a short while. */
function tokenOf(partner: Partnership, name: string): Promise<string> {
  return new SignJWT({ name })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(partner.issuer)
    .setAudience(partner.audience)
    .setSubject(`member-${name.toLowerCase()}`)
    .setIssuedAt()
    .setExpirationTime(TOKEN_LIFE)
    .sign(new TextEncoder().encode(partner.identitySecret));
}

function sessionOf(request: IncomingMessage): string {
  return new RegExp(`(?:^|; )${COOKIE}=([^;]+)`).exec(request.headers.cookie ?? "")?.[1] ?? "";
}

/** Another site must neither sign its visitor in here, as somebody whom it knows, nor out. */
function isOwnPage({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === `http://${host}`;
}

/** All that the claim button needs of a page's policy: Codedrop's script, and calls to it. */
function policy(codedrop: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${codedrop}`,
    `connect-src 'self' ${codedrop}`,
    "style-src 'self'",
    "img-src data:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function goHome(response: ServerResponse, cookie?: string): void {
  if (cookie !== undefined) {
    response.setHeader("Set-Cookie", `${cookie}; Path=/; HttpOnly; SameSite=Lax`);
  }
  response.setHeader("Location", "/");
  send(response, 303, "text/plain", "");
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    "Content-Type": `${type}; charset=utf-8`,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(body);
}
