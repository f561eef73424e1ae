/** What only some campaigns need. */

import { Field, fieldError } from "../../../parts/field.tsx";
import { Check, Choice, Group, NumberField, Span, TextField, type Form } from "./controls.tsx";

const SHARDS = ["1", "2", "4", "8", "16", "32", "64"] as const;

export function Groups({ form }: { form: Form }) {
  return (
    <>
      <Who form={form} />
      <Redeeming form={form} />
      <Consent form={form} />
      <Watching form={form} />
      {form.isNew && <Size form={form} />}
      <Notes form={form} />
    </>
  );
}

function Who({ form }: { form: Form }) {
  const { draft } = form;
  return (
    <Group
      form={form}
      title="Who gets codes, and how"
      about="Codes for each user, showing them late, proof of being a person"
      pointers={["/claims_per_user", "/reveal", "/reveal_within_seconds", "/challenge"]}
    >
      <NumberField
        form={form}
        name="claimsPerUser"
        at="/claims_per_user"
        label="Codes for each user"
        hint={form.isNew ? "May be raised later, not lowered." : "May be raised, not lowered."}
        max={100}
      />
      <Choice
        form={form}
        name="reveal"
        at="/reveal"
        label="When the code is shown"
        value={draft.reveal}
        options={[
          ["at_claim", "At once"],
          ["on_demand", "When the user asks to see it"],
        ]}
        hint={draft.reveal === "on_demand" ? "Until then it is only reserved." : undefined}
      />
      {draft.reveal === "on_demand" && (
        <Span
          form={form}
          name="revealWithin"
          unit="revealUnit"
          at="/reveal_within_seconds"
          label="Kept for the user for"
          hint="Then the code is anybody's again. From 10 seconds to 7 days."
        />
      )}
      <Check
        form={form}
        name="asksChallenge"
        label="Pages must prove that a person is there"
        hint="With Cloudflare Turnstile. Calls of your own servers need no proof."
      />
      {draft.asksChallenge && (
        <div class="pair">
          <TextField
            form={form}
            name="siteKey"
            at="/challenge/site_key"
            label="Site key"
            input={{ maxLength: 100, autoComplete: "off", spellcheck: false }}
          />
          <TextField
            form={form}
            name="challengeSecret"
            at="/challenge/secret"
            label="Secret"
            hint={
              form.isNew ? "Never shown again." : "Never shown. Type it only with another site key."
            }
            input={{ type: "password", maxLength: 200, autoComplete: "off" }}
          />
        </div>
      )}
    </Group>
  );
}

function Redeeming({ form }: { form: Form }) {
  return (
    <Group
      form={form}
      title="Redeeming"
      about="How long a code is good, and who may spend it"
      pointers={["/code_lifetime_seconds", "/redeem_unclaimed", "/holder_only"]}
    >
      <Span
        form={form}
        name="lifetime"
        unit="lifetimeUnit"
        at="/code_lifetime_seconds"
        label="A code is good for"
        hint="Counted from the claim. Empty: it does not expire by itself."
      />
      <Check
        form={form}
        name="outlives"
        label="Codes may outlive the campaign"
        hint="Otherwise they expire when its window ends, at the latest."
      />
      <Check
        form={form}
        name="holderOnly"
        label="Only the user who holds a code may spend it"
        hint="Your checkout then has to say who the user is."
      />
      <Check
        form={form}
        name="redeemUnclaimed"
        label="Codes that nobody claimed here may be spent, too"
        hint="For codes that you hand out elsewhere, on paper or by e-mail. Not where only the holder may spend: they have none."
      />
    </Group>
  );
}

function Consent({ form }: { form: Form }) {
  const { draft } = form;
  return (
    <Group
      form={form}
      title="Consent and contact data"
      about="What users agree to, and how long their contact data is kept"
      pointers={["/consent", "/contact_retention_days"]}
    >
      <Check
        form={form}
        name="asksConsent"
        label="Ask users whether you may have their contact data"
      />
      {draft.asksConsent && (
        <>
          <Field
            label="What they are asked"
            hint="Shown as it stands. Change the version with the text."
            error={fieldError(form.error, "/consent/text")}
          >
            {(control) => (
              <textarea
                {...control}
                rows={3}
                maxLength={2_000}
                value={draft.consentText}
                onInput={(event) => form.set({ consentText: event.currentTarget.value })}
              />
            )}
          </Field>
          <TextField
            form={form}
            name="consentVersion"
            at="/consent/version"
            label="Version of the text"
            input={{ class: "short", maxLength: 50, autoComplete: "off" }}
          />
          <Check form={form} name="consentRequired" label="No code without consent" />
        </>
      )}
      <NumberField
        form={form}
        name="retentionDays"
        at="/contact_retention_days"
        label="Days for which contact data is kept"
        hint="Counted from the claim. Empty: until the user is erased."
        max={3_650}
      />
    </Group>
  );
}

function Watching({ form }: { form: Form }) {
  return (
    <Group
      form={form}
      title="Alerts and brakes"
      about="Being told of low stock, and stopping a run on the codes"
      pointers={["/low_stock_thresholds", "/max_claims_per_minute"]}
    >
      <TextField
        form={form}
        name="thresholds"
        at="/low_stock_thresholds"
        label="Tell us when stock is down to"
        hint="Numbers of codes, or parts of all that were made, such as: 50%, 10%, 100. Webhooks for campaign.low_stock are told, each once."
        input={{ autoComplete: "off" }}
      />
      <NumberField
        form={form}
        name="breaker"
        at="/max_claims_per_minute"
        label="Pause when more claims come within a minute than"
        hint="A brake against scripts: it stays paused until you resume it. Empty: no limit."
        max={1_000_000}
      />
    </Group>
  );
}

function Size({ form }: { form: Form }) {
  return (
    <Group
      form={form}
      title="Size of the drop"
      about="How many claims a second it carries; cannot be changed later"
      pointers={["/shards"]}
    >
      <Choice
        form={form}
        name="shards"
        at="/shards"
        label="Pools that share the claims"
        value={form.draft.shards}
        options={SHARDS.map((shards) => [shards, shardWords(Number(shards))])}
        hint="Take more for a drop in which very many come in the same minute. It is fixed for good."
      />
    </Group>
  );
}

/** What the platform suggests that one pool carries. */
const CLAIMS_PER_SECOND = 300;

function shardWords(shards: number): string {
  const claims = (shards * CLAIMS_PER_SECOND).toLocaleString("en");
  return `${shards}: about ${claims} claims a second`;
}

function Notes({ form }: { form: Form }) {
  const { metadata } = form.draft;
  const put = (at: number, pair: [string, string] | null) =>
    form.set({ metadata: metadata.flatMap((old, i) => (i === at ? (pair ? [pair] : []) : [old])) });
  return (
    <Group
      form={form}
      title="Notes"
      about="Metadata: pairs of words that your own programs read"
      pointers={["/metadata"]}
    >
      {metadata.map(([key, value], i) => (
        <div class="pair note" key={i}>
          <Field label={`Name ${i + 1}`} error={fieldError(form.error, `/metadata/${key}`)}>
            {(control) => (
              <input
                {...control}
                maxLength={40}
                value={key}
                onInput={(event) => put(i, [event.currentTarget.value, value])}
              />
            )}
          </Field>
          <Field label={`Value ${i + 1}`}>
            {(control) => (
              <input
                {...control}
                maxLength={500}
                value={value}
                onInput={(event) => put(i, [key, event.currentTarget.value])}
              />
            )}
          </Field>
          <button type="button" class="button" onClick={() => put(i, null)}>
            Remove<span class="visually-hidden"> note {i + 1}</span>
          </button>
        </div>
      ))}
      <div class="bar">
        <button
          type="button"
          class="button"
          onClick={() => form.set({ metadata: [...metadata, ["", ""]] })}
        >
          Add a note
        </button>
      </div>
    </Group>
  );
}
