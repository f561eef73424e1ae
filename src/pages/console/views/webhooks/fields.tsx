/** The fields of a webhook endpoint. */

import type { WebhookEndpoint, WebhookEventType } from "../../../../client/client.ts";
import { OneOf, Some } from "../../parts/choices.tsx";
import { Field, fieldError, fieldErrorUnder } from "../../parts/field.tsx";
import { Text } from "../../parts/text.tsx";
import { EVENT_CHOICES } from "../event-words.ts";

export interface Draft {
  url: string;
  description: string;
  isAll: boolean;
  events: WebhookEventType[];
  /** Ids or slugs, one a line; empty: all. */
  campaigns: string;
}

export const EMPTY: Draft = { url: "", description: "", isAll: true, events: [], campaigns: "" };

export function draftOf(endpoint: WebhookEndpoint): Draft {
  const isAll = endpoint.events[0] === "*";
  return {
    url: endpoint.url,
    description: endpoint.description ?? "",
    isAll,
    events: isAll ? [] : (endpoint.events as WebhookEventType[]),
    campaigns: (endpoint.campaign_ids ?? []).join("\n"),
  };
}

export function linesOf(text: string): string[] {
  return text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** As the service takes it. */
export function wireOf(draft: Draft) {
  const campaigns = linesOf(draft.campaigns);
  const description = draft.description.trim();
  return {
    url: draft.url.trim(),
    events: draft.isAll ? (["*"] as const).slice() : draft.events,
    campaign_ids: campaigns.length === 0 ? null : campaigns,
    description: description === "" ? null : description,
  };
}

export function EndpointFields(props: {
  draft: Draft;
  error: unknown;
  onChange: (draft: Draft) => void;
}) {
  const { draft, error, onChange } = props;
  const set = (change: Partial<Draft>) => onChange({ ...draft, ...change });
  return (
    <>
      <Text
        label="Address"
        hint="https, on a public host. It is called with POST, signed as Standard Webhooks says."
        error={fieldError(error, "/url")}
        isRequired
        placeholder="https://hooks.shop.example/codedrop"
        value={draft.url}
        onChange={(url) => set({ url })}
      />
      <Text
        label="Description (optional)"
        hint="What it is for, so that others know it again."
        error={fieldError(error, "/description")}
        maxLength={500}
        value={draft.description}
        onChange={(description) => set({ description })}
      />
      <OneOf
        legend="Events"
        choices={[
          { value: "all", name: "All of them, those to come included" },
          { value: "some", name: "Only some" },
        ]}
        chosen={draft.isAll ? "all" : "some"}
        onChange={(which) => set({ isAll: which === "all" })}
      />
      {!draft.isAll && (
        <Some
          legend="Which events"
          choices={EVENT_CHOICES}
          chosen={draft.events}
          error={fieldErrorUnder(error, "/events")}
          onChange={(events) => set({ events })}
        />
      )}
      <Field
        label="Campaigns (optional)"
        hint="Only of these: an id or slug a line. Of all when this is empty."
        error={fieldErrorUnder(error, "/campaign_ids")}
      >
        {(control) => (
          <textarea
            {...control}
            rows={2}
            value={draft.campaigns}
            onInput={(event) => set({ campaigns: event.currentTarget.value })}
          />
        )}
      </Field>
    </>
  );
}
