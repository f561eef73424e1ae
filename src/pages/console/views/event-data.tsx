/** What an event says, in words. */

import type { Event } from "../../../client/client.ts";
import { Facts, type Fact } from "../parts/facts.tsx";
import { count, discountWords, money, Time } from "../parts/words.tsx";
import { to } from "../router.ts";
import { CodeLink, UserLink } from "./links.tsx";

export function EventData({ of: event }: { of: Event }) {
  return <Facts of={factsOf(event)} inRow />;
}

const time = (at: string | null) => at && <Time at={at} />;
const text = (words: string | null) => words && <bdi>{words}</bdi>;

function ofCode({ code, user_id: user }: { code: string; user_id: string | null }): Fact[] {
  return [
    ["Code", <CodeLink code={code} />],
    ["User", user && <UserLink id={user} />],
  ];
}

function factsOf(event: Event): Fact[] {
  switch (event.type) {
    case "claim.created": {
      const { contact } = event.data;
      const words = [contact?.name, contact?.email].filter((one) => one !== undefined).join(", ");
      return [
        ...ofCode(event.data),
        ["Contact", words === "" ? null : text(words)],
        ["Expires", time(event.data.expires_at)],
      ];
    }
    case "code.redeemed": {
      const { order, discount, discount_amount: amount } = event.data;
      return [
        ...ofCode(event.data),
        ["Order", text(event.data.order_id)],
        ["Value", order && money(order)],
        ["Discount", discount && text(discountWords(discount))],
        ["Taken off", amount === null || order === null ? null : money({ ...order, amount })],
      ];
    }
    case "redemption.rolled_back":
      return [
        ...ofCode(event.data),
        ["Order", text(event.data.order_id)],
        ["Because", text(event.data.reason)],
      ];
    case "code.expired":
      return ofCode(event.data);
    case "code.revoked":
      return [["Code", <CodeLink code={event.data.code} />]];
    case "campaign.low_stock":
    case "campaign.exhausted":
    case "campaign.started":
    case "campaign.ended":
    case "campaign.breaker_tripped":
    case "batch.completed":
    case "import.completed":
    case "user.erased":
    case "webhook_endpoint.disabled":
      return factsOfOthers(event);
  }
}

type OfCode =
  | "claim.created"
  | "code.redeemed"
  | "redemption.rolled_back"
  | "code.expired"
  | "code.revoked";

function factsOfOthers(event: Exclude<Event, { type: OfCode }>): Fact[] {
  switch (event.type) {
    case "campaign.low_stock": {
      const { available, codes, threshold } = event.data;
      return [
        ["Left", `${count(available)} of ${count(codes)}`],
        ["Threshold", threshold],
      ];
    }
    case "campaign.exhausted":
      return [["Codes", count(event.data.codes)]];
    case "campaign.started":
      return [["Started", time(event.data.starts_at)]];
    case "campaign.ended":
      return [["By", event.data.reason === "time" ? "its end time" : "somebody’s request"]];
    case "campaign.breaker_tripped":
      return [["Limit", `${count(event.data.max_claims_per_minute)} claims a minute`]];
    case "batch.completed":
      return [["Codes", count(event.data.created)]];
    case "import.completed": {
      const { accepted, duplicates, rejected } = event.data;
      return [
        ["Accepted", count(accepted)],
        ["Duplicates", count(duplicates)],
        ["Rejected", count(rejected)],
      ];
    }
    case "user.erased":
      return [["Claims", count(event.data.claim_ids.length)]];
    case "webhook_endpoint.disabled": {
      const { endpoint_id: id, reason } = event.data;
      return [
        ["Endpoint", <a href={to("webhooks", id)}>{id}</a>],
        ["Because", reason === "gone" ? "it answered 410 Gone" : "it failed for too long"],
      ];
    }
  }
}
