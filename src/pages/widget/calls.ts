/** Calls that are made again while that may help: 429, 5xx, a connection that was lost. */

/** A press is not given up for less than some seconds of trouble. */
const TRIES = 4;
const WAIT_MS = 400;
/** A longer Retry-After is for the user to wait, with the page in front of them. */
const RETRY_AFTER_MAX_SECONDS = 15;
const TIMEOUT_MS = 20_000;

export interface Refusal {
  kind: "refused";
  /** The problem's address; null when no problem was answered. */
  type: string | null;
  /** The last part of it, or what kept an answer from coming. */
  slug: string;
  /** 0 when nothing was answered. */
  status: number;
  requestId: string | null;
  retryAfter: string | null;
}

export type Outcome<Body> = { kind: "answered"; status: number; body: Body } | Refusal;

/** What never came to a call. */
export function refusal(slug: string): Refusal {
  return { kind: "refused", type: null, slug, status: 0, requestId: null, retryAfter: null };
}

/** Whether the same call may come to something else in a moment. */
export function isPassing({ status, slug }: Refusal): boolean {
  return (
    slug === "connection-lost" ||
    slug === "user-token-unavailable" ||
    slug === "request-in-progress" ||
    status === 408 ||
    status === 429 ||
    status >= 500
  );
}

async function attempt<Body>(url: URL, init: RequestInit): Promise<Outcome<Body>> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { status, headers } = response;
    if (response.ok) return { kind: "answered", status, body: (await response.json()) as Body };
    // A proxy on the way may answer something else than a problem.
    const { type = null } = (await response.json().catch(() => ({}))) as { type?: string };
    return {
      kind: "refused",
      type,
      slug: type?.split("/").pop() ?? `http-${status}`,
      status,
      requestId: headers.get("X-Request-Id"),
      retryAfter: headers.get("Retry-After"),
    };
  } catch {
    return refusal("connection-lost");
  }
}

/** Milliseconds until the next try, somewhat apart for those who wait together; null: give up. */
function pause({ retryAfter }: Refusal, tried: number): number | null {
  const seconds = Number(retryAfter) || 0;
  if (tried === TRIES || seconds > RETRY_AFTER_MAX_SECONDS) return null;
  return seconds * 1000 + WAIT_MS * 2 ** (tried - 1) * (0.5 + Math.random());
}

export async function call<Body>(
  url: URL,
  init: RequestInit,
  onWait: () => void,
): Promise<Outcome<Body>> {
  for (let tried = 1; ; tried += 1) {
    const outcome = await attempt<Body>(url, init);
    if (outcome.kind === "answered" || !isPassing(outcome)) return outcome;
    const wait = pause(outcome, tried);
    if (wait === null) return outcome;
    onWait();
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
