/** Controls that know the draft they are of, and what the service found wrong with their field. */

import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import { CodedropError } from "../../../../../client/client.ts";
import { Field, fieldError } from "../../../parts/field.tsx";
import type { Draft } from "./draft.ts";
import { UNITS, type Unit } from "./times.ts";

export interface Form {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  /** Of the last try to save. */
  error: unknown;
  isNew: boolean;
  /** A test key makes test campaigns only. */
  mayBeLive: boolean;
}

type NameOf<Value> = {
  [Name in keyof Draft]: Draft[Name] extends Value ? Name : never;
}[keyof Draft];

interface Common {
  form: Form;
  label: string;
  hint?: ComponentChildren;
  /** Of the field on the wire. */
  at?: string;
}

/** Whether the service found something wrong at the pointer or beneath it. */
export function isWrong(error: unknown, pointer: string): boolean {
  return (
    error instanceof CodedropError &&
    error.errors.some(({ pointer: found }) => found === pointer || found.startsWith(`${pointer}/`))
  );
}

export function TextField(
  props: Common & {
    name: NameOf<string>;
    input?: JSX.IntrinsicElements["input"];
  },
) {
  const { form, name, at = "", input = {} } = props;
  return (
    <Field label={props.label} hint={props.hint} error={fieldError(form.error, at)}>
      {(control) => (
        <input
          {...input}
          {...control}
          value={form.draft[name]}
          onInput={(event) => form.set({ [name]: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}

export function NumberField(props: Common & { name: NameOf<string>; max?: number }) {
  const input = {
    type: "number",
    inputMode: "numeric",
    class: "short",
    min: 1,
    max: props.max,
    step: 1,
  } as const;
  return <TextField {...props} input={input} />;
}

export function Choice<Value extends string>(
  props: Common & {
    name: keyof Draft;
    value: Value;
    options: readonly (readonly [Value, string])[];
  },
) {
  const { form, name, at = "" } = props;
  return (
    <Field label={props.label} hint={props.hint} error={fieldError(form.error, at)}>
      {(control) => (
        <select
          {...control}
          value={props.value}
          onChange={(event) => form.set({ [name]: event.currentTarget.value })}
        >
          {props.options.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function Check({ form, label, hint, name }: Common & { name: NameOf<boolean> }) {
  const id = useId();
  return (
    <div class="check">
      <label>
        <input
          type="checkbox"
          aria-describedby={hint === undefined ? undefined : `${id}-hint`}
          checked={form.draft[name]}
          onChange={(event) => form.set({ [name]: event.currentTarget.checked })}
        />
        {label}
      </label>
      {hint !== undefined && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

/** A number with its unit. */
export function Span(
  props: Common & { name: NameOf<string>; unit: "lifetimeUnit" | "revealUnit" },
) {
  const { form, name, unit, at = "" } = props;
  return (
    <Field label={props.label} hint={props.hint} error={fieldError(form.error, at)}>
      {(control) => (
        <span class="span">
          <input
            {...control}
            type="number"
            inputMode="decimal"
            min={0}
            step="any"
            value={form.draft[name]}
            onInput={(event) => form.set({ [name]: event.currentTarget.value })}
          />
          <select
            aria-label={`${props.label}: unit`}
            value={form.draft[unit]}
            onChange={(event) => form.set({ [unit]: event.currentTarget.value as Unit })}
          >
            {Object.keys(UNITS).map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </span>
      )}
    </Field>
  );
}

/** What only some campaigns need; open when something in it is wrong. */
export function Group(props: {
  form: Form;
  title: string;
  about: string;
  pointers: readonly string[];
  children: ComponentChildren;
}) {
  const mustShow = props.pointers.some((pointer) => isWrong(props.form.error, pointer));
  return (
    <details class="card group" {...(mustShow ? { open: true } : {})}>
      <summary>
        <h2>{props.title}</h2>
        <span class="quiet">{props.about}</span>
      </summary>
      <div class="stack">{props.children}</div>
    </details>
  );
}
