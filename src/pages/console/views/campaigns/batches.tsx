/** Makes codes, and shows how far it is. */

import { useEffect, useState } from "preact/hooks";
import type { Batch } from "../../../../client/client.ts";
import { BATCH_AT_ONCE_MAX, BATCH_COUNT_MAX } from "../../../../domain/batch.ts";
import { ActButton, useAct } from "../../parts/act.tsx";
import { Field, fieldError } from "../../parts/field.tsx";
import { Empty, Failure } from "../../parts/load.tsx";
import { Table, useRows, type Column } from "../../parts/rows.tsx";
import { say } from "../../parts/says.tsx";
import { counted, percent } from "../../parts/numbers.ts";
import { Badge, count, Time } from "../../parts/words.tsx";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import type { Of } from "./campaign.tsx";
import { CodePreview } from "./code-preview.tsx";

const FIRST_COUNT = 1_000;

export function Batches({ campaign }: Of) {
  const rows = useRows(
    (paging, signal) => codedrop.batches.list(campaign.id, paging, { signal }).page(),
    [campaign.id],
  );
  const columns: Column<Batch>[] = [
    { name: "Asked for", cell: ({ requested }) => count(requested), isNumber: true },
    {
      name: "State",
      cell: (batch) =>
        batch.status === "running" ? (
          <Running batch={batch} onEnd={rows.again} />
        ) : (
          <Badge of={batch.status} />
        ),
    },
    { name: "Made", cell: ({ created }) => count(created), isNumber: true },
    { name: "Begun", cell: ({ created_at }) => <Time at={created_at} /> },
    { name: "Done", cell: ({ finished_at }) => <Time at={finished_at} /> },
    {
      name: "Codes",
      cell: ({ id, created }) =>
        created > 0 && (
          <a href={to("campaigns", campaign.id, "codes", id)}>
            Show<span class="visually-hidden"> the codes of this batch</span>
          </a>
        ),
    },
  ];
  return (
    <>
      {campaign.status === "ended" ? (
        <p class="notice">This campaign has ended, so it gets no more codes.</p>
      ) : (
        <MakeCodes campaign={campaign} onMade={rows.again} />
      )}
      <section class="card stack" aria-labelledby="batches">
        <h2 id="batches">Batches</h2>
        <Table
          caption="Batches, newest first"
          of={rows}
          columns={columns}
          keyOf={({ id }) => id}
          empty={
            <Empty title="No codes made yet">
              <p>Say above how many there should be. You can make more at any time.</p>
            </Empty>
          }
        />
      </section>
    </>
  );
}

function MakeCodes({ campaign, onMade }: { campaign: Of["campaign"]; onMade: () => void }) {
  const [wanted, setWanted] = useState(String(FIRST_COUNT));
  const { isBusy, error, run } = useAct();
  const number = Number(wanted);
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const batch = await codedrop.batches.create(campaign.id, { count: number });
      say(
        batch.status === "running"
          ? `${counted(number, "code is", "codes are")} being made.`
          : `${counted(batch.created, "code is", "codes are")} made.`,
      );
      onMade();
    });
  };
  const wrong = fieldError(error, "/count");
  return (
    <section class="card stack" aria-labelledby="make">
      <h2 id="make">Make codes</h2>
      <form class="stack" onSubmit={submit}>
        <Field
          label="How many"
          hint={`Up to ${count(BATCH_COUNT_MAX)}. More than ${count(BATCH_AT_ONCE_MAX)} are made while you go on, and can be claimed as they come.`}
          error={wrong}
        >
          {(control) => (
            <input
              {...control}
              class="short"
              type="number"
              inputMode="numeric"
              min={1}
              max={BATCH_COUNT_MAX}
              step={1}
              required
              value={wanted}
              onInput={(event) => setWanted(event.currentTarget.value)}
            />
          )}
        </Field>
        <CodePreview
          format={campaign.code_format}
          acceptGuessable={campaign.accept_guessable}
          wanted={number}
        />
        {error !== null && wrong === null && <Failure error={error} />}
        <div class="bar">
          <button class="button primary" aria-disabled={isBusy}>
            {isBusy ? "Making codes" : "Make codes"}
          </button>
        </div>
      </form>
    </section>
  );
}

/** Follows a batch until it is done. The batch goes on without anybody watching. */
function Running({ batch: first, onEnd }: { batch: Batch; onEnd: () => void }) {
  const [batch, setBatch] = useState(first);
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const follow = async () => {
      for await (const now of codedrop.batches.watch(first.id, { signal })) {
        setBatch(now);
        if (now.status === "running") continue;
        say(endWords(now));
        onEnd();
      }
    };
    // What cannot be asked for now is there when the page is loaded again.
    follow().catch(() => undefined);
    return () => leaving.abort();
  }, [first.id]);
  const { created, requested } = batch;
  return (
    <span class="running">
      <progress
        max={requested}
        value={created}
        aria-label={`${count(created)} of ${count(requested)} codes made`}
      />
      <span>
        {count(created)} of {count(requested)} ({percent(created, requested)})
      </span>
      <ActButton
        act={async () => {
          setBatch(await codedrop.batches.cancel(first.id));
        }}
      >
        Cancel
      </ActButton>
    </span>
  );
}

function endWords({ status, created }: Batch): string {
  if (status === "complete") return `${counted(created, "code is", "codes are")} made.`;
  if (status === "cancelled")
    return `Cancelled. ${counted(created, "code that was made stays", "codes that were made stay")}.`;
  return `The batch has failed after ${counted(created, "code")}.`;
}
