/** What every campaign says: its name, what its codes are worth, and when they are given. */

import { fieldError, Field } from "../../../parts/field.tsx";
import { Choice, TextField, type Form } from "./controls.tsx";
import { zoneWords } from "./times.ts";

export function Basics({ form }: { form: Form }) {
  const { draft, isNew } = form;
  return (
    <section class="card stack" aria-labelledby="basics">
      <h2 id="basics">Basics</h2>
      <div class="pair">
        <TextField
          form={form}
          name="name"
          at="/name"
          label="Name"
          hint="What you and your users know it by."
          input={{ maxLength: 100, autoComplete: "off", "aria-required": true }}
        />
        <TextField
          form={form}
          name="slug"
          at="/slug"
          label="Slug"
          hint={
            isNew
              ? "Its short name in calls of the API. Made from the name when left empty."
              : "Its short name in calls of the API. What still calls it by the old one fails."
          }
          input={{ maxLength: 63, autoComplete: "off", spellcheck: false }}
        />
      </div>
      {isNew && form.mayBeLive && (
        <Choice
          form={form}
          name="mode"
          at="/mode"
          label="Mode"
          value={draft.mode}
          options={[
            ["live", "Live: codes for real users"],
            ["test", "Test: codes that are worth nothing, for trying things out"],
          ]}
          hint="For good: a test campaign never turns live."
        />
      )}
      <DiscountFields form={form} />
      <WindowFields form={form} />
      <TextField
        form={form}
        name="shopUrl"
        at="/shop_url"
        label="Shop address"
        hint="Where the code is spent. Users get it with their code."
        input={{ type: "url", placeholder: "https://", autoComplete: "off" }}
      />
    </section>
  );
}

const TYPES = [
  ["percentage", "A percentage"],
  ["fixed_amount", "A fixed amount"],
  ["free_shipping", "Free shipping"],
  ["other", "Something else"],
  ["", "Not said here"],
] as const;

function DiscountFields({ form }: { form: Form }) {
  const { discountType: type, minimum, maximum } = form.draft;
  const hasAmount = type === "fixed_amount" || minimum !== "" || maximum !== "";
  const amount = { type: "number", inputMode: "decimal", min: 0, step: "any" } as const;
  return (
    <fieldset class="stack">
      <legend>Discount</legend>
      <div class="pair">
        <Choice
          form={form}
          name="discountType"
          at="/discount/type"
          label="What comes off"
          value={type}
          options={TYPES}
        />
        {(type === "percentage" || type === "fixed_amount") && (
          <TextField
            form={form}
            name="discountValue"
            at="/discount/value"
            label={type === "percentage" ? "Percent" : "Amount"}
            input={{ ...amount, "aria-required": true }}
          />
        )}
      </div>
      {type !== "" && (
        <div class="pair">
          <TextField
            form={form}
            name="minimum"
            at="/discount/minimum_order_amount"
            label="Only for orders from"
            hint="Leave it empty for all orders."
            input={amount}
          />
          {type === "percentage" && (
            <TextField
              form={form}
              name="maximum"
              at="/discount/maximum_discount_amount"
              label="At most this comes off"
              hint="Leave it empty for no maximum."
              input={amount}
            />
          )}
          {hasAmount && <Currency form={form} />}
        </div>
      )}
      {type !== "" && (
        <TextField
          form={form}
          name="description"
          at="/discount/description"
          label="In words"
          hint={
            type === "other"
              ? "Such as: a free gift with every order."
              : "Shown to users where you want more said than the number."
          }
          input={{ maxLength: 500 }}
        />
      )}
    </fieldset>
  );
}

const CURRENCIES = Intl.supportedValuesOf("currency");

function Currency({ form }: { form: Form }) {
  return (
    <Field
      label="Currency"
      hint="Three letters, such as EUR. Orders in another are refused."
      error={fieldError(form.error, "/discount/currency")}
    >
      {(control) => (
        <>
          <input
            {...control}
            class="short"
            list="currencies"
            maxLength={3}
            autoComplete="off"
            value={form.draft.currency}
            onInput={(event) => form.set({ currency: event.currentTarget.value.toUpperCase() })}
          />
          <datalist id="currencies">
            {CURRENCIES.map((currency) => (
              <option key={currency} value={currency} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}

function WindowFields({ form }: { form: Form }) {
  const time = { type: "datetime-local" } as const;
  const { startsAt, endsAt } = form.draft;
  return (
    <fieldset class="stack">
      <legend>When codes are given</legend>
      <p class="hint">Times are those of your time zone: {zoneWords()}.</p>
      <div class="pair">
        <TextField
          form={form}
          name="startsAt"
          at="/starts_at"
          label="From"
          hint={startsAt === "" ? "Empty: at once." : utcWords(startsAt)}
          input={time}
        />
        <TextField
          form={form}
          name="endsAt"
          at="/ends_at"
          label="Until"
          hint={endsAt === "" ? "Empty: until you end it." : utcWords(endsAt)}
          input={time}
        />
      </div>
    </fieldset>
  );
}

/** The same moment for who lives elsewhere; the zone's offset may be another by then. */
function utcWords(local: string): string {
  const date = new Date(local);
  if (Number.isNaN(date.getTime())) return "";
  const utc = date.toISOString().slice(0, 16).replace("T", " ");
  return zoneWords() === "UTC" ? "In UTC." : `${zoneWords(local)}; in UTC ${utc}.`;
}
