/** A webhook endpoint's fields, in requests and answers. */

import * as z from "zod";
import type { NewEndpoint } from "../db/webhook-endpoints.ts";
import { EVENT_TYPES, type EventType } from "../domain/event.ts";
import { TARGET_LENGTH_MAX } from "../domain/target.ts";
import { AnsweredTime, line, toWireTime } from "./schemas.ts";

/** More than run at once; whoever wants more wants all of them. */
const CAMPAIGNS_MAX = 50;
/** 7 days: a receiver that cannot be changed over in a week has let its secret go. */
const OVERLAP_SECONDS_MAX = 604_800;
/** In place of the types: all there are, those to come included. */
const ALL = "*";

const isEachOnce = (all: readonly string[]) => new Set(all).size === all.length;

const Url = z.string().max(TARGET_LENGTH_MAX).meta({
  description:
    "Where events are sent: https, port 443, a public host that is not this service. Answered as it is called, with the host in ASCII.",
  example: "https://hooks.shop.example/codedrop",
});

const Events = z
  .array(z.enum([ALL, ...EVENT_TYPES]))
  .min(1)
  .max(EVENT_TYPES.length)
  .refine(isEachOnce, "Each type once.")
  .refine((all) => all.length === 1 || !all.includes(ALL), `"${ALL}" stands alone.`)
  .meta({
    description: `Types of event, or ["${ALL}"]: all of them, those to come included.`,
    example: ["claim.created", "code.redeemed"],
  });

const CampaignIds = z
  .array(line(63))
  .min(1)
  .max(CAMPAIGNS_MAX)
  .refine(isEachOnce, "Each campaign once.")
  .nullable()
  .meta({
    description: `Events of these campaigns only, by id or slug, ${CAMPAIGNS_MAX} at most; null: of all. Campaigns of the endpoint's mode.`,
    example: ["default"],
  });

const Description = line(500).nullable();

export const NewWebhookEndpoint = z
  .strictObject({
    url: Url,
    events: Events,
    campaign_ids: CampaignIds.optional(),
    description: Description.optional(),
    mode: z.enum(["live", "test"]).optional().meta({
      description:
        "It gets events of campaigns of this mode only. The key's mode when left out; a test key makes test endpoints only.",
    }),
  })
  .meta({
    id: "NewWebhookEndpoint",
    example: {
      url: "https://hooks.shop.example/codedrop",
      events: ["claim.created", "code.redeemed"],
      campaign_ids: ["default"],
    },
  });

export const WebhookEndpointUpdate = z
  .strictObject({
    url: Url.optional(),
    events: Events.optional(),
    campaign_ids: CampaignIds.optional(),
    description: Description.optional(),
    status: z.enum(["enabled", "disabled"]).optional(),
  })
  .meta({ id: "WebhookEndpointUpdate", example: { status: "disabled" } });

export const SecretRotation = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(OVERLAP_SECONDS_MAX)
      .meta({ description: "How long the old secret signs, too. 7 days at most." }),
  })
  .meta({ id: "SecretRotation", example: { overlap_seconds: 86_400 } });

export const WebhookEndpoint = z
  .strictObject({
    id: z.string().meta({ example: "whe_01k3q9m7x2v8d4t6w5ab" }),
    url: z.string(),
    mode: z.enum(["live", "test"]),
    events: z.array(z.string()).meta({ description: `["${ALL}"]: all.` }),
    campaign_ids: z.array(z.string()).nullable().meta({ description: "Null: all." }),
    description: z.string().nullable(),
    status: z.enum(["enabled", "disabled"]),
    disabled_reason: z.enum(["requested", "gone", "failing"]).nullable().meta({
      description:
        "requested: by you. gone: it answered 410. failing: it has answered nothing good for too long.",
    }),
    disabled_at: AnsweredTime.nullable(),
    previous_secret_expires_at: AnsweredTime.nullable().meta({
      description: "Until then the secret before the last rotation signs, too.",
    }),
    created_at: AnsweredTime,
  })
  .meta({ id: "WebhookEndpoint" });

export const WebhookEndpointWithSecret = WebhookEndpoint.extend({
  secret: z.string().meta({
    description:
      "Shown this once. `whsec_` and the base 64 of the key that signs, as Standard Webhooks has it.",
  }),
}).meta({ id: "WebhookEndpointWithSecret" });

/** The types as they are kept: null stands for all. */
export function toEvents(asked: z.infer<typeof Events>): EventType[] | null {
  const types = asked.filter((type) => type !== ALL);
  return types.length === 0 ? null : types;
}

/** Without its secrets. */
export function presentEndpoint(
  { secrets, ...endpoint }: NewEndpoint,
  now: number,
): z.infer<typeof WebhookEndpoint> {
  const previous = secrets.find(({ expiresAt }) => expiresAt !== null && expiresAt > now);
  return {
    id: endpoint.id,
    url: endpoint.url,
    mode: endpoint.mode,
    events: endpoint.events ?? [ALL],
    campaign_ids: endpoint.campaignIds,
    description: endpoint.description,
    status: endpoint.status,
    disabled_reason: endpoint.disabledReason,
    disabled_at: toWireTime(endpoint.disabledAt),
    previous_secret_expires_at: toWireTime(previous?.expiresAt ?? null),
    created_at: toWireTime(endpoint.createdAt),
  };
}
