/** The brand itself: its name, whose word on users counts, and what seals its codes. */

import { useState } from "preact/hooks";
import type { Brand } from "../../../client/client.ts";
import { useAct } from "../parts/act.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { Facts } from "../parts/facts.tsx";
import { Field, fieldError } from "../parts/field.tsx";
import { Failure, Show, useLoad } from "../parts/load.tsx";
import { say } from "../parts/says.tsx";
import { Badge, Time } from "../parts/words.tsx";
import type { Route } from "../router.ts";
import { codedrop, sessionChanged, type Session } from "../session.ts";
import type { View } from "../shell.tsx";
import { IdentityCard } from "./identity.tsx";

export function brandPages(rest: Route, session: Session): View | undefined {
  if (rest.length > 0) return undefined;
  return { title: "Brand", body: <BrandPage isTest={session.key.mode === "test"} /> };
}

function BrandPage({ isTest }: { isTest: boolean }) {
  const found = useLoad((signal) => codedrop.brand.get({ signal }), []);
  return (
    <>
      {isTest && (
        <p class="notice warn">
          You are signed in with a test key, which cannot change what is live, too.
        </p>
      )}
      <Show of={found}>
        {(brand) => (
          <>
            <Profile brand={brand} isTest={isTest} again={found.again} />
            <IdentityCard brand={brand} isTest={isTest} again={found.again} />
            <CheckKey isTest={isTest} />
          </>
        )}
      </Show>
    </>
  );
}

function Profile({ brand, isTest, again }: { brand: Brand; isTest: boolean; again: () => void }) {
  const [name, setName] = useState(brand.name);
  const { isBusy, error, run } = useAct();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      await codedrop.brand.update({ name: name.trim() });
      again();
      sessionChanged();
      say("The brand is renamed.");
    });
  };
  return (
    <section class="card stack">
      <h2>Name</h2>
      <form class="search" onSubmit={submit}>
        <Field
          label="Name of the brand"
          hint="Shown in this console. The campaigns have names of their own."
          error={fieldError(error, "/name")}
        >
          {(control) => (
            <input
              {...control}
              required
              maxLength={100}
              disabled={isTest}
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        {!isTest && (
          <button class="button" aria-disabled={isBusy}>
            Save the name
          </button>
        )}
      </form>
      {error !== null && fieldError(error, "/name") === null && <Failure error={error} />}
      <Facts
        of={[
          ["Slug", <code>{brand.slug}</code>],
          ["State", <Badge of={brand.status} />],
          ["Made", <Time at={brand.created_at} />],
          ["Brand", <code>{brand.id}</code>],
        ]}
      />
    </section>
  );
}

function CheckKey({ isTest }: { isTest: boolean }) {
  const [isAsking, setAsking] = useState(false);
  const [since, setSince] = useState<string | null>(null);
  const act = async () => {
    const { in_use_from: from, shapes } = await codedrop.brand.rotateCheckKey();
    setSince(from);
    say(shapes === 0 ? "There was nothing to seal anew yet." : "New codes get a new seal.");
  };
  return (
    <section class="card stack">
      <h2>Seal of codes</h2>
      <p>
        The last characters of a generated code follow from the others by a secret key of yours, so
        that a guess is refused by its looks alone. If you fear that somebody has found out how,
        make a new one: codes that exist stay good, and batches from then on are sealed anew.
      </p>
      {since !== null && (
        <p role="status">
          Batches that begin from <Time at={since} /> on have the new seal.
        </p>
      )}
      <div class="bar">
        <button type="button" class="button" onClick={() => setAsking(true)}>
          Make a new seal…
        </button>
      </div>
      {isAsking && (
        <Confirm
          title="Seal new codes with a new key?"
          verb="Make a new seal"
          kind="primary"
          act={act}
          onClose={() => setAsking(false)}
        >
          <p>
            {isTest ? "Test codes" : "Live codes"} made from then on end in other check characters.
            Nothing changes for codes that exist, nor for your servers.
          </p>
        </Confirm>
      )}
    </section>
  );
}
