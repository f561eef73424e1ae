/** One line that somebody types. */

import { Field } from "./field.tsx";

export function Text(props: {
  label: string;
  hint: string;
  value: string;
  error?: string | null;
  placeholder?: string;
  maxLength?: number;
  isRequired?: boolean;
  onChange: (value: string) => void;
}) {
  return (
    <Field label={props.label} hint={props.hint} error={props.error}>
      {(control) => (
        <input
          {...control}
          required={props.isRequired}
          maxLength={props.maxLength}
          placeholder={props.placeholder}
          autoCapitalize="none"
          spellcheck={false}
          value={props.value}
          onInput={(event) => props.onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
