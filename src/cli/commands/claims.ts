import type { Claim } from "../../client/client.ts";
import { given, OK, type Command, type Invocation } from "../command.ts";
import { printRows, ROW_OPTIONS } from "../rows.ts";
import { discountText } from "../text.ts";

async function show(call: Invocation, claim: Claim): Promise<void> {
  await call.io.answer(claim, async () => {
    await call.io.line(claim.code ?? "A code is reserved", "bold");
    await call.io.fields([
      ["user", claim.user_id],
      ["status", claim.status],
      ["discount", discountText(claim.discount)],
      ["claimed", claim.claimed_at],
      ["reveal by", claim.reveal_by],
      ["expires", claim.expires_at],
      ["shop", claim.shop_url],
      ["claim", claim.id],
      ["campaign", claim.campaign_id],
    ]);
  });
}

async function create(call: Invocation): Promise<number> {
  const version = call.text("consent");
  const user = {
    id: call.operand("user"),
    ...given({ email: call.text("email"), name: call.text("name") }),
  };
  const consent = version === undefined ? {} : { consent: { share_contact: true, version } };
  const options = given({ idempotencyKey: call.text("idempotency-key") });
  const campaign = call.operand("campaign");
  await show(call, await call.client.claims.create(campaign, { user, ...consent }, options));
  return OK;
}

export const claimCommands: readonly Command[] = [
  {
    name: "claims create",
    operands: ["campaign", "user"],
    summary: "give a user a code, or the one that the user holds",
    options: {
      email: { value: "EMAIL", help: "kept only with --consent" },
      name: { value: "NAME", help: "kept only with --consent" },
      consent: { value: "VERSION", help: "the user agreed to this version of the campaign's text" },
      "idempotency-key": { value: "KEY", help: "the same key gives the same code again" },
    },
    run: create,
  },
  {
    name: "claims reveal",
    operands: ["claim"],
    summary: "show the code that was reserved for a user; its life begins now",
    run: async (call) => {
      await show(call, await call.client.claims.reveal(call.operand("claim")));
      return OK;
    },
  },
  {
    name: "claims get",
    operands: ["claim"],
    summary: "show a claim",
    run: async (call) => {
      await show(call, await call.client.claims.get(call.operand("claim")));
      return OK;
    },
  },
  {
    name: "claims list",
    operands: ["campaign"],
    summary: "list a campaign's claims, newest first",
    options: { user: { value: "ID", help: "of this user only" }, ...ROW_OPTIONS },
    run: async (call) => {
      const filter = given({ user_id: call.text("user") });
      const claims = call.client.claims.list(call.operand("campaign"), filter);
      const head = ["CODE", "USER", "STATUS", "CLAIMED", "ID"];
      await printRows(call, claims, head, (claim) => [
        claim.code ?? "",
        claim.user_id ?? "",
        claim.status,
        claim.claimed_at,
        claim.id,
      ]);
      return OK;
    },
  },
];
