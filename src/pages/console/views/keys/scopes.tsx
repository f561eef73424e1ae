/** What a key may do: for each thing whether it is looked at, or changed as well. */

import { useId } from "preact/hooks";
import { SCOPES, type Scope } from "../../../../domain/scope.ts";

/** In the order in which most keys need them. */
const RESOURCES = [
  ["campaigns", "Campaigns", "Their fields, state and figures"],
  ["codes", "Codes", "Made, imported, exported, found, revoked"],
  ["claims", "Claims", "Users get their codes"],
  ["redemptions", "Redemptions", "Holds and codes spent at the checkout"],
  ["events", "Events", "The log of what happened"],
  ["webhooks", "Webhooks", "Endpoints and deliveries"],
  ["users", "Users", "What is held about one, and erasure"],
  ["keys", "Keys", "None that may do more than this one"],
  ["brand", "Brand", "Its name, and whose user tokens count"],
  ["audit", "Audit log", "Who changed what"],
] as const;

const scopeOf = (text: string): Scope | undefined => SCOPES.find((scope) => scope === text);

export function ScopeChoices(props: {
  chosen: readonly Scope[];
  error: string | null;
  onChange: (chosen: Scope[]) => void;
}) {
  const { chosen, error } = props;
  const id = useId();
  const choose = (scope: Scope, isOn: boolean) =>
    props.onChange(isOn ? [...chosen, scope] : chosen.filter((one) => one !== scope));
  return (
    <fieldset class="choices" aria-describedby={`${id}-hint ${id}-error`}>
      <legend>Scopes</legend>
      <p id={`${id}-hint`} class="hint">
        Writing includes reading.
      </p>
      <div class="scopes">
        {RESOURCES.map(([resource, name, hint]) => (
          <div key={resource}>
            <span>
              {name} <span class="hint">{hint}</span>
            </span>
            {["read", "write"].map((verb) => (
              <Box
                key={verb}
                scope={scopeOf(`${resource}:${verb}`)}
                verb={verb}
                chosen={chosen}
                choose={choose}
              />
            ))}
          </div>
        ))}
      </div>
      <p id={`${id}-error`} class="error">
        {error}
      </p>
    </fieldset>
  );
}

/** Nothing where there is nothing to be written. */
function Box(props: {
  scope: Scope | undefined;
  verb: string;
  chosen: readonly Scope[];
  choose: (scope: Scope, isOn: boolean) => void;
}) {
  const { scope, chosen } = props;
  if (scope === undefined) return <span />;
  return (
    <label>
      <input
        type="checkbox"
        aria-label={scope}
        checked={chosen.includes(scope)}
        onChange={(event) => props.choose(scope, event.currentTarget.checked)}
      />
      {props.verb}
    </label>
  );
}
