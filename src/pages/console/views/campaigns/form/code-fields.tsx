/** How a campaign's codes look, with codes drawn as one types. */

import { CodePreview } from "../code-preview.tsx";
import { Check, Choice, TextField, type Form } from "./controls.tsx";
import { formatOf } from "./draft.ts";

/** What the odds are said for where nobody has said how many codes there will be. */
const PREVIEW_CODES = 10_000;

const FIXED = { maxLength: 128, autoComplete: "off", spellcheck: false } as const;

export function CodeFields({ form }: { form: Form }) {
  const { draft } = form;
  const format = formatOf(draft);
  return (
    <section class="card stack" aria-labelledby="looks">
      <h2 id="looks">How codes look</h2>
      {!form.isNew && (
        <p class="hint">Counts for codes made from now on; others stay as they are.</p>
      )}
      <Body form={form} />
      <div class="pair">
        <TextField
          form={form}
          name="prefix"
          at="/code_format/prefix"
          label="Begins with"
          input={FIXED}
        />
        <TextField
          form={form}
          name="suffix"
          at="/code_format/suffix"
          label="Ends with"
          input={FIXED}
        />
      </div>
      <TextField
        form={form}
        name="alphabet"
        at="/code_format/alphabet"
        label="Characters to draw from"
        hint="Empty: letters and digits that nobody mistakes for one another."
        input={{ maxLength: 62, autoComplete: "off", spellcheck: false }}
      />
      <Check
        form={form}
        name="acceptGuessable"
        label="Codes may be easy to guess"
        hint="Short codes that are worth little: up to 1 guess in 2 may hit one, instead of 1 in 100,000."
      />
      <CodePreview format={format} acceptGuessable={draft.acceptGuessable} wanted={PREVIEW_CODES} />
    </section>
  );
}

/** What stands between the beginning and the end. */
function Body({ form }: { form: Form }) {
  return (
    <div class="pair">
      <Choice
        form={form}
        name="formatKind"
        label="Form"
        value={form.draft.formatKind}
        options={[
          ["default", "As usual: XXXX-XXXX-XXXX"],
          ["pattern", "A pattern of your own"],
          ["length", "So many characters in a row"],
        ]}
      />
      {form.draft.formatKind === "pattern" && (
        <TextField
          form={form}
          name="pattern"
          at="/code_format/pattern"
          label="Pattern"
          hint="Each # is drawn, the rest stands as it is."
          input={FIXED}
        />
      )}
      {form.draft.formatKind === "length" && (
        <TextField
          form={form}
          name="length"
          at="/code_format/length"
          label="Characters"
          input={{ type: "number", min: 1, max: 64 }}
        />
      )}
    </div>
  );
}
