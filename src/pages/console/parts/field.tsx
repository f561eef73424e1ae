/** A labelled control with its hint and what is wrong with it. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { CodedropError } from "../../../client/client.ts";

/** What a control needs so that its label, hint and error are its own. */
export interface Control {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean;
}

export function Field(props: {
  label: string;
  hint?: ComponentChildren;
  error?: string | null | undefined;
  children: (control: Control) => ComponentChildren;
}) {
  const id = useId();
  const hasError = props.error != null;
  const described = [props.hint != null && `${id}-hint`, hasError && `${id}-error`];
  const control = {
    id,
    "aria-describedby": described.filter(Boolean).join(" ") || undefined,
    "aria-invalid": hasError,
  };
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.children(control)}
      {props.hint != null && (
        <p id={`${id}-hint`} class="hint">
          {props.hint}
        </p>
      )}
      {hasError && (
        <p id={`${id}-error`} class="error">
          {props.error}
        </p>
      )}
    </div>
  );
}

/** What the service found wrong with the field at the pointer, such as `/discount/value`. */
export function fieldError(error: unknown, pointer: string): string | null {
  if (!(error instanceof CodedropError)) return null;
  return error.errors.find((one) => one.pointer === pointer)?.detail ?? null;
}

/** The first of what is wrong with the field at the pointer, or with one of its lines. */
export function fieldErrorUnder(error: unknown, pointer: string): string | null {
  if (!(error instanceof CodedropError)) return null;
  const own = fieldError(error, pointer);
  if (own !== null) return own;
  const inner = error.errors.find((one) => one.pointer.startsWith(`${pointer}/`));
  if (inner === undefined) return null;
  const line = Number(inner.pointer.slice(pointer.length + 1).split("/")[0]);
  return Number.isNaN(line) ? inner.detail : `Line ${line + 1}: ${inner.detail}`;
}
