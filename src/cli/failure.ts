/** What went wrong and what to do about it, on stderr, and as an exit code. */

import { CodedropConnectionError, CodedropError, type ProblemSlug } from "../client/client.ts";
import {
  INTERRUPTED,
  NO,
  UNREACHABLE,
  WRONG_USAGE,
  type Command,
  type Invocation,
} from "./command.ts";
import { usageOf } from "./help.ts";
import { Interrupted } from "./interrupt.ts";
import type { Io } from "./io.ts";
import { SetupError, UsageError } from "./parse.ts";

const WAIT = "Wait a little and repeat it.";

/** What helps, in the words of this command line. */
const REMEDIES: Partial<Record<ProblemSlug, string>> = {
  unauthenticated: "Set CODEDROP_KEY to a complete secret key (cdk_…) of the brand.",
  forbidden: "CODEDROP_KEY must be a secret key (cdk_…) of a brand that may do this.",
  "brand-suspended": "Ask the operator of the service to make the brand active again.",
  "not-found": "`codedrop campaigns list` shows the campaigns that this key sees.",
  "code-unknown": "Check its spelling. A code of another brand is unknown, too.",
  "slug-taken": "Choose another --slug, or leave it out.",
  "codes-exhausted": "Add codes: codedrop codes make <campaign> <count>",
  "campaign-not-open":
    "See `codedrop campaigns get <campaign>`; a paused one goes on with `codedrop campaigns resume <campaign>`.",
  "campaign-ended": "Create another: codedrop campaigns create --name NAME",
  "batch-finished": "Nothing is left to cancel: see `codedrop batches get <batch>`.",
  "code-already-redeemed": "`codedrop codes find <code>` shows by which order.",
  "payload-too-large": "Split the file and import its parts.",
  "validation-failed": "Mend each place above.",
  "consent-required":
    "Show the user the campaign's text, then pass --consent with the version seen.",
  "code-space-too-small":
    "Give the codes more characters (--pattern, --length, --alphabet) or ask for fewer; --accept-guessable lifts the floor.",
  "rate-limited": WAIT,
  "pool-overloaded": WAIT,
  "service-unavailable": WAIT,
  "internal-error": "Repeat it; if it keeps failing, report the request id.",
  "unexpected-answer": "Check CODEDROP_URL.",
};

function explainProblem(io: Io, error: CodedropError, lookAfter: string | undefined): void {
  io.note(`${error.title} (${error.status} ${error.slug})`, "red");
  // The errors say it better where there are any.
  if (error.detail !== "" && error.errors.length === 0) io.note(error.detail);
  for (const { in: place, pointer, detail } of error.errors) {
    io.note(`  ${place} ${pointer === "" ? "as a whole" : pointer}: ${detail}`);
  }
  const remedy = REMEDIES[error.slug as ProblemSlug];
  if (error.status >= 500 && lookAfter !== undefined) explainDoubt(io, lookAfter);
  else if (remedy !== undefined) io.note(`What to do: ${remedy}`);
  else if (/^https?:/.test(error.problem.type)) io.note(`What to do: ${error.problem.type}`);
  if (error.requestId !== null) io.note(`Request id: ${error.requestId}`);
}

function explainDoubt(io: Io, lookAfter: string): void {
  io.note("It may have been done nevertheless.");
  io.note(`What to do: look with \`${lookAfter}\` before you repeat it.`);
}

function explainConnection(
  io: Io,
  error: CodedropConnectionError,
  lookAfter: string | undefined,
): void {
  io.note(error.message, "red");
  if (error.mayHaveArrived && lookAfter !== undefined) explainDoubt(io, lookAfter);
  else if (error.reason === "unreachable") {
    io.note("What to do: check CODEDROP_URL, and that the service runs (locally: npm start).");
  } else io.note("What to do: repeat it.");
}

/** Says what `error` means; the exit code. Without `call` the command was not understood. */
export function explain(error: unknown, io: Io, command?: Command, call?: Invocation): number {
  io.status("");
  const lookAfter = call && command?.lookAfter?.(call);
  if (error instanceof UsageError) {
    io.note(error.message, "red");
    const at = error instanceof SetupError ? undefined : command;
    if (at !== undefined) io.note(`Usage: ${usageOf(at)}`);
    io.note(`More: codedrop help${at === undefined ? "" : ` ${at.name}`}`);
    return WRONG_USAGE;
  }
  if (error instanceof CodedropError) {
    explainProblem(io, error, lookAfter);
    return NO;
  }
  if (error instanceof CodedropConnectionError) {
    explainConnection(io, error, lookAfter);
    return UNREACHABLE;
  }
  if (error instanceof Interrupted) {
    io.note("Stopped.", "bold");
    if (lookAfter !== undefined) explainDoubt(io, lookAfter);
    return INTERRUPTED;
  }
  // Node's words for what this machine refuses, such as a full disk.
  if (error instanceof Error && "syscall" in error) {
    io.note(error.message, "red");
    return NO;
  }
  io.note("This should not have happened; please report it.", "red");
  for (const line of String(error instanceof Error ? error.stack : error).split("\n")) {
    io.note(line);
  }
  return NO;
}
