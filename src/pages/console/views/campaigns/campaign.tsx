/** One campaign: its heading, what can be done with it, and the page that was chosen. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Campaign } from "../../../../client/client.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Show, useLoad } from "../../parts/load.tsx";
import { ActButton } from "../../parts/act.tsx";
import { useTitle } from "../../parts/title.ts";
import { discountWords } from "../../parts/words.tsx";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import { Batches } from "./batches.tsx";
import { Claims, Codes } from "./codes.tsx";
import { Exports } from "./exports.tsx";
import { EditCampaign } from "./form/edit.tsx";
import { ImportReport } from "./import-report.tsx";
import { Imports } from "./imports.tsx";
import { Overview } from "./overview.tsx";
import { StateBadge, StateWords, WindowWords } from "./state.tsx";

/** What every page of a campaign is given. */
export interface Of {
  campaign: Campaign;
  /** The campaign as an act has left it. */
  onChange: (campaign: Campaign) => void;
  /** The rest of the address. */
  more: readonly string[];
}

/** By the part of the address behind the campaign. */
export const TABS: Record<string, { name: string; page: (of: Of) => ComponentChildren }> = {
  "": { name: "Overview", page: (of) => <Overview {...of} /> },
  codes: { name: "Codes", page: (of) => <Codes {...of} /> },
  claims: { name: "Claims", page: (of) => <Claims {...of} /> },
  batches: { name: "Make codes", page: (of) => <Batches {...of} /> },
  imports: {
    name: "Import",
    page: (of) =>
      of.more[0] === undefined ? <Imports {...of} /> : <ImportReport id={of.more[0]} {...of} />,
  },
  exports: { name: "Export", page: (of) => <Exports {...of} /> },
  edit: { name: "Edit", page: (of) => <EditCampaign {...of} /> },
};

interface Props {
  /** An id, or a slug that somebody typed. */
  name: string;
  tab: string;
  more: readonly string[];
}

export function CampaignPage({ name, tab, more }: Props) {
  const loaded = useLoad((signal) => codedrop.campaigns.get(name, { signal }), [name]);
  const [changed, setChanged] = useState<Campaign | null>(null);
  const campaign = changed ?? (loaded.state === "there" ? loaded.value : null);
  useTitle(campaign?.name ?? null);
  // What an act has left is newer than what was loaded before it, not than what is loaded next.
  useEffect(() => setChanged(null), [loaded.state === "there" ? loaded.value : null]);
  return (
    <Show of={loaded}>
      {(value) => {
        const of = { campaign: changed ?? value, onChange: setChanged, more };
        return (
          <>
            <Heading {...of} />
            <nav class="tabs" aria-label="This campaign">
              {Object.entries(TABS).map(([part, { name: title }]) => (
                <a
                  key={part}
                  href={part === "" ? to("campaigns", name) : to("campaigns", name, part)}
                  aria-current={part === tab ? "page" : undefined}
                >
                  {title}
                </a>
              ))}
            </nav>
            {TABS[tab]?.page(of)}
          </>
        );
      }}
    </Show>
  );
}

function Heading({ campaign, onChange }: Of) {
  return (
    <header class="campaign-head">
      <p class="facts">
        <StateBadge of={campaign} />
        {campaign.mode === "test" && <span class="badge warn">test</span>}
        <span>
          <StateWords of={campaign} />
        </span>
        <span>{discountWords(campaign.discount)}</span>
        <span class="quiet">
          <WindowWords of={campaign} />
        </span>
        <code class="quiet">{campaign.slug}</code>
        {isWebAddress(campaign.shop_url) && (
          <a href={campaign.shop_url} target="_blank" rel="noopener noreferrer">
            Shop
          </a>
        )}
      </p>
      {campaign.status !== "ended" && <Acts campaign={campaign} onChange={onChange} />}
    </header>
  );
}

function isWebAddress(url: string | null): url is string {
  return url !== null && /^https?:$/.test(URL.parse(url)?.protocol ?? "");
}

function Acts({ campaign, onChange }: Pick<Of, "campaign" | "onChange">) {
  const [isEnding, setEnding] = useState(false);
  const { id, status } = campaign;
  return (
    <div class="bar">
      {status === "paused" ? (
        <ActButton
          kind="primary"
          done="Resumed: users get codes again."
          act={async () => onChange(await codedrop.campaigns.resume(id))}
        >
          Resume
        </ActButton>
      ) : (
        <ActButton
          done="Paused: no user gets a code until you resume."
          act={async () => onChange(await codedrop.campaigns.pause(id))}
        >
          Pause
        </ActButton>
      )}
      <button type="button" class="button danger" onClick={() => setEnding(true)}>
        End
      </button>
      {isEnding && (
        <Dialog title="End this campaign for good?" onClose={() => setEnding(false)}>
          <div class="stack">
            <p>
              No user gets a code of <bdi class="name">{campaign.name}</bdi> any more, and it cannot
              be resumed. Codes that users hold stay good for as long as they were.
            </p>
            <div class="bar acts">
              <button type="button" class="button" onClick={() => setEnding(false)}>
                Keep it
              </button>
              <ActButton
                kind="danger"
                done="Ended for good."
                act={async () => {
                  onChange(await codedrop.campaigns.end(id));
                  setEnding(false);
                }}
              >
                End for good
              </ActButton>
            </div>
          </div>
        </Dialog>
      )}
    </div>
  );
}
