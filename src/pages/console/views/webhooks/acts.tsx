/** What is asked before an endpoint is disabled, gets another secret, or is deleted. */

import { useState } from "preact/hooks";
import type { WebhookEndpoint } from "../../../../client/client.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { Overlap, OVERLAP_USUAL } from "../../parts/overlap.tsx";
import { say } from "../../parts/says.tsx";
import { go } from "../../router.ts";
import { codedrop } from "../../session.ts";

export type Question = "disable" | "rotate" | "delete";

interface Props {
  endpoint: WebhookEndpoint;
  again: () => void;
  onSecret: (secret: string) => void;
  onClose: () => void;
}

export function EndpointDialog({ question, ...props }: Props & { question: Question }) {
  switch (question) {
    case "disable":
      return <Disable {...props} />;
    case "rotate":
      return <Rotate {...props} />;
    case "delete":
      return <Delete {...props} />;
  }
}

function Disable({ endpoint, again, onClose }: Props) {
  const act = async () => {
    await codedrop.webhookEndpoints.update(endpoint.id, { status: "disabled" });
    again();
    say("The endpoint is disabled.");
  };
  return (
    <Confirm title="Disable this endpoint?" verb="Disable the endpoint" act={act} onClose={onClose}>
      <p>
        Nothing is sent to <span class="address">{endpoint.url}</span> until you enable it again.
        Events wait for up to 30 days, as long as the log is kept, and are sent then.
      </p>
    </Confirm>
  );
}

function Rotate({ endpoint, again, onSecret, onClose }: Props) {
  const [seconds, setSeconds] = useState(OVERLAP_USUAL);
  const act = async () => {
    const rotation = { overlap_seconds: seconds };
    onSecret((await codedrop.webhookEndpoints.rotateSecret(endpoint.id, rotation)).secret);
    again();
    say("The endpoint has a new secret.");
  };
  return (
    <Confirm
      title="Make a new secret?"
      verb="Make a new secret"
      kind="primary"
      act={act}
      onClose={onClose}
    >
      <p>
        Calls are signed with the new secret from now on. While both sign, a server that knows
        either takes them: put the new one in place before the old one ends.
      </p>
      <Overlap
        label="The old secret signs, too, for"
        hint="A secret that has leaked should end at once."
        seconds={seconds}
        onChange={setSeconds}
      />
    </Confirm>
  );
}

function Delete({ endpoint, onClose }: Props) {
  const act = async () => {
    await codedrop.webhookEndpoints.delete(endpoint.id);
    say("The endpoint is deleted.");
    go("webhooks");
  };
  return (
    <Confirm title="Delete this endpoint?" verb="Delete the endpoint" act={act} onClose={onClose}>
      <p>
        Nothing is sent to <span class="address">{endpoint.url}</span> any more, and the list of its
        deliveries is gone. That cannot be undone; to stop it for a while, disable it.
      </p>
    </Confirm>
  );
}
