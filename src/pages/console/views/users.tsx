/** A user, by the brand's own id of them: what is held, and its erasure. */

import { useState } from "preact/hooks";
import { CodedropError, type Erasure, type UserInCampaign } from "../../../client/client.ts";
import { setLookedUpUser, takeLookedUpUser } from "../looked-up.ts";
import { Empty, Failure, Loading } from "../parts/load.tsx";
import { LookUp } from "../parts/look-up.tsx";
import { pageWithRows, useRows } from "../parts/rows.tsx";
import type { Route } from "../router.ts";
import { codedrop } from "../session.ts";
import type { View } from "../shell.tsx";
import { EraseUser, ErasureProgress } from "./erasure.tsx";
import { HeldInCampaign } from "./held.tsx";

export function userPages(rest: Route): View | undefined {
  return rest.length === 0 ? { title: "Users", body: <Users /> } : undefined;
}

function Users() {
  return (
    <LookUp
      label="User id"
      hint="Your own id of the user, to the letter: the sub of their token, or what your server sends."
      button="Look up"
      maxLength={255}
      start={takeLookedUpUser}
    >
      {(id) => <User id={id} />}
    </LookUp>
  );
}

function User({ id }: { id: string }) {
  const held = useRows<UserInCampaign>(
    async (paging, signal) => {
      const page = await pageWithRows(paging, (next) =>
        codedrop.users.get(id, next, { signal }).page(),
      );
      setLookedUpUser(id);
      return page;
    },
    [id],
  );
  const [isErasing, setErasing] = useState(false);
  const [erasure, setErasure] = useState<Erasure | null>(null);
  if (erasure !== null) return <ErasureProgress start={erasure} />;
  const { error } = held;
  const isNobody = held.rows.length === 0 && held.isComplete === true && error === null;
  if (isNobody || (error instanceof CodedropError && error.slug === "not-found")) {
    return <Nobody id={id} />;
  }
  if (held.isComplete === null && error === null) return <Loading />;
  return (
    <>
      {held.rows.length > 0 && (
        <section class="bar spread" aria-labelledby="user">
          <h2 id="user">
            <bdi class="typed">{id}</bdi>
          </h2>
          <button type="button" class="button danger" onClick={() => setErasing(true)}>
            Erase this user…
          </button>
        </section>
      )}
      {held.rows.map((row) => (
        <HeldInCampaign key={row.campaign_id} held={row} />
      ))}
      {error !== null && <Failure error={error} again={held.again} />}
      {held.isComplete === false && (
        <button type="button" class="button" onClick={held.more}>
          Show more campaigns
        </button>
      )}
      {isErasing && <EraseUser id={id} onClose={() => setErasing(false)} onErasing={setErasure} />}
    </>
  );
}

function Nobody({ id }: { id: string }) {
  return (
    <section class="card" role="status">
      <Empty title="Nothing is held about this user">
        <p class="quiet">
          No claim in any campaign that this key sees is of <bdi class="typed">{id}</bdi>. Capitals
          count: Ann and ann are two users.
        </p>
      </Empty>
    </section>
  );
}
