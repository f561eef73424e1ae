import { useMemo, useRef } from "preact/hooks";
import { say } from "../../../parts/says.tsx";
import { go } from "../../../router.ts";
import { codedrop } from "../../../session.ts";
import { emptyDraft, newCampaignOf, type Draft } from "./draft.ts";
import { CampaignForm } from "./form.tsx";

export function NewCampaign({ mode }: { mode: Draft["mode"] }) {
  const initial = useMemo(() => emptyDraft(mode), [mode]);
  const made = useRef("");
  return (
    <CampaignForm
      initial={initial}
      isNew
      back={["campaigns"]}
      save={async (draft) => {
        made.current = (await codedrop.campaigns.create(newCampaignOf(draft))).id;
      }}
      onSaved={() => {
        say("The campaign is made. Now it needs codes.");
        go("campaigns", made.current);
      }}
    />
  );
}
