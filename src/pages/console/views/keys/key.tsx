/** One key: what it may, and what may be done with it. */

import { useState } from "preact/hooks";
import type { ApiKey, ApiKeyWithText } from "../../../../client/client.ts";
import { Facts } from "../../parts/facts.tsx";
import { Show, useLoad } from "../../parts/load.tsx";
import { Time } from "../../parts/words.tsx";
import { go, to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import { EditKey, RevokeKey, RotateKey } from "./acts.tsx";
import { NewKeyText } from "./new-key.tsx";
import { Hint, isGood, KeyState, scopeWords } from "./words.tsx";

export function KeyPage({ id, own }: { id: string; own: string }) {
  const found = useLoad((signal) => codedrop.keys.get(id, { signal }), [id]);
  const [made, setMade] = useState<ApiKeyWithText | null>(null);
  if (made !== null) {
    const onDone = () => go("keys", made.id);
    return <NewKeyText title="This key takes its place" made={made} onDone={onDone} />;
  }
  return (
    <>
      <p>
        <a href={to("keys")}>← All keys</a>
      </p>
      <Show of={found}>
        {(key) => (
          <KeyCard apiKey={key} isOwn={key.id === own} again={found.again} onMade={setMade} />
        )}
      </Show>
    </>
  );
}

function KeyCard(props: {
  apiKey: ApiKey;
  isOwn: boolean;
  again: () => void;
  onMade: (made: ApiKeyWithText) => void;
}) {
  const { apiKey: key, isOwn, again } = props;
  const [asking, setAsking] = useState<"edit" | "rotate" | "revoke" | null>(null);
  const onClose = () => setAsking(null);
  return (
    <section class="card stack" aria-labelledby="key">
      <div class="bar">
        <h2 id="key">
          <bdi>{key.name}</bdi>
        </h2>
        <KeyState of={key} />
        {isOwn && <span class="badge accent">you are signed in with it</span>}
      </div>
      <KeyFacts of={key} />
      <div class="bar">
        <button type="button" class="button" onClick={() => setAsking("edit")}>
          Edit…
        </button>
        {isGood(key) && (
          <>
            <button type="button" class="button" onClick={() => setAsking("rotate")}>
              Rotate…
            </button>
            <button type="button" class="button danger" onClick={() => setAsking("revoke")}>
              Revoke…
            </button>
          </>
        )}
      </div>
      {asking === "edit" && <EditKey of={key} again={again} onClose={onClose} />}
      {asking === "rotate" && (
        <RotateKey of={key} isOwn={isOwn} onMade={props.onMade} onClose={onClose} />
      )}
      {asking === "revoke" && <RevokeKey of={key} isOwn={isOwn} again={again} onClose={onClose} />}
    </section>
  );
}

function KeyFacts({ of: key }: { of: ApiKey }) {
  return (
    <Facts
      of={[
        ["Ends in", <Hint of={key} />],
        ["Kind", key.kind],
        ["Mode", key.mode],
        ["May do", scopeWords(key)],
        [
          "Allowed origins",
          key.kind === "secret" ? null : key.allowed_origins.length === 0 ? (
            "None: it is refused everywhere"
          ) : (
            <ul class="plain">
              {key.allowed_origins.map((origin) => (
                <li key={origin}>{origin}</li>
              ))}
            </ul>
          ),
        ],
        ["Last used", key.last_used_at === null ? "Never" : <Time at={key.last_used_at} />],
        ["Expires", key.expires_at === null ? "Never" : <Time at={key.expires_at} />],
        ["Revoked", key.revoked_at && <Time at={key.revoked_at} />],
        ["Made", <Time at={key.created_at} />],
        ["Key", <code>{key.id}</code>],
      ]}
    />
  );
}
