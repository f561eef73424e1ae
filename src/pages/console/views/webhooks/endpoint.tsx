/** One webhook endpoint: what it is told, what may be done with it, and what was sent to it. */

import { useState } from "preact/hooks";
import type { WebhookEndpoint } from "../../../../client/client.ts";
import { CampaignName } from "../../names.tsx";
import { useAct } from "../../parts/act.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Failure, Show, useLoad } from "../../parts/load.tsx";
import { say } from "../../parts/says.tsx";
import { Time } from "../../parts/words.tsx";
import { to } from "../../router.ts";
import { codedrop } from "../../session.ts";
import { EndpointDialog, type Question } from "./acts.tsx";
import { Deliveries } from "./deliveries.tsx";
import { NewSecret } from "./forms.tsx";
import { attemptWords, duration, EndpointState } from "./words.tsx";

export function EndpointPage({ id }: { id: string }) {
  const found = useLoad((signal) => codedrop.webhookEndpoints.get(id, { signal }), [id]);
  const [secret, setSecret] = useState<string | null>(null);
  /** Grows with each test, so that the list below shows it. */
  const [turn, setTurn] = useState(0);
  if (secret !== null) {
    return (
      <NewSecret
        title="This is the endpoint’s new secret"
        secret={secret}
        onDone={() => setSecret(null)}
      />
    );
  }
  return (
    <Show of={found}>
      {(endpoint) => (
        <>
          <EndpointCard
            endpoint={endpoint}
            again={found.again}
            onSecret={setSecret}
            onSent={() => setTurn(turn + 1)}
          />
          <Deliveries endpoint={endpoint} turn={turn} />
        </>
      )}
    </Show>
  );
}

function EndpointCard(props: {
  endpoint: WebhookEndpoint;
  again: () => void;
  onSecret: (secret: string) => void;
  onSent: () => void;
}) {
  const { endpoint, again } = props;
  const [asking, setAsking] = useState<Question | null>(null);
  const { isBusy, error, run } = useAct();
  const test = async () => {
    const { status, attempts } = await codedrop.deliveries.test(endpoint.id);
    const [attempt] = attempts;
    const how =
      attempt === undefined
        ? "It is on its way."
        : `${attemptWords(attempt)} after ${duration(attempt.duration_ms)}.`;
    say(`${status === "failed" ? "The test was not taken." : "The test was sent."} ${how}`);
    props.onSent();
  };
  const enable = async () => {
    await codedrop.webhookEndpoints.update(endpoint.id, { status: "enabled" });
    again();
    say("The endpoint is enabled: it goes on where it stopped.");
  };
  return (
    <section class="card stack" aria-labelledby="endpoint">
      <h2 id="endpoint" class="address">
        {endpoint.url}
      </h2>
      <EndpointFacts of={endpoint} />
      <div class="bar">
        <button
          type="button"
          class="button primary"
          aria-disabled={isBusy}
          onClick={() => void run(test)}
        >
          Send a test
        </button>
        <a class="button" href={to("webhooks", endpoint.id, "edit")}>
          Edit
        </a>
        {endpoint.status === "enabled" ? (
          <button type="button" class="button" onClick={() => setAsking("disable")}>
            Disable…
          </button>
        ) : (
          <button
            type="button"
            class="button"
            aria-disabled={isBusy}
            onClick={() => void run(enable)}
          >
            Enable
          </button>
        )}
        <button type="button" class="button" onClick={() => setAsking("rotate")}>
          New secret…
        </button>
        <button type="button" class="button danger" onClick={() => setAsking("delete")}>
          Delete…
        </button>
      </div>
      {error !== null && <Failure error={error} />}
      {asking !== null && (
        <EndpointDialog {...props} question={asking} onClose={() => setAsking(null)} />
      )}
    </section>
  );
}

function EndpointFacts({ of: endpoint }: { of: WebhookEndpoint }) {
  const { events, campaign_ids: campaigns } = endpoint;
  return (
    <Facts
      of={[
        ["State", <EndpointState of={endpoint} />],
        ["Disabled since", endpoint.disabled_at && <Time at={endpoint.disabled_at} />],
        ["Description", endpoint.description && <bdi>{endpoint.description}</bdi>],
        ["Events", events[0] === "*" ? "All, those to come included" : events.join(", ")],
        [
          "Campaigns",
          campaigns === null ? (
            "All"
          ) : (
            <ul class="plain">
              {campaigns.map((id) => (
                <li key={id}>
                  <CampaignName id={id} />
                </li>
              ))}
            </ul>
          ),
        ],
        ["Mode", endpoint.mode],
        [
          "Old secret signs until",
          endpoint.previous_secret_expires_at && <Time at={endpoint.previous_secret_expires_at} />,
        ],
        ["Made", <Time at={endpoint.created_at} />],
        ["Endpoint", <code>{endpoint.id}</code>],
      ]}
    />
  );
}
