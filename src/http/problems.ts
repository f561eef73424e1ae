/** Every problem this API can answer with: RFC 9457. The key is the slug at the end of `type`. */

import type { ContentfulStatusCode } from "hono/utils/http-status";

interface ProblemKind {
  status: ContentfulStatusCode;
  title: string;
  /** For the page behind `type`: what the caller can do about it. */
  remedy: string;
}

export const problems = {
  "malformed-json": {
    status: 400,
    title: "The request body is not valid JSON",
    remedy: "Send one JSON value, encoded as UTF-8.",
  },
  "invalid-cursor": {
    status: 400,
    title: "The cursor belongs to another list",
    remedy: "Pass next_cursor back to the list that returned it, with the same filters.",
  },
  "invalid-idempotency-key": {
    status: 400,
    title: "The Idempotency-Key is not valid",
    remedy: "Send 1–255 visible ASCII characters, bare or in double quotes.",
  },
  unauthenticated: {
    status: 401,
    title: "Credentials are missing or not valid",
    remedy:
      "Send `Authorization: Bearer <key>` with a key that is complete, not revoked and not expired.",
  },
  "user-token-invalid": {
    status: 401,
    title: "The user token is not valid",
    remedy:
      "Sign the user in again for a new token. Its issuer, audience, key and algorithm must be those of the brand's identity.",
  },
  forbidden: {
    status: 403,
    title: "These credentials do not allow this",
    remedy: "Use the kind of credential that the reference names for this call.",
  },
  "insufficient-scope": {
    status: 403,
    title: "The key lacks the scope for this",
    remedy: "Use a key that has the scope in detail, or make one with it.",
  },
  "secret-key-in-browser": {
    status: 403,
    title: "A secret key was sent from a web page",
    remedy: "Call from your server. Revoke this key: everybody who opened that page could read it.",
  },
  "origin-not-allowed": {
    status: 403,
    title: "The key may not be used from this page",
    remedy:
      "Add the page's origin to allowed_origins of the publishable key, exactly as the browser sends it.",
  },
  "challenge-failed": {
    status: 403,
    title: "The challenge was not passed",
    remedy:
      "Let the page show the campaign's challenge with the action claim, and send its token as challenge_token within 5 minutes, once.",
  },
  "brand-suspended": {
    status: 403,
    title: "The brand is suspended",
    remedy: "Ask the operator of this service to make the brand active again.",
  },
  "not-found": {
    status: 404,
    title: "There is no such resource",
    remedy: "Check the path and the id. What belongs to another brand is not found either.",
  },
  "code-unknown": {
    status: 404,
    title: "The brand has no such code",
    remedy: "Check the spelling. Case, blanks, dashes and look-alike letters do not matter.",
  },
  "method-not-allowed": {
    status: 405,
    title: "This resource does not support that method",
    remedy: "Use one of the methods in the Allow header.",
  },
  "slug-taken": {
    status: 409,
    title: "That slug is taken",
    remedy: "Choose another slug, or leave it out to have one made from the name.",
  },
  "codes-exhausted": {
    status: 409,
    title: "Every code of this campaign is taken",
    remedy: "Add a batch of codes to the campaign, or import some.",
  },
  "campaign-not-open": {
    status: 409,
    title: "The campaign is not handing out codes now",
    remedy: "Wait for starts_at, resume the campaign, or move its ends_at.",
  },
  "campaign-ended": {
    status: 409,
    title: "The campaign has ended",
    remedy: "Move its ends_at. One that was ended by POST …/end stays ended: create a new one.",
  },
  "key-inactive": {
    status: 409,
    title: "The key is revoked or expired",
    remedy: "Make a new key instead.",
  },
  "limit-reached": {
    status: 409,
    title: "There are as many of these as there may be",
    remedy: "Delete one that is not needed any more.",
  },
  "changed-since": {
    status: 409,
    title: "Somebody else changed this at the same moment",
    remedy: "Read it again and repeat your change.",
  },
  "request-in-progress": {
    status: 409,
    title: "The same request is still being answered",
    remedy: "Repeat it after Retry-After seconds: it gets that answer.",
  },
  "code-not-claimed": {
    status: 409,
    title: "Nobody holds this code",
    remedy: "Only a code that a user was given can be spent.",
  },
  "code-not-yours": {
    status: 409,
    title: "Another user holds this code",
    remedy:
      "Only the user who was given the code may spend it. Leave user_id out to not check that, unless the campaign is holder_only.",
  },
  "code-already-redeemed": {
    status: 409,
    title: "The code was spent on another order",
    remedy: "Refuse it at the checkout. The redemption can be read by the code.",
  },
  "code-held": {
    status: 409,
    title: "The code is kept for another order",
    remedy: "Wait until that order is done or its hold lapses, or send the hold_id of your hold.",
  },
  "order-not-eligible": {
    status: 409,
    title: "The discount does not apply to this order",
    remedy:
      "Compare the order with the campaign's discount: its currency, and minimum_order_amount. reason says which.",
  },
  "code-revoked": {
    status: 409,
    title: "The code was revoked",
    remedy: "Refuse it at the checkout.",
  },
  "code-expired": {
    status: 409,
    title: "The code has expired",
    remedy: "Refuse it at the checkout.",
  },
  "claim-lapsed": {
    status: 409,
    title: "The code was not revealed in time",
    remedy: "Claim again: while there are codes, the user gets one.",
  },
  "batch-finished": {
    status: 409,
    title: "The batch does not run any more",
    remedy: "Read the batch: it is complete, or failed. Codes that were made can be revoked.",
  },
  "payload-too-large": {
    status: 413,
    title: "The request body is too large",
    remedy: "Stay under the limit in detail.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "The request body has a media type that this call does not take",
    remedy: "Send `Content-Type: application/json`; an import may be CSV or NDJSON too.",
  },
  "validation-failed": {
    status: 422,
    title: "The request is not valid",
    remedy:
      "Mend every place that errors names. Fields and parameters not in the reference are refused.",
  },
  "code-space-too-small": {
    status: 422,
    title: "The code format has no room for so many codes",
    remedy:
      "Make the codes longer or their alphabet larger, ask for fewer, or set accept_guessable on the campaign.",
  },
  "import-unreadable": {
    status: 422,
    title: "The file cannot be read",
    remedy: "Mend the place that detail names and send the whole file again.",
  },
  "consent-required": {
    status: 422,
    title: "The campaign asks for the user's consent",
    remedy:
      "Show the campaign's consent text and send consent with share_contact true and its version.",
  },
  "idempotency-key-reused": {
    status: 422,
    title: "The Idempotency-Key was used for another request",
    remedy: "Use a new key for each new request; repeat a request with exactly the same body.",
  },
  "rate-limited": {
    status: 429,
    title: "Too many requests",
    remedy: "Repeat the request after Retry-After seconds; RateLimit names the limit that was met.",
  },
  "internal-error": {
    status: 500,
    title: "Something went wrong on our side",
    remedy: "Repeat the request; if it keeps failing, report its request_id.",
  },
  "pool-overloaded": {
    status: 503,
    title: "The campaign's pool cannot answer right now",
    remedy: "Repeat the request after Retry-After seconds; a claim is safe to repeat.",
  },
  "service-unavailable": {
    status: 503,
    title: "A part of the service does not answer",
    remedy: "Repeat the request after Retry-After seconds.",
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemSlug = keyof typeof problems;

export interface FieldError {
  in: "body" | "query" | "path";
  /** RFC 6901 JSON pointer; for query and path, `/` and the parameter's name. */
  pointer: string;
  detail: string;
}

interface ProblemOptions {
  detail?: string;
  errors?: FieldError[];
  /** Further members of the problem, named in the reference. */
  extra?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** A refusal of the request. Only http/ throws it; everything below returns its outcomes. */
export class ProblemError extends Error {
  readonly slug: ProblemSlug;
  readonly options: ProblemOptions;

  constructor(slug: ProblemSlug, options: ProblemOptions = {}) {
    super(slug);
    this.slug = slug;
    this.options = options;
  }
}
