/** How long what is replaced stays good beside its successor. */

import { Field } from "./field.tsx";

/** A receiver's secret may overlap for 7 days at most, a key for 30. */
const OVERLAPS = [
  [0, "Not at all: at once"],
  [3_600, "1 hour"],
  [86_400, "1 day"],
  [604_800, "7 days"],
] as const;

export const OVERLAP_USUAL = 86_400;

export function Overlap(props: {
  label: string;
  hint: string;
  seconds: number;
  onChange: (seconds: number) => void;
}) {
  return (
    <Field label={props.label} hint={props.hint}>
      {(control) => (
        <select
          {...control}
          value={props.seconds}
          onChange={(event) => props.onChange(Number(event.currentTarget.value))}
        >
          {OVERLAPS.map(([seconds, name]) => (
            <option key={seconds} value={seconds}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
