/** The form of a campaign, to make one and to change one. */

import { useEffect, useRef, useState } from "preact/hooks";
import { CodedropError } from "../../../../../client/client.ts";
import { useAct } from "../../../parts/act.tsx";
import { Failure } from "../../../parts/load.tsx";
import { to } from "../../../router.ts";
import { useUnsaved } from "../unsaved.tsx";
import { Basics } from "./basics.tsx";
import { requireGood } from "./checks.ts";
import { CodeFields } from "./code-fields.tsx";
import type { Form } from "./controls.tsx";
import type { Draft } from "./draft.ts";
import { Groups } from "./groups.tsx";

export function CampaignForm(props: {
  initial: Draft;
  isNew: boolean;
  /** Where it leads back to. */
  back: string[];
  save: (draft: Draft) => Promise<void>;
  /** Of what was saved, which is shown next. */
  onSaved: () => void;
}) {
  const { initial, isNew, save, onSaved } = props;
  const [draft, setDraft] = useState(initial);
  const { isBusy, error, run } = useAct();
  const element = useRef<HTMLFormElement>(null);
  const isDirty = JSON.stringify(draft) !== JSON.stringify(initial);
  const { question, letGo } = useUnsaved(isDirty);
  useEffect(() => {
    const first = error === null ? null : element.current?.querySelector('[aria-invalid="true"]');
    if (first instanceof HTMLElement) first.focus();
  }, [error]);
  const form: Form = {
    draft,
    set: (change) => setDraft((before) => ({ ...before, ...change })),
    error: placed(error),
    isNew,
    mayBeLive: initial.mode === "live",
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      requireGood(draft, isNew);
      await save(draft);
      letGo();
      onSaved();
    });
  };
  return (
    <form ref={element} class="campaign-form" noValidate onSubmit={submit}>
      <Basics form={form} />
      <CodeFields form={form} />
      <Groups form={form} />
      {error !== null && <Wrong error={form.error} />}
      <div class="bar acts sticky">
        <a class="button" href={to(...props.back)}>
          Cancel
        </a>
        <button class="button primary" aria-disabled={isBusy}>
          {isBusy ? "Saving" : isNew ? "Make campaign" : "Save changes"}
        </button>
      </div>
      {question}
    </form>
  );
}

/** All that is wrong, also where it belongs to no field. */
function Wrong({ error }: { error: unknown }) {
  if (!(error instanceof CodedropError) || error.errors.length === 0) {
    return <Failure error={error} />;
  }
  return (
    <div class="notice bad" role="alert">
      <p>{error.title}:</p>
      <ul>
        {error.errors.map(({ pointer, detail }) => (
          <li key={pointer}>{detail}</li>
        ))}
      </ul>
    </div>
  );
}

/** A slug that is taken is wrong at its field, too. */
function placed(error: unknown): unknown {
  if (!(error instanceof CodedropError) || error.slug !== "slug-taken") return error;
  const detail = "Another campaign of yours has this slug.";
  return new CodedropError({
    ...error.problem,
    title: "The slug is taken",
    errors: [{ in: "body", pointer: "/slug", detail }],
  });
}
