/** The console's forms of campaigns: what they send, and what they say of code formats. */

import { describe, expect, it } from "vitest";
import type { Campaign, CodeFormat } from "../../src/client/client.ts";
import { CodeFormat as CodeFormatSchema } from "../../src/http/code-format-schema.ts";
import { CampaignUpdate, NewCampaign } from "../../src/http/campaign-schemas.ts";
import {
  formatRefusal,
  formatWords,
  sampleCodes,
} from "../../src/pages/console/views/campaigns/code-words.ts";
import {
  changesOf,
  draftOf,
  emptyDraft,
  newCampaignOf,
} from "../../src/pages/console/views/campaigns/form/draft.ts";
import { fromSpan, toSpan } from "../../src/pages/console/views/campaigns/form/times.ts";

const campaign: Campaign = {
  id: "cmp_1",
  slug: "spring",
  name: "Spring",
  mode: "live",
  status: "active",
  discount: { type: "fixed_amount", value: 1050, currency: "EUR", minimum_order_amount: 5000 },
  starts_at: "2027-03-01T08:00:12.345Z",
  ends_at: "2027-05-01T08:00:00.000Z",
  claims_per_user: 2,
  code_lifetime_seconds: 5_400,
  contact_retention_days: 30,
  code_format: { prefix: "A-", length: 12 },
  accept_guessable: false,
  consent: { required: false, text: "May we?", version: "3" },
  challenge: { type: "turnstile", site_key: "site" },
  shop_url: "https://shop.example/",
  shards: 4,
  max_claims_per_minute: 100,
  breaker_tripped_at: null,
  low_stock_thresholds: ["50%", 100],
  reveal: "on_demand",
  reveal_within_seconds: 90,
  holder_only: true,
  redeem_unclaimed: true,
  codes_outlive_campaign: true,
  metadata: { owner: "crm" },
  created_at: "2027-02-01T08:00:00.000Z",
};

describe("a draft", () => {
  it("of a campaign that nobody touched changes nothing, whatever the campaign has", () => {
    const bare: Campaign = {
      ...campaign,
      discount: null,
      starts_at: null,
      ends_at: null,
      code_lifetime_seconds: null,
      contact_retention_days: null,
      code_format: null,
      consent: null,
      challenge: null,
      shop_url: null,
      max_claims_per_minute: null,
      low_stock_thresholds: null,
      metadata: {},
    };
    for (const one of [campaign, bare]) expect(changesOf(draftOf(one), draftOf(one))).toEqual({});
  });

  it("sends what was changed and nothing else, as the service takes it", () => {
    const before = draftOf(campaign);
    const now = {
      ...before,
      name: "Summer",
      currency: "JPY",
      lifetime: "",
      thresholds: "",
      asksConsent: false,
      metadata: [],
    };
    const changes = changesOf(before, now);
    expect(changes).toEqual({
      name: "Summer",
      // A yen has no smaller unit.
      discount: { type: "fixed_amount", value: 11, currency: "JPY", minimum_order_amount: 50 },
      code_lifetime_seconds: null,
      low_stock_thresholds: null,
      consent: null,
      metadata: {},
    });
    expect(CampaignUpdate.safeParse(changes).success).toBe(true);
  });

  it("of a new campaign is what was typed, and the service's defaults for the rest", () => {
    const draft = { ...emptyDraft("test"), name: " Trial ", discountValue: "12.5" };
    const made = newCampaignOf(draft);
    expect(made).toEqual({
      name: "Trial",
      mode: "test",
      shards: 1,
      discount: { type: "percentage", value: 12.5 },
    });
    expect(NewCampaign.safeParse(made).success).toBe(true);
  });

  it("shows a span in the largest unit that says it whole", () => {
    expect(toSpan(172_800)).toEqual({ value: "2", unit: "days" });
    expect(toSpan(5_400)).toEqual({ value: "90", unit: "minutes" });
    expect(toSpan(61)).toEqual({ value: "61", unit: "seconds" });
    expect(toSpan(null)).toEqual({ value: "", unit: "days" });
    expect(fromSpan("1.5", "hours")).toBe(5_400);
    expect(fromSpan("", "hours")).toBeNull();
  });
});

describe("what is said of a code format", () => {
  const formats: CodeFormat[] = [
    {},
    { pattern: "####-####" },
    { pattern: "XXXX" },
    { pattern: "ABC" },
    { pattern: "## ##" },
    { pattern: "#".repeat(64) },
    { pattern: "#".repeat(65) },
    { length: 1 },
    { length: 64 },
    { length: 65 },
    { length: 0 },
    { length: 1.5 },
    { prefix: "ä" },
    { suffix: '"' },
    { prefix: "A".repeat(115) },
    { prefix: "A".repeat(114) },
    { alphabet: "AB" },
    { alphabet: "AA" },
    { alphabet: "O0" },
    { alphabet: "A-" },
    { alphabet: "A" },
  ];

  it("is a refusal exactly where the service refuses", () => {
    for (const format of formats) {
      const isTaken = CodeFormatSchema.safeParse(format).success;
      expect([format, formatRefusal(format) === null]).toEqual([format, isTaken]);
    }
    expect(formatRefusal(null)).toBeNull();
  });

  it("counts the room as the service does, and says when it is too small", () => {
    const short = { pattern: "####", alphabet: "0123456789" };
    // Of the digits, 0 to 9 look like no other digit.
    expect(formatWords(short, false, 1)).toMatchObject({
      room: "Room for 0 codes at most, out of 10,000 texts of this form.",
      odds: "With 1 code, a guess hits one in 10,000 times.",
      refusal: expect.stringContaining("more than 1 guess in 100,000"),
    });
    expect(formatWords(short, true, 5_000)).toMatchObject({
      room: "Room for 5,000 codes at most, out of 10,000 texts of this form.",
      odds: "With 5,000 codes, a guess hits one in 2 times.",
      refusal: null,
    });
    expect(formatWords(short, true, 5_001).refusal).toContain("more than 1 guess in 2");
    expect(formatWords(null, false, Number.NaN)).toMatchObject({ odds: null, refusal: null });
  });

  it("comes with codes of that look", () => {
    for (const code of sampleCodes({ prefix: "A-", pattern: "##/##", suffix: "!" }, 20)) {
      expect(code).toMatch(/^A-[CDFGHJKMNPQRTVWXY2-9]{2}\/[CDFGHJKMNPQRTVWXY2-9]{2}!$/);
    }
  });
});
