/** A shop's calls at its checkout. */

import type { Answer, Api, Brand } from "./api.ts";

export interface Refusal {
  type: string;
  reason: string;
}

export interface RedemptionBody extends Refusal {
  id: string;
  code: string;
  claim_id: string | null;
  user_id: string | null;
  order_id: string;
  status: string;
  discount_amount: number | null;
  redeemed_at: string;
  rolled_back_at: string | null;
  rollback_reason: string | null;
}

export interface HoldBody extends Refusal {
  id: string;
  code: string;
  order_id: string;
  status: string;
  created_at: string;
  expires_at: string;
}

export interface ValidationBody {
  valid: boolean;
  reason: string | null;
  campaign_id: string | null;
  discount_amount?: number;
}

export class Shop {
  readonly #api: Api;
  readonly brand: Brand;

  constructor(api: Api, brand: Brand) {
    this.#api = api;
    this.brand = brand;
  }

  send<Body = Record<string, unknown>>(
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    return this.#api.send<Body>(this.brand.secret, route, body, headers);
  }

  /** A code that the user was given. */
  async codeFor(campaign: string, user: string): Promise<string> {
    const answer = await this.#api.claim(this.brand, campaign, user);
    if (answer.status !== 201) throw new Error(`No code for ${user}: ${answer.text}`);
    return answer.body.code;
  }

  async validate(code: string, more: object = {}): Promise<ValidationBody> {
    const answer = await this.send<ValidationBody>("POST /v1/codes/validate", { code, ...more });
    if (answer.status !== 200) throw new Error(`No verdict: ${answer.text}`);
    return answer.body;
  }

  redeem(code: string, order: string, more: object = {}, headers: Record<string, string> = {}) {
    const body = { code, order_id: order, ...more };
    return this.send<RedemptionBody>("POST /v1/redemptions", body, headers);
  }

  rollBack(id: string, reason = "cancelled") {
    return this.send<RedemptionBody>(`POST /v1/redemptions/${id}/rollback`, { reason });
  }

  hold(
    code: string,
    order: string,
    seconds = 600,
    { key, user_id }: { key?: string; user_id?: string } = {},
  ) {
    const body = { code, order_id: order, ttl_seconds: seconds, user_id };
    const headers: Record<string, string> = key === undefined ? {} : { "Idempotency-Key": key };
    return this.send<HoldBody>("POST /v1/holds", body, headers);
  }

  release(id: string) {
    return this.send(`DELETE /v1/holds/${id}`);
  }
}

/** The last part of a problem's type. */
export function slugOf({ body }: Answer<{ type: string }>): string | undefined {
  return body.type.split("/").at(-1);
}

/** How often each status came. */
export function statuses(answers: readonly { status: number }[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
