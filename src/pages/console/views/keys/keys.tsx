/** The list of keys. */

import type { ApiKey } from "../../../../client/client.ts";
import { Empty } from "../../parts/load.tsx";
import { Table, useRows, type Column } from "../../parts/rows.tsx";
import { Time } from "../../parts/words.tsx";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import { Hint, KeyState, scopeWords } from "./words.tsx";

function columnsFor(own: string): Column<ApiKey>[] {
  return [
    {
      name: "Name",
      cell: (key) => (
        <div class="main">
          <a href={to("keys", key.id)}>
            <bdi>{key.name}</bdi>
          </a>
          {key.id === own && <span class="badge accent">you</span>}
          <p class="hint">
            <Hint of={key} />
          </p>
        </div>
      ),
    },
    { name: "Kind", cell: ({ kind, mode }) => `${kind}, ${mode}` },
    { name: "State", cell: (key) => <KeyState of={key} /> },
    {
      name: "May",
      cell: (key) => (
        <>
          {scopeWords(key)}
          {key.allowed_origins.length > 0 && (
            <p class="hint">{originsInShort(key.allowed_origins)}</p>
          )}
        </>
      ),
    },
    {
      name: "Last used",
      cell: ({ last_used_at: at }) =>
        at === null ? <span class="quiet">Never</span> : <Time at={at} />,
    },
    {
      name: "Expires",
      cell: ({ expires_at: at }) =>
        at === null ? <span class="quiet">Never</span> : <Time at={at} />,
    },
  ];
}

function originsInShort([first = "", ...others]: string[]): string {
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

export function Keys({ own }: { own: string }) {
  const rows = useRows((paging, signal) => codedrop.keys.list(paging, { signal }).page(), []);
  return (
    <>
      <div class="bar spread">
        <p class="quiet">
          Secret keys are for your servers, publishable ones for pages of partner sites.
        </p>
        <a class="button primary" href={to("keys", "new")}>
          New key
        </a>
      </div>
      <section class="card">
        <Table
          caption="Keys, newest first"
          of={rows}
          columns={columnsFor(own)}
          keyOf={({ id }) => id}
          empty={<Empty title="No keys" />}
        />
      </section>
    </>
  );
}
