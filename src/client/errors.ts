/** What can go wrong with a call: the service refused it, or no answer came. */

/** The problems of the README, by the last part of their `type`. */
export type ProblemSlug =
  | "malformed-json"
  | "invalid-cursor"
  | "invalid-idempotency-key"
  | "unauthenticated"
  | "user-token-invalid"
  | "forbidden"
  | "insufficient-scope"
  | "secret-key-in-browser"
  | "origin-not-allowed"
  | "challenge-failed"
  | "brand-suspended"
  | "not-found"
  | "code-unknown"
  | "method-not-allowed"
  | "slug-taken"
  | "codes-exhausted"
  | "campaign-not-open"
  | "campaign-ended"
  | "batch-finished"
  | "code-not-claimed"
  | "code-not-yours"
  | "code-already-redeemed"
  | "code-held"
  | "order-not-eligible"
  | "code-revoked"
  | "code-expired"
  | "claim-lapsed"
  | "key-inactive"
  | "limit-reached"
  | "changed-since"
  | "request-in-progress"
  | "payload-too-large"
  | "unsupported-media-type"
  | "validation-failed"
  | "import-unreadable"
  | "consent-required"
  | "code-space-too-small"
  | "idempotency-key-reused"
  | "rate-limited"
  | "internal-error"
  | "pool-overloaded"
  | "service-unavailable"
  /** Not the service's own: an answer that is no problem document and not what was asked for. */
  | "unexpected-answer";

export interface FieldError {
  in: "body" | "query" | "path";
  /** RFC 6901 JSON pointer; for query and path, `/` and the parameter's name. */
  pointer: string;
  detail: string;
}

/** RFC 9457, as the service answers it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  request_id: string;
  errors?: FieldError[];
  /** With campaign-not-open. */
  starts_at?: string | null;
  /** With code-space-too-small: texts that the format gives, and how many may be codes. */
  texts?: number;
  codes?: number;
  requested?: number;
  codes_max?: number;
  /** With a file that was not taken whole: the import of its first rows. */
  import_id?: string;
  /** With code-… and order-not-eligible: why the code is no good. */
  reason?: string;
}

/** Places named in a message, which is read by people; `errors` has them all. */
const PLACES_MAX = 3;

function messageOf({ title, detail, errors = [] }: Problem): string {
  const places = errors.slice(0, PLACES_MAX).map((one) => `${one.pointer}: ${one.detail}`);
  return [`${title}. ${detail}`, ...places].join(" ");
}

/** The service answered, and refused. Switch on `slug`; `detail` is for people and may change. */
export class CodedropError extends Error {
  override readonly name = "CodedropError";
  /** One of ProblemSlug, or of a newer service's. */
  readonly slug: ProblemSlug | (string & Record<never, never>);
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** With validation-failed: each place that is wrong. */
  readonly errors: readonly FieldError[];
  /** Names the request in the service's logs. */
  readonly requestId: string | null;
  /** All of the problem, with members that only some problems have. */
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(messageOf(problem));
    this.slug = problem.type.split("/").at(-1) ?? "";
    this.status = problem.status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id === "" ? null : problem.request_id;
    this.problem = problem;
  }
}

/** No answer, or only a part of one. `cause` is what the runtime says of it. */
export class CodedropConnectionError extends Error {
  override readonly name = "CodedropConnectionError";
  /** `cut`: the answer began and did not end. */
  readonly reason: "unreachable" | "timeout" | "cut";
  /** False when the request surely never left: nothing can have come of it. */
  readonly mayHaveArrived: boolean;

  constructor(
    reason: CodedropConnectionError["reason"],
    message: string,
    options: { mayHaveArrived: boolean; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.mayHaveArrived = options.mayHaveArrived;
  }
}
