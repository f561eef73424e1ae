/** Everything of a campaign, as files that the browser takes straight from the service. */

import { useState } from "preact/hooks";
import type { CodeStatus } from "../../../../client/client.ts";
import { Field } from "../../parts/field.tsx";
import type { Of } from "./campaign.tsx";

const STATUSES: readonly CodeStatus[] = ["available", "claimed", "redeemed", "expired", "revoked"];

const FORMATS = [
  ["csv", "CSV"],
  ["ndjson", "NDJSON"],
] as const;

const OTHERS = [
  ["claims", "Claims", "Who was given which code, with the contact data of those who consented."],
  ["redemptions", "Redemptions", "Which code was spent on which order, and what came off."],
] as const;

/** The session's cookie goes along: the link is of this very site. */
function hrefOf(campaign: string, what: string, query: Record<string, string>): string {
  const search = new URLSearchParams(query).toString();
  return `/v1/campaigns/${encodeURIComponent(campaign)}/${what}/export?${search}`;
}

export function Exports({ campaign }: Of) {
  const [status, setStatus] = useState("");
  const filter: Record<string, string> = status === "" ? {} : { status };
  return (
    <>
      <section class="card stack" aria-labelledby="export-codes">
        <h2 id="export-codes">Codes</h2>
        <p class="quiet">Every code once, also while claims go on. CSV is safe in a spreadsheet.</p>
        <Field label="Which codes">
          {(control) => (
            <select
              {...control}
              class="short"
              value={status}
              onChange={(event) => setStatus(event.currentTarget.value)}
            >
              <option value="">All</option>
              {STATUSES.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Downloads campaign={campaign} what="codes" name="Codes" filter={filter} />
      </section>
      {OTHERS.map(([what, name, words]) => (
        <section key={what} class="card stack" aria-labelledby={`export-${what}`}>
          <h2 id={`export-${what}`}>{name}</h2>
          <p class="quiet">{words}</p>
          <Downloads campaign={campaign} what={what} name={name} filter={{}} />
        </section>
      ))}
    </>
  );
}

interface DownloadsProps {
  campaign: Of["campaign"];
  what: string;
  name: string;
  filter: Record<string, string>;
}

function Downloads({ campaign, what, name, filter }: DownloadsProps) {
  return (
    <p class="bar">
      {FORMATS.map(([format, word]) => (
        <a
          key={format}
          class="button"
          href={hrefOf(campaign.id, what, { ...filter, format })}
          download={`${what}-${campaign.slug}.${format}`}
        >
          Download {word}
          <span class="visually-hidden"> of {name.toLowerCase()}</span>
        </a>
      ))}
    </p>
  );
}
