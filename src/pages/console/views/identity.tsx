/** Whose signed word on who a user is counts, for claims from pages. */

import { useState } from "preact/hooks";
import type { Brand, NewIdentity } from "../../../client/client.ts";
import { useAct } from "../parts/act.tsx";
import { OneOf } from "../parts/choices.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { Facts } from "../parts/facts.tsx";
import { fieldError } from "../parts/field.tsx";
import { Failure } from "../parts/load.tsx";
import { say } from "../parts/says.tsx";
import { ShownOnce } from "../parts/shown-once.tsx";
import { Text } from "../parts/text.tsx";
import { codedrop } from "../session.ts";

interface Props {
  brand: Brand;
  isTest: boolean;
  again: () => void;
}

export function IdentityCard(props: Props) {
  const { brand, isTest, again } = props;
  const [isEditing, setEditing] = useState(false);
  const [isRemoving, setRemoving] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  if (secret !== null) {
    return (
      <ShownOnce
        title="This is the secret for user tokens"
        name="secret"
        text={secret}
        onDone={() => setSecret(null)}
      >
        <p class="quiet">
          Sign tokens with it by HS256, as it stands: the key is the text’s own bytes. The one
          before it is good for nothing within a minute.
        </p>
      </ShownOnce>
    );
  }
  const onSaved = (shown: string | null) => {
    setEditing(false);
    setSecret(shown);
    again();
  };
  return (
    <section class="card stack" aria-labelledby="identity">
      <h2 id="identity">User tokens</h2>
      <p class="quiet">
        A partner’s page claims with a token that says who its user is. Here you say whose tokens
        count. Your own servers need none: they vouch for their users.
      </p>
      {isEditing ? (
        <IdentityForm brand={brand} onSaved={onSaved} onCancel={() => setEditing(false)} />
      ) : (
        <>
          <IdentityFacts of={brand} />
          {!isTest && (
            <div class="bar">
              <button type="button" class="button" onClick={() => setEditing(true)}>
                {brand.identity === null ? "Set up" : "Change"}
              </button>
              {brand.identity !== null && (
                <button type="button" class="button danger" onClick={() => setRemoving(true)}>
                  Take away…
                </button>
              )}
            </div>
          )}
        </>
      )}
      {isRemoving && <TakeAway again={again} onClose={() => setRemoving(false)} />}
    </section>
  );
}

function IdentityFacts({ of: { identity } }: { of: Brand }) {
  if (identity === null) return <p>No tokens count yet: claims come from your servers only.</p>;
  return (
    <Facts
      of={[
        ["Issuer", <bdi>{identity.issuer}</bdi>],
        ["Audience", <bdi>{identity.audience}</bdi>],
        [
          "Signed with",
          identity.jwks_url === undefined ? (
            "A shared secret, HS256"
          ) : (
            <>
              The issuer’s keys at <bdi>{identity.jwks_url}</bdi>
            </>
          ),
        ],
      ]}
    />
  );
}

function TakeAway({ again, onClose }: { again: () => void; onClose: () => void }) {
  const act = async () => {
    await codedrop.brand.update({ identity: null });
    again();
    say("No user token counts any more.");
  };
  return (
    <Confirm title="Let no user token count?" verb="Take it away" act={act} onClose={onClose}>
      <p>
        Within a minute every claim from a partner’s page is refused, and a shared secret is gone.
        Claims that your servers send go on.
      </p>
    </Confirm>
  );
}

type How = "jwks" | "secret";

function wireOf(draft: {
  issuer: string;
  audience: string;
  how: How;
  jwksUrl: string;
}): NewIdentity {
  const common = { issuer: draft.issuer.trim(), audience: draft.audience.trim() };
  if (draft.how === "secret") return { ...common, algorithm: "HS256" };
  return { ...common, jwks_url: draft.jwksUrl.trim() };
}

function IdentityForm(props: {
  brand: Brand;
  onSaved: (secret: string | null) => void;
  onCancel: () => void;
}) {
  const before = props.brand.identity;
  const [issuer, setIssuer] = useState(before?.issuer ?? "");
  const [audience, setAudience] = useState(before?.audience ?? "codedrop");
  const [how, setHow] = useState<How>(before?.algorithm === undefined ? "jwks" : "secret");
  const [jwksUrl, setJwksUrl] = useState(before?.jwks_url ?? "");
  const { isBusy, error, run } = useAct();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const identity = wireOf({ issuer, audience, how, jwksUrl });
      const saved = await codedrop.brand.update({ identity });
      say("Tokens of this issuer count from now on.");
      props.onSaved(saved.identity?.secret ?? null);
    });
  };
  return (
    <form class="stack narrow" onSubmit={submit}>
      <Text
        isRequired
        label="Issuer"
        hint="What a token’s iss says, to the letter."
        value={issuer}
        error={fieldError(error, "/identity/issuer")}
        onChange={setIssuer}
      />
      <Text
        isRequired
        label="Audience"
        hint="What a token’s aud says, or has among others."
        value={audience}
        error={fieldError(error, "/identity/audience")}
        onChange={setAudience}
      />
      <SignedWith how={how} onChange={setHow} />
      {how === "jwks" && (
        <Text
          isRequired
          label="Address of the keys"
          hint="https, on a public host."
          value={jwksUrl}
          error={fieldError(error, "/identity/jwks_url")}
          onChange={setJwksUrl}
        />
      )}
      {error !== null && <Failure error={error} />}
      <div class="bar">
        <button class="button primary" aria-disabled={isBusy}>
          {how === "secret" ? "Save and make a secret" : "Save"}
        </button>
        <button type="button" class="button plain" onClick={props.onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function SignedWith({ how, onChange }: { how: How; onChange: (how: How) => void }) {
  return (
    <OneOf
      legend="Signed with"
      choices={[
        { value: "jwks", name: "The issuer’s own keys", hint: "Published as a JWKS." },
        {
          value: "secret",
          name: "A shared secret",
          hint: "We make one and show it once. Each save makes another.",
        },
      ]}
      chosen={how}
      onChange={onChange}
    />
  );
}
