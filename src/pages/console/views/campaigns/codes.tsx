/** A campaign's codes and claims, as lists that lead to what became of each code. */

import type { Claim, Code, CodeStatus } from "../../../../client/client.ts";
import { useState } from "preact/hooks";
import { Field } from "../../parts/field.tsx";
import { Empty } from "../../parts/load.tsx";
import { Table, useRows, type Column } from "../../parts/rows.tsx";
import { Badge, Time } from "../../parts/words.tsx";
import { setLookedUp } from "../../looked-up.ts";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import type { Of } from "./campaign.tsx";

const STATUSES: readonly CodeStatus[] = ["available", "claimed", "redeemed", "expired", "revoked"];

/** Leads to the page that finds codes; the code itself is in no address. */
function CodeLink({ code }: { code: string }) {
  return (
    <a class="code" href={to("codes")} onClick={() => setLookedUp(code)}>
      <bdi>{code}</bdi>
    </a>
  );
}

const CODE_COLUMNS: Column<Code>[] = [
  { name: "Code", cell: ({ code }) => <CodeLink code={code} /> },
  { name: "State", cell: ({ status }) => <Badge of={status} /> },
  { name: "User", cell: ({ user_id }) => <User id={user_id} /> },
  { name: "Claimed", cell: ({ claimed_at }) => <Time at={claimed_at} /> },
  { name: "Redeemed", cell: ({ redeemed_at }) => <Time at={redeemed_at} /> },
];

function User({ id }: { id: string | null }) {
  return id === null ? <span class="quiet">–</span> : <bdi>{id}</bdi>;
}

export function Codes({ campaign, more }: Of) {
  const [batch] = more;
  const [status, setStatus] = useState<CodeStatus | "">("");
  const rows = useRows(
    (paging, signal) => {
      const filter = {
        ...paging,
        ...(status === "" ? {} : { status }),
        ...(batch === undefined ? {} : { batch_id: batch }),
      };
      return codedrop.codes.list(campaign.id, filter, { signal }).page();
    },
    [campaign.id, status, batch],
  );
  return (
    <section class="card stack" aria-labelledby="codes">
      <header class="bar spread">
        <h2 id="codes">{batch === undefined ? "Codes" : "Codes of one batch"}</h2>
        {batch !== undefined && <a href={to("campaigns", campaign.id, "codes")}>All codes</a>}
      </header>
      <Field label="State">
        {(control) => (
          <select
            {...control}
            class="short"
            value={status}
            onChange={(event) => setStatus(event.currentTarget.value as CodeStatus | "")}
          >
            <option value="">All</option>
            {STATUSES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        )}
      </Field>
      <Table
        caption="Codes"
        of={rows}
        columns={CODE_COLUMNS}
        keyOf={({ code }) => code}
        empty={
          status === "" && batch === undefined ? (
            <Empty title="No codes yet">
              <p>
                <a href={to("campaigns", campaign.id, "batches")}>Make codes</a> or{" "}
                <a href={to("campaigns", campaign.id, "imports")}>import your own</a>.
              </p>
            </Empty>
          ) : (
            <Empty title="No such codes">
              <p>None has this state at present. A claim shows here within seconds.</p>
            </Empty>
          )
        }
      />
    </section>
  );
}

const CLAIM_COLUMNS: Column<Claim>[] = [
  {
    name: "Code",
    cell: ({ code }) =>
      code === null ? <span class="quiet">not shown yet</span> : <CodeLink code={code} />,
  },
  { name: "State", cell: ({ status }) => <Badge of={status} /> },
  {
    name: "User",
    cell: ({ user_id }) =>
      user_id === null ? <span class="quiet">erased</span> : <User id={user_id} />,
  },
  { name: "Claimed", cell: ({ claimed_at }) => <Time at={claimed_at} /> },
  { name: "Good until", cell: ({ expires_at }) => <Time at={expires_at} /> },
  {
    name: "Consent",
    cell: ({ consent }) =>
      consent === null ? (
        <span class="quiet">–</span>
      ) : (
        `${consent.share_contact ? "shares contact" : "no"} (version ${consent.version})`
      ),
  },
];

export function Claims({ campaign }: Of) {
  const rows = useRows(
    (paging, signal) => codedrop.claims.list(campaign.id, paging, { signal }).page(),
    [campaign.id],
  );
  return (
    <section class="card stack" aria-labelledby="claims">
      <header class="bar spread">
        <h2 id="claims">Claims</h2>
        <button type="button" class="button" onClick={rows.again}>
          Refresh
        </button>
      </header>
      <Table
        caption="Claims, newest first"
        of={rows}
        columns={CLAIM_COLUMNS}
        keyOf={({ id }) => id}
        empty={
          <Empty title="No claims yet">
            <p>
              Each user who is given a code shows here at once; where codes are kept until they are
              shown, when theirs is shown.
            </p>
          </Empty>
        }
      />
    </section>
  );
}
