/** What is done with a key, each in a window of its own. */

import { useState } from "preact/hooks";
import type { ApiKey, ApiKeyWithText } from "../../../../client/client.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { fieldError, fieldErrorUnder } from "../../parts/field.tsx";
import { Overlap, OVERLAP_USUAL } from "../../parts/overlap.tsx";
import { say } from "../../parts/says.tsx";
import { codedrop, sessionChanged } from "../../session.ts";
import { linesOf } from "../webhooks/fields.tsx";
import { NameField, OriginsField } from "./fields.tsx";

interface Props {
  of: ApiKey;
  onClose: () => void;
}

export function EditKey({ of: key, again, onClose }: Props & { again: () => void }) {
  const [name, setName] = useState(key.name);
  const [origins, setOrigins] = useState(key.allowed_origins.join("\n"));
  const isPublishable = key.kind === "publishable";
  const act = async () => {
    const change = isPublishable ? { allowed_origins: linesOf(origins) } : {};
    await codedrop.keys.update(key.id, { name: name.trim(), ...change });
    again();
    say("The key is changed.");
  };
  return (
    <Confirm title="Edit the key" verb="Save" kind="primary" act={act} onClose={onClose}>
      {(error: unknown) => (
        <>
          <NameField name={name} error={fieldError(error, "/name")} onChange={setName} />
          {isPublishable && (
            <OriginsField
              origins={origins}
              error={fieldErrorUnder(error, "/allowed_origins")}
              onChange={setOrigins}
            />
          )}
        </>
      )}
    </Confirm>
  );
}

export function RotateKey(
  props: Props & { isOwn: boolean; onMade: (made: ApiKeyWithText) => void },
) {
  const { of: key, isOwn } = props;
  const [seconds, setSeconds] = useState(OVERLAP_USUAL);
  const act = async () => {
    props.onMade(await codedrop.keys.rotate(key.id, { overlap_seconds: seconds }));
    say("A new key is made.");
  };
  return (
    <Confirm
      title="Put a new key in its place?"
      verb="Make the new key"
      kind="primary"
      act={act}
      onClose={props.onClose}
    >
      <p>
        The new key may do what <bdi>{key.name}</bdi> may. Change over whatever uses the old one
        before it ends.
      </p>
      <Overlap
        label="The old key stays good"
        hint="A key that has leaked should end at once."
        seconds={seconds}
        onChange={setSeconds}
      />
      {isOwn && (
        <p class="notice warn">
          You are signed in with this key: your session ends with it. Copy the new key before you go
          on, and sign in with that.
        </p>
      )}
    </Confirm>
  );
}

export function RevokeKey(props: Props & { isOwn: boolean; again: () => void }) {
  const { of: key, isOwn } = props;
  const act = async () => {
    await codedrop.keys.revoke(key.id);
    say("The key is revoked.");
    if (isOwn) sessionChanged();
    else props.again();
  };
  return (
    <Confirm title="Revoke this key?" verb="Revoke the key" act={act} onClose={props.onClose}>
      <p>
        Whatever uses <bdi>{key.name}</bdi> (…{key.hint}) is refused at once, and for good. To
        change it over without a gap, rotate it instead.
      </p>
      {isOwn && (
        <p class="notice bad">
          <strong>You are signed in with this key.</strong> Your session ends with it, and you need
          another secret key to sign in again.
        </p>
      )}
    </Confirm>
  );
}
