import type { Campaign, CodeFormat, Discount, NewCampaign } from "../../client/client.ts";
import { given, OK, type Command, type Invocation } from "../command.ts";
import {
  parseAmount,
  parseDiscount,
  parseDuration,
  parseThresholds,
  UsageError,
} from "../parse.ts";
import { printRows, ROW_OPTIONS } from "../rows.ts";
import { discountText, duration } from "../text.ts";

function formatText(format: CodeFormat | null | undefined): string | null {
  if (!format) return null;
  return Object.entries(format)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

function breakerText(campaign: Campaign): string | null {
  const { max_claims_per_minute: max, breaker_tripped_at: trippedAt } = campaign;
  if (trippedAt != null) return `paused at ${trippedAt}, by more than ${max} claims`;
  return max == null ? null : `${max} claims at most`;
}

function revealText(campaign: Campaign): string | null {
  const { reveal, reveal_within_seconds: within } = campaign;
  return reveal === "on_demand" ? `on demand, within ${duration(within)}` : null;
}

/** What sets the campaign's codes apart from those of others. */
function rulesText(campaign: Campaign): string | null {
  const rules = [
    campaign.holder_only && "redeemed by their holder only",
    campaign.redeem_unclaimed && "redeemed unclaimed too",
    campaign.codes_outlive_campaign && "may outlive the campaign",
  ].filter(Boolean);
  return rules.length === 0 ? null : rules.join(", ");
}

async function show(call: Invocation, campaign: Campaign): Promise<void> {
  await call.io.answer(campaign, async () => {
    const lifetime = campaign.code_lifetime_seconds;
    await call.io.line(campaign.name, "bold");
    await call.io.fields([
      ["id", campaign.id],
      ["slug", campaign.slug],
      ["status", campaign.status],
      ["mode", campaign.mode],
      ["discount", discountText(campaign.discount)],
      ["starts", campaign.starts_at],
      ["ends", campaign.ends_at],
      ["codes", formatText(campaign.code_format)],
      ["lifetime", lifetime === null ? null : `${duration(lifetime)} from the claim`],
      ["shown", revealText(campaign)],
      ["rules", rulesText(campaign)],
      ["a user gets", `${campaign.claims_per_user} at most`],
      ["shards", String(campaign.shards)],
      ["a minute", breakerText(campaign)],
      ["low stock", campaign.low_stock_thresholds?.join(", ") ?? null],
      ["shop", campaign.shop_url],
      ["created", campaign.created_at],
    ]);
  });
}

function discountOf(call: Invocation): Discount | undefined {
  const text = call.text("discount");
  const [least, most] = (["minimum-order", "maximum-discount"] as const).map((name) => {
    const amount = call.text(name);
    if (amount !== undefined && text === undefined)
      throw new UsageError(`--${name} needs a --discount.`);
    return amount === undefined ? undefined : parseAmount(amount, `--${name}`);
  });
  if (text === undefined) return undefined;
  const discount = parseDiscount(text);
  const currencies = [discount, least, most].map((one) => one?.currency).filter(Boolean);
  const [currency] = currencies;
  if (currencies.some((one) => one !== currency))
    throw new UsageError("All amounts of a discount are of one currency.");
  return {
    ...discount,
    ...given({
      currency,
      minimum_order_amount: least?.value,
      maximum_discount_amount: most?.value,
    }),
  };
}

function newCampaign(call: Invocation): NewCampaign {
  const lifetime = call.text("lifetime");
  const lowStock = call.text("low-stock");
  const revealWithin = call.text("reveal-within");
  const codeFormat = given({
    pattern: call.text("pattern"),
    length: call.count("length"),
    alphabet: call.text("alphabet"),
    prefix: call.text("prefix"),
    suffix: call.text("suffix"),
  });
  return {
    name: call.required("name"),
    ...given({
      slug: call.text("slug"),
      mode: call.oneOf("mode", ["live", "test"]),
      discount: discountOf(call),
      code_format: Object.keys(codeFormat).length === 0 ? undefined : codeFormat,
      accept_guessable: call.flag("accept-guessable") ? true : undefined,
      code_lifetime_seconds:
        lifetime === undefined ? undefined : parseDuration(lifetime, "--lifetime"),
      starts_at: call.text("starts"),
      ends_at: call.text("ends"),
      claims_per_user: call.count("claims-per-user"),
      shards: call.count("shards"),
      max_claims_per_minute: call.count("max-per-minute"),
      low_stock_thresholds:
        lowStock === undefined ? undefined : parseThresholds(lowStock, "--low-stock"),
      reveal: call.flag("on-demand") ? ("on_demand" as const) : undefined,
      reveal_within_seconds:
        revealWithin === undefined ? undefined : parseDuration(revealWithin, "--reveal-within"),
      holder_only: call.flag("holder-only") ? true : undefined,
      redeem_unclaimed: call.flag("redeem-unclaimed") ? true : undefined,
      codes_outlive_campaign: call.flag("codes-outlive-campaign") ? true : undefined,
      shop_url: call.text("shop-url"),
    }),
  };
}

async function create(call: Invocation): Promise<number> {
  const campaign = await call.client.campaigns.create(newCampaign(call));
  await show(call, campaign);
  if (!call.io.isJson) {
    await call.io.line();
    await call.io.line("It has no codes yet. Make some, or bring your own:");
    await call.io.line(`  codedrop codes make ${campaign.slug} 1000`);
    await call.io.line(`  codedrop codes import ${campaign.slug} codes.csv`);
  }
  return OK;
}

async function list(call: Invocation): Promise<number> {
  const head = ["SLUG", "NAME", "STATUS", "DISCOUNT", "ID"];
  await printRows(call, call.client.campaigns.list(), head, (campaign) => [
    campaign.slug,
    campaign.name,
    campaign.status,
    discountText(campaign.discount),
    campaign.id,
  ]);
  return OK;
}

const transitions = [
  ["pause", "hand out no code until it is resumed; who holds one keeps it"],
  ["resume", "hand out codes again"],
  ["end", "hand out no code any more, for good"],
] as const;

export const campaignCommands: readonly Command[] = [
  {
    name: "campaigns create",
    operands: [],
    summary: "create a campaign",
    options: {
      name: { value: "NAME", help: "what people call it", isRequired: true },
      slug: { value: "SLUG", help: "what commands and URLs call it; made from the name" },
      discount: { value: "DISCOUNT", help: '15%, "5.00 EUR" or "free shipping"' },
      "minimum-order": { value: "AMOUNT", help: 'only for orders from there on: "50.00 EUR"' },
      "maximum-discount": { value: "AMOUNT", help: "what a percentage takes off at most" },
      pattern: { value: "PATTERN", help: "how codes look: '####-####' draws eight characters" },
      length: { value: "N", help: "characters drawn for a code, instead of a pattern" },
      alphabet: { value: "CHARACTERS", help: "what they are drawn from" },
      prefix: { value: "TEXT", help: "before each code" },
      suffix: { value: "TEXT", help: "after each code" },
      "accept-guessable": { help: "allow codes that are easy to guess" },
      lifetime: { value: "TIME", help: "how long a code is good from its claim on: 30d, 12h, 90m" },
      starts: { value: "TIME", help: "no code before: 2027-03-01T09:00:00Z" },
      ends: { value: "TIME", help: "no code from then on" },
      "claims-per-user": { value: "N", help: "codes that one user may get; 1 unless you say" },
      shards: { value: "N", help: "1-64, for drops of more than 300 claims a second; 1" },
      "max-per-minute": { value: "N", help: "new claims in a minute; one more pauses it" },
      "low-stock": { value: "LIST", help: "tell when no more are left: 10%,100" },
      "on-demand": { help: "a claim reserves a code; it is shown when its user asks for it" },
      "reveal-within": { value: "TIME", help: "how long they may ask, with --on-demand; 15m" },
      "holder-only": { help: "only the user who holds a code redeems it" },
      "redeem-unclaimed": { help: "codes that were handed out elsewhere may be redeemed too" },
      "codes-outlive-campaign": { help: "a code may live on after --ends" },
      "shop-url": { value: "URL", help: "where the code is spent" },
      mode: { value: "MODE", help: "live or test; that of the key unless you say" },
    },
    lookAfter: () => "codedrop campaigns list",
    run: create,
  },
  {
    name: "campaigns list",
    operands: [],
    summary: "list campaigns, newest first",
    options: ROW_OPTIONS,
    run: list,
  },
  {
    name: "campaigns get",
    operands: ["campaign"],
    summary: "show a campaign, by its slug or id",
    run: async (call) => {
      await show(call, await call.client.campaigns.get(call.operand("campaign")));
      return OK;
    },
  },
  ...transitions.map(([verb, summary]): Command => ({
    name: `campaigns ${verb}`,
    operands: ["campaign"],
    summary,
    run: async (call) => {
      await show(call, await call.client.campaigns[verb](call.operand("campaign")));
      return OK;
    },
  })),
];
