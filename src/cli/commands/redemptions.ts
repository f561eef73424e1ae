import type { Hold, Order, Redemption } from "../../client/client.ts";
import { given, NO, OK, type Command, type Invocation, type Option } from "../command.ts";
import { parseAmount, parseDuration } from "../parse.ts";
import { discountText, money } from "../text.ts";

const USER_OPTION: Option = { value: "ID", help: "refuse the code of any other user" };
const ORDER_OPTION: Option = { value: "ID", help: "your id of the order", isRequired: true };
const ORDER_OPTIONS: Readonly<Record<string, Option>> = {
  user: USER_OPTION,
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
    const isBack = redemption.status === "rolled_back";
    await call.io.line(`${redemption.code} is ${isBack ? "rolled back" : "redeemed"}`, "bold");
    await call.io.fields([
      ["order", redemption.order_id],
      ["user", redemption.user_id],
      ["discount", discountText(redemption.discount)],
      ["comes off", order === null || off === null ? null : money(off, order.currency)],
      ["redeemed", redemption.redeemed_at],
      ["rolled back", redemption.rolled_back_at],
      ["because", redemption.rollback_reason],
      ["redemption", redemption.id],
    ]);
  });
}

async function redeem(call: Invocation): Promise<number> {
  const redemption = await call.client.redemptions.create({
    code: call.operand("code"),
    order_id: call.required("order"),
    ...given({ user_id: call.text("user"), hold_id: call.text("hold"), order: orderOf(call) }),
  });
  await show(call, redemption);
  return OK;
}

async function rollBack(call: Invocation): Promise<number> {
  const reason = call.required("reason");
  await show(call, await call.client.redemptions.rollBack(call.operand("redemption"), { reason }));
  return OK;
}

/** As long as a payment page is usually open. */
const HOLD_SECONDS = 600;

async function hold(call: Invocation): Promise<number> {
  const time = call.text("for");
  const held = await call.client.holds.create({
    code: call.operand("code"),
    order_id: call.required("order"),
    ttl_seconds: time === undefined ? HOLD_SECONDS : parseDuration(time, "--for"),
    ...given({ user_id: call.text("user") }),
  });
  await showHold(call, held);
  return OK;
}

async function showHold(call: Invocation, held: Hold): Promise<void> {
  await call.io.answer(held, async () => {
    const isOpen = held.status === "open";
    await call.io.line(`${held.code} is ${isOpen ? "held" : `not held: ${held.status}`}`, "bold");
    await call.io.fields([
      ["order", held.order_id],
      ["user", held.user_id],
      ["until", held.expires_at],
      ["hold", held.id],
    ]);
  });
}

async function release(call: Invocation): Promise<number> {
  const id = call.operand("hold");
  await call.client.holds.release(id);
  await call.io.answer({ id }, () => call.io.line(`${id} holds nothing any more`));
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
  "order-required": "depends on what the order comes to: say so with --amount",
  "currency-mismatch": "is for orders in another currency",
  "order-too-small": "is for larger orders",
};

async function validate(call: Invocation): Promise<number> {
  const { io } = call;
  const code = call.operand("code");
  const order = orderOf(call);
  const who = { user_id: call.text("user"), order_id: call.text("order") };
  const question = { code, ...given({ ...who, order }) };
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
    options: {
      order: { value: "ID", help: "a code that is held for this order is good" },
      ...ORDER_OPTIONS,
    },
    notes: ["Changes nothing. The exit code is 1 when it could not."],
    run: validate,
  },
  {
    name: "redeem",
    operands: ["code"],
    summary: "spend a code on an order; the same order again changes nothing",
    options: {
      order: ORDER_OPTION,
      hold: { value: "ID", help: "a hold of this code, whichever order it is for" },
      ...ORDER_OPTIONS,
    },
    run: redeem,
  },
  {
    name: "rollback",
    operands: ["redemption"],
    summary: "undo a redemption; its code may be spent again",
    options: { reason: { value: "TEXT", help: "kept with the redemption", isRequired: true } },
    run: rollBack,
  },
  {
    name: "hold",
    operands: ["code"],
    summary: "keep a code for an order while it is being paid",
    options: {
      order: ORDER_OPTION,
      for: { value: "TIME", help: "10m unless you say, 1h at most" },
      user: USER_OPTION,
    },
    run: hold,
  },
  {
    name: "release",
    operands: ["hold"],
    summary: "let a held code go before its time",
    run: release,
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
