/** Takes a brand's own codes from a file. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Import, ImportSummary, ImportType } from "../../../../client/client.ts";
import { useAct } from "../../parts/act.tsx";
import { Empty, Failure } from "../../parts/load.tsx";
import { Table, useRows, type Column } from "../../parts/rows.tsx";
import { say } from "../../parts/says.tsx";
import { counted } from "../../parts/numbers.ts";
import { Badge, count, Time } from "../../parts/words.tsx";
import { go, to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import type { Of } from "./campaign.tsx";
import { pause } from "./live.ts";

const TYPES: Record<string, ImportType> = {
  csv: "text/csv",
  txt: "text/csv",
  ndjson: "application/x-ndjson",
  jsonl: "application/x-ndjson",
  json: "application/json",
};

/** The service takes no more. */
const BYTES_MAX = 100_000_000;
const LOOK_MS = 700;

export function Imports({ campaign }: Of) {
  const rows = useRows(
    (paging, signal) => codedrop.imports.list(campaign.id, paging, { signal }).page(),
    [campaign.id],
  );
  const columns: Column<ImportSummary>[] = [
    {
      name: "When",
      cell: ({ id, created_at }) => (
        <a href={to("campaigns", campaign.id, "imports", id)}>
          <Time at={created_at} />
        </a>
      ),
    },
    {
      name: "State",
      cell: ({ status, dry_run }) => (
        <span class="state">
          <Badge of={status} />
          {dry_run && <span class="badge">dry run</span>}
        </span>
      ),
    },
    { name: "Rows", cell: (one) => count(one.rows), isNumber: true },
    { name: "Accepted", cell: ({ accepted }) => count(accepted), isNumber: true },
    { name: "Duplicates", cell: ({ duplicates }) => count(duplicates), isNumber: true },
    { name: "Rejected", cell: ({ rejected }) => count(rejected), isNumber: true },
  ];
  return (
    <>
      {campaign.status === "ended" ? (
        <p class="notice">This campaign has ended, so it takes no more codes.</p>
      ) : (
        <TakeFile campaign={campaign.id} />
      )}
      <section class="card stack" aria-labelledby="imports">
        <h2 id="imports">Earlier imports</h2>
        <Table
          caption="Imports, newest first"
          of={rows}
          columns={columns}
          keyOf={({ id }) => id}
          empty={
            <Empty title="Nothing imported yet">
              <p>Codes keep their spelling. The same file again changes nothing.</p>
            </Empty>
          }
        />
      </section>
    </>
  );
}

function TakeFile({ campaign }: { campaign: string }) {
  const [isDry, setDry] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const { isBusy, error, run } = useAct();
  const leaving = useRef(new AbortController());
  useEffect(() => () => leaving.current.abort(), []);
  const take = (chosen: File | undefined) => {
    if (chosen === undefined || isBusy) return;
    const type = typeOf(chosen);
    setFile(null);
    setWrong(null);
    if (type === null) return setWrong("Take a file that ends in .csv, .txt, .ndjson or .json.");
    if (chosen.size > BYTES_MAX)
      return setWrong("The file has more than 100 MB. Take it in parts.");
    setFile(chosen);
    void run(async () => {
      const dryRun = isDry;
      const made = await codedrop.imports.create(campaign, chosen, { type, dryRun });
      say(endWords(made));
      if (!leaving.current.signal.aborted) go("campaigns", campaign, "imports", made.id);
    });
  };
  return (
    <section class="card stack" aria-labelledby="take">
      <h2 id="take">Import your own codes</h2>
      <p class="hint">
        CSV with a column <code>code</code> or one column only, NDJSON with{" "}
        <code>{'{"code": …}'}</code> on each line, or JSON <code>{'{"codes": […]}'}</code>. Up to
        1,000,000 rows and 100 MB.
      </p>
      <div class="check">
        <label>
          <input
            type="checkbox"
            checked={isDry}
            disabled={isBusy}
            aria-describedby="dry-hint"
            onChange={(event) => setDry(event.currentTarget.checked)}
          />
          Dry run
        </label>
        <p id="dry-hint" class="hint">
          Judges every row and takes none.
        </p>
      </div>
      {isBusy && file !== null ? (
        <Progress campaign={campaign} file={file} />
      ) : (
        <DropZone onFile={take} />
      )}
      {wrong !== null && (
        <p class="error" role="alert">
          {wrong}
        </p>
      )}
      {error !== null && <Failure error={error} />}
    </section>
  );
}

function typeOf({ name }: File): ImportType | null {
  const ending = name.toLowerCase().split(".").at(-1) ?? "";
  return Object.hasOwn(TYPES, ending) ? (TYPES[ending] ?? null) : null;
}

function endWords({ accepted, duplicates, rejected, dry_run: isDry }: Import): string {
  const verb = isDry ? "would be accepted" : "accepted";
  return `${counted(accepted, "code")} ${verb}, ${counted(duplicates, "duplicate")}, ${count(rejected)} rejected.`;
}

function DropZone({ onFile }: { onFile: (file: File | undefined) => void }) {
  const [isOver, setOver] = useState(false);
  const onDrag = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onFile(event.dataTransfer?.files[0]);
  };
  return (
    <div
      class={`drop-zone ${isOver ? "over" : ""}`}
      onDragEnter={onDrag}
      onDragOver={onDrag}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <p>Drop a file here, or</p>
      <label class="button file">
        Choose a file
        <input
          type="file"
          accept=".csv,.txt,.ndjson,.jsonl,.json"
          onChange={(event) => onFile(event.currentTarget.files?.[0])}
        />
      </label>
    </div>
  );
}

/** How far it is: rows that the service has read, of the lines that the file has. */
function Progress({ campaign, file }: { campaign: string; file: File }) {
  const [lines, setLines] = useState<number | null>(null);
  const [rows, setRows] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    linesOf(file, signal).then(setLines, () => undefined);
    void follow(campaign, signal, setRows);
    return () => leaving.abort();
  }, [file]);
  return (
    <div class="stack" role="status">
      <p>
        <bdi>{file.name}</bdi> is being read: {counted(rows, "row")} so far.
      </p>
      <progress
        aria-label="Rows read"
        {...(lines === null ? {} : { max: lines, value: Math.min(rows, lines) })}
      />
      <p class="hint">
        Leave this page if you like: the file is sent as long as the window is open.
      </p>
    </div>
  );
}

async function linesOf(file: File, signal: AbortSignal): Promise<number> {
  const reader = file.stream().getReader();
  let lines = 1;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return lines;
    for (let at = value.indexOf(10); at >= 0; at = value.indexOf(10, at + 1)) lines += 1;
  }
}

/** The answer comes after the last row; until then the list tells how many were read. */
async function follow(
  campaign: string,
  signal: AbortSignal,
  tell: (rows: number) => void,
): Promise<void> {
  while (!signal.aborted) {
    await pause(LOOK_MS, signal);
    try {
      const { data } = await codedrop.imports.list(campaign, { limit: 1 }, { signal }).page();
      const [newest] = data;
      if (newest?.status === "running" && !signal.aborted) tell(newest.rows);
    } catch {
      // Progress only: the import itself tells what is wrong with it.
    }
  }
}
