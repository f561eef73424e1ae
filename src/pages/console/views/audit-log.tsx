/** Who changed what, when and from where; and whether the log is still what was written. */

import { useState } from "preact/hooks";
import type { AuditEntry, AuditVerdict } from "../../../client/client.ts";
import { CampaignName, KeyName } from "../names.tsx";
import { useAct } from "../parts/act.tsx";
import { Empty, Failure } from "../parts/load.tsx";
import { Table, useRows, type Column } from "../parts/rows.tsx";
import { Copy, count, Time } from "../parts/words.tsx";
import type { Route } from "../router.ts";
import { codedrop, type Session } from "../session.ts";
import type { View } from "../shell.tsx";

export function auditPages(rest: Route, session: Session): View | undefined {
  if (rest.length > 0) return undefined;
  const isTest = session.key.mode === "test";
  return { title: "Audit log", body: isTest ? <LiveOnly /> : <AuditLog /> };
}

function LiveOnly() {
  return (
    <section class="card">
      <Empty title="The log takes a live key">
        <p class="quiet">
          It names what is live, which a test key does not see. Sign in with a live key to read it.
        </p>
      </Empty>
    </section>
  );
}

/** What was called, in plain words. One that is not here is shown by its name. */
const ACTIONS: Record<string, string> = {
  signIn: "Signed in to the console",
  createBrand: "Made the brand",
  updateBrand: "Changed the brand",
  updateProfile: "Changed the brand",
  rotateCheckKey: "Made a new seal of codes",
  createKey: "Made a key",
  updateKey: "Changed a key",
  rotateKey: "Rotated a key",
  revokeKey: "Revoked a key",
  createCampaign: "Made a campaign",
  updateCampaign: "Changed a campaign",
  pauseCampaign: "Paused a campaign",
  resumeCampaign: "Resumed a campaign",
  endCampaign: "Ended a campaign",
  createBatch: "Made codes",
  cancelBatch: "Cancelled a batch",
  createImport: "Imported codes",
  revokeCodes: "Revoked codes",
  eraseUser: "Erased a user",
  createWebhookEndpoint: "Made a webhook endpoint",
  updateWebhookEndpoint: "Changed a webhook endpoint",
  rotateWebhookSecret: "Made a new webhook secret",
  deleteWebhookEndpoint: "Deleted a webhook endpoint",
};

const COLUMNS: Column<AuditEntry>[] = [
  {
    name: "What",
    cell: ({ action, number }) => (
      <>
        {ACTIONS[action] ?? action} <span class="quiet">#{number}</span>
      </>
    ),
  },
  {
    name: "Who",
    cell: ({ actor }) => (actor === "operator" ? "The operator" : <KeyName id={actor} />),
  },
  { name: "When", cell: ({ at }) => <Time at={at} isExact /> },
  { name: "On", cell: ({ target }) => <Target id={target} /> },
  {
    name: "Fields",
    cell: ({ fields }) => (fields.length === 0 ? <span class="quiet">–</span> : fields.join(", ")),
  },
  {
    name: "From",
    cell: ({ address_prefix: prefix, request_id: request }) => (
      <>
        {prefix ?? <span class="quiet">Not known</span>}
        <p class="hint">
          Request <code>{request}</code>
        </p>
      </>
    ),
  },
];

/** By its name where it has one that stays. */
function Target({ id }: { id: string }) {
  if (/^key_\w+$/.test(id)) return <KeyName id={id} />;
  if (/^cmp_\w+$/.test(id)) return <CampaignName id={id} />;
  return <code>{id}</code>;
}

function AuditLog() {
  const rows = useRows((paging, signal) => codedrop.auditLog.list(paging, { signal }).page(), []);
  return (
    <>
      <Proof />
      <section class="card audit-entries">
        <Table
          caption="Changes, newest first"
          of={rows}
          columns={COLUMNS}
          keyOf={({ id }) => id}
          empty={<Empty title="Nothing has been changed yet" />}
        />
      </section>
    </>
  );
}

function Proof() {
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null);
  const { isBusy, error, run } = useAct();
  const verify = () =>
    run(async () => {
      // With what this page has seen before, so that a cut-off end is found as well.
      setVerdict(await codedrop.auditLog.verify(verdict?.ok === true ? verdict.head : null));
    });
  return (
    <section class="stack">
      <div class="bar spread">
        <p class="quiet">
          Each entry has the hash of the one before, so that none can be altered or taken out
          unseen.
        </p>
        <button type="button" class="button" aria-disabled={isBusy} onClick={() => void verify()}>
          {isBusy ? "Verifying" : "Verify the log"}
        </button>
      </div>
      {error !== null && <Failure error={error} />}
      <div role="status">{verdict !== null && <Verdict of={verdict} />}</div>
    </section>
  );
}

function Verdict({ of: verdict }: { of: AuditVerdict }) {
  if (!verdict.ok) {
    return (
      <div class="notice bad">
        <p>
          <strong>The log is not what was written.</strong> The first difference is at entry #
          {verdict.broken_at}. Tell the operator of this service.
        </p>
      </div>
    );
  }
  return (
    <div class="notice good">
      <p>
        <strong>All {count(verdict.entries)} entries are as they were written.</strong> Verified{" "}
        <Time at={verdict.checked_at} />.
      </p>
      {verdict.head !== null && (
        <details>
          <summary>Keep the last hash, to prove later that no end was cut off</summary>
          <p>
            Entry #{verdict.head.number}: <Copy text={verdict.head.hash} name="Hash" />
          </p>
        </details>
      )}
    </div>
  );
}
