/** Single codes: revoked, or looked up. In requests and answers. */

import * as z from "zod";
import { CODE_STATUSES } from "../domain/code-status.ts";
import { AsSent, TypedCode } from "./checkout-schemas.ts";
import { AnsweredTime, line } from "./schemas.ts";

const REVOKED_AT_ONCE_MAX = 1_000;

export const NewRevocation = z
  .strictObject({
    codes: z.array(TypedCode).min(1).max(REVOKED_AT_ONCE_MAX),
    reason: line(200)
      .optional()
      .meta({ description: "Kept with the codes; the look-up of one shows it." }),
  })
  .meta({ id: "NewRevocation", example: { codes: ["K7QF-3MWD-9RTX"] } });

export const Revocation = z
  .strictObject({
    data: z.array(
      z
        .strictObject({
          code: AsSent,
          result: z.enum(["revoked", "already-revoked", "redeemed", "unknown"]).meta({
            description:
              "redeemed: it was spent before. The redemption stands, and the code is not good again.",
          }),
        })
        .meta({ id: "CodeVerdict" }),
    ),
  })
  .meta({ id: "Revocation" });

export const LookUp = z
  .strictObject({ code: TypedCode })
  .meta({ id: "LookUp", example: { code: "K7QF-3MWD-9RTX" } });

export const CodeHistory = z
  .strictObject({
    code: z.string(),
    status: z.enum(CODE_STATUSES),
    campaign_id: z.string(),
    batch_id: z.string().meta({ description: "The batch or import that it came by." }),
    claim_id: z.string().nullable(),
    user_id: z.string().nullable(),
    claimed_at: AnsweredTime.nullable(),
    expires_at: AnsweredTime.nullable(),
    redemption_id: z.string().nullable(),
    order_id: z.string().nullable(),
    redeemed_at: AnsweredTime.nullable(),
    revoked_at: AnsweredTime.nullable(),
    revoked_reason: z.string().nullable(),
    history: z
      .array(
        z.strictObject({
          at: AnsweredTime,
          event: z.enum(["made", "claimed", "redeemed", "rolled_back", "revoked", "expired"]),
        }),
      )
      .meta({ description: "What became of it, oldest first." }),
  })
  .meta({ id: "CodeHistory" });
