/** Several of a few things, or one of them. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Choice<Value extends string> {
  value: Value;
  name: ComponentChildren;
  hint?: string;
}

interface Common<Value extends string> {
  legend: string;
  choices: readonly Choice<Value>[];
  error?: string | null;
}

function Choices<Value extends string>(
  props: Common<Value> & {
    type: "checkbox" | "radio";
    isChosen: (value: Value) => boolean;
    choose: (value: Value, isOn: boolean) => void;
  },
) {
  const id = useId();
  const { error = null } = props;
  return (
    <fieldset class="choices" aria-describedby={error === null ? undefined : `${id}-error`}>
      <legend>{props.legend}</legend>
      <div class="grid">
        {props.choices.map(({ value, name, hint }) => (
          <label key={value}>
            <input
              type={props.type}
              name={id}
              value={value}
              checked={props.isChosen(value)}
              onChange={(event) => props.choose(value, event.currentTarget.checked)}
            />
            <span>
              {name}
              {hint !== undefined && <span class="hint">{hint}</span>}
            </span>
          </label>
        ))}
      </div>
      {error !== null && (
        <p id={`${id}-error`} class="error">
          {error}
        </p>
      )}
    </fieldset>
  );
}

export function Some<Value extends string>(
  props: Common<Value> & { chosen: readonly Value[]; onChange: (chosen: Value[]) => void },
) {
  const { chosen } = props;
  return (
    <Choices
      {...props}
      type="checkbox"
      isChosen={(value) => chosen.includes(value)}
      choose={(value, isOn) =>
        props.onChange(isOn ? [...chosen, value] : chosen.filter((one) => one !== value))
      }
    />
  );
}

export function OneOf<Value extends string>(
  props: Common<Value> & { chosen: Value; onChange: (chosen: Value) => void },
) {
  return (
    <Choices
      {...props}
      type="radio"
      isChosen={(value) => value === props.chosen}
      choose={props.onChange}
    />
  );
}
