import type { Order, Redemption } from "../../client/client.ts";
import { given, NO, OK, type Command, type Invocation, type Option } from "../command.ts";
import { parseAmount } from "../parse.ts";
import { discountText, money } from "../text.ts";

const ORDER_OPTIONS: Readonly<Record<string, Option>> = {
  user: { value: "ID", help: "refuse the code of any other user" },
  amount: { value: "AMOUNT", help: 'what the order comes to, such as "49.90 EUR"' },
};

function orderOf(call: Invocation): Order | undefined {
  const text = call.text("amount");
  if (text === undefined) return undefined;
  const { value, currency } = parseAmount(text, "--amount");
  return { amount: value, currency };
}

async function show(call: Invocation, redemption: Redemption): Promise<void> {
  const { discount_amount: off, order } = redemption;
  await call.io.answer(redemption, async () => {
    await call.io.line(`${redemption.code} is redeemed`, "bold");
    await call.io.fields([
      ["order", redemption.order_id],
      ["user", redemption.user_id],
      ["discount", discountText(redemption.discount)],
      ["comes off", order === null || off === null ? null : money(off, order.currency)],
      ["redeemed", redemption.redeemed_at],
      ["redemption", redemption.id],
    ]);
  });
}

async function redeem(call: Invocation): Promise<number> {
  const redemption = await call.client.redemptions.create({
    code: call.operand("code"),
    order_id: call.required("order"),
    ...given({ user_id: call.text("user"), order: orderOf(call) }),
  });
  await show(call, redemption);
  return OK;
}

/** Why a code is not valid, after its name. */
const REASONS: Readonly<Record<string, string>> = {
  unknown: "is unknown",
  "not-claimed": "belongs to nobody yet",
  redeemed: "is redeemed already",
  held: "is held for an order",
  expired: "has expired",
  revoked: "is revoked",
  "not-yours": "belongs to another user",
};

async function validate(call: Invocation): Promise<number> {
  const { io } = call;
  const code = call.operand("code");
  const order = orderOf(call);
  const question = { code, ...given({ user_id: call.text("user"), order }) };
  const verdict = await call.client.codes.validate(question);
  await io.answer(verdict, async () => {
    const { valid, reason, discount, discount_amount: off } = verdict;
    const why = REASONS[reason ?? ""] ?? `is not valid: ${reason}`;
    await io.line(`${code} ${valid ? "is valid" : why}`, "bold");
    if (!valid) return;
    await io.fields([
      ["discount", discountText(discount)],
      ["comes off", order && off !== undefined ? money(off, order.currency) : null],
      ["campaign", verdict.campaign_id],
    ]);
  });
  return verdict.valid ? OK : NO;
}

export const redemptionCommands: readonly Command[] = [
  {
    name: "validate",
    operands: ["code"],
    summary: "ask whether a code could be redeemed now",
    options: ORDER_OPTIONS,
    notes: ["Changes nothing. The exit code is 1 when it could not."],
    run: validate,
  },
  {
    name: "redeem",
    operands: ["code"],
    summary: "spend a code on an order; the same order again changes nothing",
    options: {
      order: { value: "ID", help: "your id of the order", isRequired: true },
      ...ORDER_OPTIONS,
    },
    run: redeem,
  },
  {
    name: "redemptions get",
    operands: ["redemption"],
    summary: "show a redemption",
    run: async (call) => {
      await show(call, await call.client.redemptions.get(call.operand("redemption")));
      return OK;
    },
  },
];
