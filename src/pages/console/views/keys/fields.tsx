import { Field } from "../../parts/field.tsx";

interface Part {
  error: string | null;
  onChange: (value: string) => void;
}

export function NameField({ name, error, onChange }: Part & { name: string }) {
  return (
    <Field label="Name" hint="Who or what uses it, such as “Checkout server”." error={error}>
      {(control) => (
        <input
          {...control}
          required
          maxLength={100}
          value={name}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function OriginsField({ origins, error, onChange }: Part & { origins: string }) {
  return (
    <Field
      label="Allowed origins"
      hint="Of the pages that may use it, one a line, as the browser sends them: https://shop.example, without a path. From anywhere else it is refused."
      error={error}
    >
      {(control) => (
        <textarea
          {...control}
          rows={4}
          spellcheck={false}
          autoCapitalize="none"
          value={origins}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
