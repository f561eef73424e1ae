/**
 * The key sets of brands' issuers, near the user. Copies lie in the isolate and in KV; an issuer is
 * asked in the background before they are old, and when a token names a key that is not in them.
 * One isolate asks it at most once in ASK_GAP_MS, whatever tokens come and whatever it answers.
 */

import { sha256 } from "../db/api-keys.ts";
import { Copies, type Near } from "../directory/copies.ts";
import { fetchKeys, FETCH_TIMEOUT_MS } from "./fetch-keys.ts";
import { keysFor, PUBLIC_KEY_MEMBERS, type PublicKey } from "./public-keys.ts";
import { remember } from "./remember.ts";

/** How long a key that the issuer withdraws stays good while the issuer can be asked. */
const MAX_AGE_MS = 600_000;
/**
 * And while it cannot. As long as a token may be old: whoever had one when the issuer went down can
 * use it to its end.
 */
const STALE_MAX_MS = 86_400_000;
/** Between two questions to an issuer, whoever wants to know. What jose's own key sets wait. */
const ASK_GAP_MS = 30_000;
/** Who comes while the issuer is being asked looks for its answer so often, and no longer. */
const POLL_MS = 20;
const POLLS_MAX = (FETCH_TIMEOUT_MS + 500) / POLL_MS;
/** Issuers remembered by one isolate, as many as there are copies. */
const ISSUERS_MAX = 500;

/** The last question to an issuer. Plain data: a promise must not be shared between requests. */
interface Question {
  askedAt: number;
  /** Null while it is on its way. */
  outcome: PublicKey[] | "failed" | null;
}

const questions = new Map<string, Question>();

/** A brand's own, though two brands may have one issuer: neither fills the other's copies. */
interface Issuer {
  brandId: string;
  jwksUrl: string;
}

const idOf = ({ brandId, jwksUrl }: Issuer) => `${brandId} ${jwksUrl}`;

function issuerOf(id: string): Issuer {
  const blank = id.indexOf(" ");
  return { brandId: id.slice(0, blank), jwksUrl: id.slice(blank + 1) };
}

const keySets = new Copies<PublicKey[]>({
  kind: "jwks",
  columns: PUBLIC_KEY_MEMBERS,
  ages: { maxMs: MAX_AGE_MS, staleMaxMs: STALE_MAX_MS },
  source: "An issuer",
  timeoutMs: FETCH_TIMEOUT_MS + 1_000,
  // A URL may be longer than a name in KV.
  nameOf: async (id) => {
    const { brandId, jwksUrl } = issuerOf(id);
    return `${brandId}/${(await sha256(jwksUrl)).toHex()}`;
  },
  load: askIssuer,
});

function recentQuestion(id: string): Question | null {
  const last = questions.get(id);
  return last !== undefined && Date.now() - last.askedAt < ASK_GAP_MS ? last : null;
}

/** What came of it, or null when no keys did. Waits for one that is on its way. */
async function outcomeOf(question: Question): Promise<PublicKey[] | null> {
  for (let poll = 0; question.outcome === null && poll < POLLS_MAX; poll++) {
    await scheduler.wait(POLL_MS);
  }
  return question.outcome === "failed" ? null : question.outcome;
}

async function askIssuer(near: Near, id: string): Promise<PublicKey[]> {
  const recent = recentQuestion(id);
  if (recent !== null) {
    const keys = await outcomeOf(recent);
    if (keys === null) throw new Error("The issuer gave no keys just now.");
    return keys;
  }
  const question: Question = { askedAt: Date.now(), outcome: null };
  remember(questions, id, question, ISSUERS_MAX);
  const { brandId, jwksUrl } = issuerOf(id);
  const asking = fetchKeys(jwksUrl).then(
    (keys) => (question.outcome = keys),
    (error: unknown) => {
      question.outcome = "failed";
      const message = "An issuer gave no keys";
      // A SyntaxError quotes what the issuer answered, which is not for our logs.
      const told = error instanceof SyntaxError ? "The answer is no JSON." : String(error);
      console.warn({ message, brand_id: brandId, error: told });
      throw error;
    },
  );
  // Others wait for it too: a caller who hangs up does not take the answer from them.
  near.waitUntil(asking.catch(() => null));
  return asking;
}

/** The keys as the issuer has them, or had them within ASK_GAP_MS; null when it does not say. */
async function keysAnew(near: Near, id: string): Promise<PublicKey[] | null> {
  if (recentQuestion(id) === null) await keySets.findAnew(near, id).catch(() => null);
  const last = questions.get(id);
  return last === undefined ? null : outcomeOf(last);
}

/**
 * The key that a token with this head is signed by. Nobody knows it while the issuer does not
 * answer and no copy has it.
 */
export async function findIssuerKey(
  near: Near,
  issuer: Issuer,
  head: { alg: string; kid: string | undefined },
): Promise<PublicKey | "none" | "not-known"> {
  const id = idOf(issuer);
  const known = await keySets.find(near, id).catch(() => null);
  if (known === null) return "not-known";
  let fitting = keysFor(known, head);
  if (fitting.length === 0) {
    const anew = await keysAnew(near, id);
    if (anew === null) return "not-known";
    fitting = keysFor(anew, head);
  }
  const [key] = fitting;
  return key === undefined || fitting.length > 1 ? "none" : key;
}
