/** Making and changing a webhook endpoint. */

import { useState } from "preact/hooks";
import type { WebhookEndpoint, WebhookEndpointWithSecret } from "../../../../client/client.ts";
import { useAct } from "../../parts/act.tsx";
import { OneOf } from "../../parts/choices.tsx";
import { Failure, Show, useLoad } from "../../parts/load.tsx";
import { say } from "../../parts/says.tsx";
import { ShownOnce } from "../../parts/shown-once.tsx";
import { go, to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import { draftOf, EMPTY, EndpointFields, wireOf, type Draft } from "./fields.tsx";

type Mode = WebhookEndpoint["mode"];

export function NewEndpoint({ keyMode }: { keyMode: Mode }) {
  const [draft, setDraft] = useState(EMPTY);
  const [mode, setMode] = useState<Mode>(keyMode);
  const [made, setMade] = useState<WebhookEndpointWithSecret | null>(null);
  const { isBusy, error, run } = useAct();
  if (made !== null) {
    return (
      <NewSecret
        title="The endpoint is made. This is its secret"
        secret={made.secret}
        onDone={() => go("webhooks", made.id)}
      />
    );
  }
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      setMade(await codedrop.webhookEndpoints.create({ ...wireOf(draft), mode }));
      say("The endpoint is made.");
    });
  };
  return (
    <form class="card stack narrow" onSubmit={submit}>
      <EndpointFields draft={draft} error={error} onChange={setDraft} />
      {keyMode === "live" && (
        <OneOf
          legend="Mode"
          choices={[
            { value: "live", name: "Live", hint: "It is told of live campaigns." },
            { value: "test", name: "Test", hint: "It is told of test campaigns." },
          ]}
          chosen={mode}
          onChange={setMode}
        />
      )}
      {error !== null && <Failure error={error} />}
      <div class="bar">
        <button class="button primary" aria-disabled={isBusy}>
          Make the endpoint
        </button>
        <a class="button plain" href={to("webhooks")}>
          Cancel
        </a>
      </div>
    </form>
  );
}

export function NewSecret(props: { title: string; secret: string; onDone: () => void }) {
  return (
    <ShownOnce title={props.title} name="secret" text={props.secret} onDone={props.onDone}>
      <p class="quiet">
        Your server verifies with it that a call is ours. <a href="/docs">The documentation</a>{" "}
        shows how, in a few lines.
      </p>
    </ShownOnce>
  );
}

export function EditEndpoint({ id }: { id: string }) {
  const found = useLoad((signal) => codedrop.webhookEndpoints.get(id, { signal }), [id]);
  return <Show of={found}>{(endpoint) => <EditForm endpoint={endpoint} />}</Show>;
}

function EditForm({ endpoint }: { endpoint: WebhookEndpoint }) {
  const { id } = endpoint;
  const before = draftOf(endpoint);
  const [draft, setDraft] = useState<Draft>(before);
  const { isBusy, error, run } = useAct();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      await codedrop.webhookEndpoints.update(id, wireOf(draft));
      say("The endpoint is changed.");
      go("webhooks", id);
    });
  };
  return (
    <form class="card stack narrow" onSubmit={submit}>
      <EndpointFields draft={draft} error={error} onChange={setDraft} />
      <p class="quiet">Its secret stays, also with another address.</p>
      {error !== null && <Failure error={error} />}
      <div class="bar">
        <button class="button primary" aria-disabled={isBusy}>
          Save
        </button>
        <a class="button plain" href={to("webhooks", id)}>
          Cancel
        </a>
      </div>
    </form>
  );
}
