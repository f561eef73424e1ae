import { useMemo, useRef } from "preact/hooks";
import { say } from "../../../parts/says.tsx";
import { go } from "../../../router.ts";
import { codedrop } from "../../../session.ts";
import type { Of } from "../campaign.tsx";
import { changesOf, draftOf } from "./draft.ts";
import { CampaignForm } from "./form.tsx";

/** Sends only what was changed here, so that what others change meanwhile stays. */
export function EditCampaign({ campaign, onChange }: Of) {
  const { id } = campaign;
  const initial = useMemo(() => draftOf(campaign), [id]);
  const said = useRef("");
  return (
    <CampaignForm
      initial={initial}
      isNew={false}
      back={["campaigns", id]}
      save={async (draft) => {
        const changes = changesOf(initial, draft);
        said.current = "Nothing was changed.";
        if (Object.keys(changes).length === 0) return;
        onChange(await codedrop.campaigns.update(id, changes));
        said.current = "Saved. It counts for every claim from now on.";
      }}
      onSaved={() => {
        say(said.current);
        go("campaigns", id);
      }}
    />
  );
}
