/** What became of the rows of one file. */

import { useEffect, useState } from "preact/hooks";
import type { Import, ImportError } from "../../../../client/client.ts";
import { csvLine } from "../../../../domain/csv.ts";
import { useAct } from "../../parts/act.tsx";
import { Empty, Failure, Show, useLoad } from "../../parts/load.tsx";
import { Table, useRows, type Column } from "../../parts/rows.tsx";
import { say } from "../../parts/says.tsx";
import { counted } from "../../parts/numbers.ts";
import { Badge, count, Time } from "../../parts/words.tsx";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import type { Of } from "./campaign.tsx";

const LOOK_MS = 1_000;

export function ImportReport({ id, campaign }: Of & { id: string }) {
  const loaded = useLoad((signal) => codedrop.imports.get(id, { signal }), [id]);
  const isRunning = loaded.state === "there" && loaded.value.status === "running";
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(loaded.again, LOOK_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  return (
    <>
      <p>
        <a href={to("campaigns", campaign.id, "imports")}>All imports</a>
      </p>
      <Show of={loaded}>
        {(found) => (
          <>
            <Counts of={found} />
            {found.status !== "running" && found.duplicates + found.rejected > 0 && (
              <Errors of={found} />
            )}
          </>
        )}
      </Show>
    </>
  );
}

function Counts({ of }: { of: Import }) {
  const { status, dry_run: isDry, rows, accepted, duplicates, rejected } = of;
  const parts = [
    ["Rows", rows],
    [isDry ? "Would be accepted" : "Accepted", accepted],
    ["Duplicates", duplicates],
    ["Rejected", rejected],
  ] as const;
  return (
    <section class="card stack" aria-labelledby="report">
      <header class="bar">
        <h2 id="report">
          Import of <Time at={of.created_at} />
        </h2>
        <Badge of={status} />
        {isDry && <span class="badge">dry run</span>}
      </header>
      <dl class="counts">
        {parts.map(([name, many]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{count(many)}</dd>
          </div>
        ))}
      </dl>
      <p>{verdict(of)}</p>
    </section>
  );
}

function verdict({ status, dry_run: isDry, duplicates, rejected }: Import): string {
  if (status === "running") return "The file is still coming in.";
  if (status === "failed") {
    return "The file broke off. What came before is taken: send it again, nothing is taken twice.";
  }
  const taken = isDry ? "This was a dry run: no code was taken." : "The codes can be claimed now.";
  if (duplicates + rejected === 0) return `${taken} Every row is good.`;
  return `${taken} Rows that are not listed below ${isDry ? "are good" : "are in"}.`;
}

const COLUMNS: Column<ImportError>[] = [
  { name: "Line", cell: ({ line }) => count(line), isNumber: true },
  { name: "Code", cell: ({ code }) => <bdi class="code">{code === "" ? "–" : code}</bdi> },
  { name: "Reason", cell: ({ reason }) => <span class="badge">{reason}</span> },
  { name: "What to do", cell: ({ detail }) => detail },
];

function Errors({ of }: { of: Import }) {
  const rows = useRows(
    (paging, signal) => codedrop.imports.errors(of.id, paging, { signal }).page(),
    [of.id],
  );
  return (
    <section class="card stack" aria-labelledby="errors">
      <header class="bar spread">
        <h2 id="errors">Rows not taken</h2>
        <DownloadErrors of={of} />
      </header>
      <Table
        caption="Rows that were not taken, in the order of the file"
        of={rows}
        columns={COLUMNS}
        keyOf={({ line, code, reason }) => `${line}.${code}.${reason}`}
        empty={<Empty title="No rows to show" />}
      />
    </section>
  );
}

/** All of them as a file that a spreadsheet opens. */
function DownloadErrors({ of }: { of: Import }) {
  const { isBusy, error, run } = useAct();
  const [got, setGot] = useState(0);
  const total = of.duplicates + of.rejected;
  const download = () =>
    run(async () => {
      const lines = [csvLine(["line", "code", "reason", "detail"])];
      for await (const row of codedrop.imports.errors(of.id)) {
        lines.push(csvLine([row.line, row.code, row.reason, row.detail]));
        if (lines.length % 100 === 0) setGot(lines.length);
      }
      save(new Blob(lines, { type: "text/csv;charset=utf-8" }), `errors-${of.id}.csv`);
      say(`${counted(lines.length - 1, "row")} downloaded.`);
    });
  return (
    <>
      <button type="button" class="button" aria-disabled={isBusy} onClick={() => void download()}>
        {isBusy ? `Reading ${count(got)} of ${count(total)}` : "Download all as CSV"}
      </button>
      {error !== null && <Failure error={error} />}
    </>
  );
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
