/** Making a key. */

import { useState } from "preact/hooks";
import type { ApiKey, ApiKeyWithText, NewApiKey, Scope } from "../../../../client/client.ts";
import { useAct } from "../../parts/act.tsx";
import { OneOf } from "../../parts/choices.tsx";
import { Field, fieldError, fieldErrorUnder } from "../../parts/field.tsx";
import { Failure } from "../../parts/load.tsx";
import { say } from "../../parts/says.tsx";
import { ShownOnce } from "../../parts/shown-once.tsx";
import { go, to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import { linesOf } from "../webhooks/fields.tsx";
import { NameField, OriginsField } from "./fields.tsx";
import { ScopeChoices } from "./scopes.tsx";

interface Draft {
  kind: ApiKey["kind"];
  mode: ApiKey["mode"];
  name: string;
  isAll: boolean;
  scopes: Scope[];
  origins: string;
  /** As the browser's field has it, in the reader's zone; empty: never. */
  expires: string;
}

function wireOf(draft: Draft): NewApiKey {
  const { kind, mode, name } = draft;
  return {
    kind,
    mode,
    name: name.trim(),
    ...(kind === "secret" && !draft.isAll ? { scopes: draft.scopes } : {}),
    ...(kind === "publishable" ? { allowed_origins: linesOf(draft.origins) } : {}),
    ...(draft.expires === "" ? {} : { expires_at: new Date(draft.expires).toISOString() }),
  };
}

export function NewKey({ by }: { by: ApiKey }) {
  const [draft, setDraft] = useState<Draft>({
    kind: "secret",
    mode: by.mode,
    name: "",
    // A key makes none that may do more than it may itself.
    isAll: by.scopes === null,
    scopes: [],
    origins: "",
    expires: "",
  });
  const [made, setMade] = useState<ApiKeyWithText | null>(null);
  const { isBusy, error, run } = useAct();
  if (made !== null) {
    const onDone = () => go("keys", made.id);
    return <NewKeyText title="The key is made" made={made} onDone={onDone} />;
  }
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      setMade(await codedrop.keys.create(wireOf(draft)));
      say("The key is made.");
    });
  };
  return (
    <form class="card stack narrow" onSubmit={submit}>
      <NameField
        name={draft.name}
        error={fieldError(error, "/name")}
        onChange={(name) => set({ name })}
      />
      <Kind draft={draft} by={by} set={set} />
      {draft.kind === "secret" ? (
        <Scopes draft={draft} by={by} error={error} set={set} />
      ) : (
        <OriginsField
          origins={draft.origins}
          error={fieldErrorUnder(error, "/allowed_origins")}
          onChange={(origins) => set({ origins })}
        />
      )}
      <Expiry draft={draft} error={error} set={set} />
      {error !== null && <Failure error={error} />}
      <div class="bar">
        <button class="button primary" aria-disabled={isBusy}>
          Make the key
        </button>
        <a class="button plain" href={to("keys")}>
          Cancel
        </a>
      </div>
    </form>
  );
}

interface Part {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

function Kind({ draft, by, set }: Part & { by: ApiKey }) {
  return (
    <>
      <OneOf
        legend="Kind"
        choices={[
          { value: "secret", name: "Secret", hint: "For your servers. It may do what you choose." },
          {
            value: "publishable",
            name: "Publishable",
            hint: "For pages: it claims codes for users with a signed token, and nothing else.",
          },
        ]}
        chosen={draft.kind}
        onChange={(kind) => set({ kind })}
      />
      {by.mode === "live" && (
        <OneOf
          legend="Mode"
          choices={[
            { value: "live", name: "Live", hint: "Real codes for real users." },
            { value: "test", name: "Test", hint: "It sees test campaigns only." },
          ]}
          chosen={draft.mode}
          onChange={(mode) => set({ mode })}
        />
      )}
    </>
  );
}

function Scopes({ draft, by, error, set }: Part & { by: ApiKey; error: unknown }) {
  return (
    <>
      {by.scopes === null && (
        <OneOf
          legend="What it may do"
          choices={[
            { value: "all", name: "Everything" },
            { value: "some", name: "Only some things" },
          ]}
          chosen={draft.isAll ? "all" : "some"}
          onChange={(which) => set({ isAll: which === "all" })}
        />
      )}
      {!draft.isAll && (
        <ScopeChoices
          chosen={draft.scopes}
          error={fieldErrorUnder(error, "/scopes")}
          onChange={(scopes) => set({ scopes })}
        />
      )}
    </>
  );
}

function Expiry({ draft, error, set }: Part & { error: unknown }) {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  return (
    <Field
      label="Expires (optional)"
      hint={`In your time zone, ${timeZone}. Never when this is empty.`}
      error={fieldError(error, "/expires_at")}
    >
      {(control) => (
        <input
          {...control}
          type="datetime-local"
          value={draft.expires}
          onInput={(event) => set({ expires: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}

export function NewKeyText(props: { title: string; made: ApiKeyWithText; onDone: () => void }) {
  const { made } = props;
  return (
    <ShownOnce title={props.title} name="key" text={made.key} onDone={props.onDone}>
      {made.kind === "secret" && (
        <p class="notice warn">
          Whoever has it acts as your brand. It belongs into your server’s secrets: never into a
          page, an app or a repository.
        </p>
      )}
    </ShownOnce>
  );
}
