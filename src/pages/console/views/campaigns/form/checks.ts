/** What can be told to be wrong with a draft before the service is asked. */

import { CodedropError, type FieldError } from "../../../../../client/client.ts";
import { formatRefusal } from "../code-words.ts";
import { formatOf, type Draft } from "./draft.ts";

function wrongsOf(draft: Draft, isNew: boolean): [pointer: string, detail: string][] {
  const { discountType: type, startsAt, endsAt } = draft;
  const wrongs: [string, string][] = [];
  const refuseIf = (isWrong: boolean, pointer: string, detail: string) => {
    if (isWrong) wrongs.push([pointer, detail]);
  };
  refuseIf(draft.name.trim() === "", "/name", "Give it a name.");
  refuseIf(!isNew && draft.slug.trim() === "", "/slug", "It needs a slug.");
  const hasValue = Number(draft.discountValue) > 0;
  refuseIf(type === "percentage" && !hasValue, "/discount/value", "Say how many percent.");
  refuseIf(
    type === "percentage" && Number(draft.discountValue) > 100,
    "/discount/value",
    "A percentage is at most 100.",
  );
  refuseIf(type === "fixed_amount" && !hasValue, "/discount/value", "Say how much comes off.");
  const hasAmount = type === "fixed_amount" || draft.minimum !== "" || draft.maximum !== "";
  refuseIf(
    type !== "" && hasAmount && !/^[A-Z]{3}$/.test(draft.currency),
    "/discount/currency",
    "Say of which currency, such as EUR.",
  );
  refuseIf(
    startsAt !== "" && endsAt !== "" && startsAt >= endsAt,
    "/ends_at",
    "It has to end after it starts.",
  );
  const format = formatRefusal(formatOf(draft));
  refuseIf(format !== null, "/code_format", format ?? "");
  const { asksConsent, asksChallenge } = draft;
  refuseIf(
    asksConsent && draft.consentText.trim() === "",
    "/consent/text",
    "Say what users are asked.",
  );
  refuseIf(
    asksConsent && draft.consentVersion.trim() === "",
    "/consent/version",
    "Give the text a version, such as 1.",
  );
  refuseIf(
    asksChallenge && draft.siteKey.trim() === "",
    "/challenge/site_key",
    "Paste the site key that Turnstile gave you.",
  );
  refuseIf(
    isNew && asksChallenge && draft.challengeSecret === "",
    "/challenge/secret",
    "Paste the secret that goes with the site key.",
  );
  return wrongs;
}

/** Throws what the service would answer, with words for people. */
export function requireGood(draft: Draft, isNew: boolean): void {
  const errors = wrongsOf(draft, isNew).map(([pointer, detail]): FieldError => ({
    in: "body",
    pointer,
    detail,
  }));
  if (errors.length === 0) return;
  throw new CodedropError({
    type: "validation-failed",
    title: "Not everything is filled in as it must be",
    status: 422,
    detail: "",
    request_id: "",
    errors,
  });
}
