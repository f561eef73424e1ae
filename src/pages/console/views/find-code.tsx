/** One code, as somebody read it out or typed it: what it is, and what became of it. */

import { useState } from "preact/hooks";
import { CodedropError, type CodeHistory, type Validation } from "../../../client/client.ts";
import { setLookedUp, takeLookedUp } from "../looked-up.ts";
import { CampaignName } from "../names.tsx";
import { Facts } from "../parts/facts.tsx";
import { Empty, Show, useLoad } from "../parts/load.tsx";
import { LookUp } from "../parts/look-up.tsx";
import { Badge, Copy, Time } from "../parts/words.tsx";
import type { Route } from "../router.ts";
import { codedrop } from "../session.ts";
import type { View } from "../shell.tsx";
import { History } from "./code-history.tsx";
import { UserLink } from "./links.tsx";
import { RevokeCode } from "./revoke-code.tsx";

export function codePages(rest: Route): View | undefined {
  return rest.length === 0 ? { title: "Find a code", body: <FindCode /> } : undefined;
}

function FindCode() {
  return (
    <LookUp
      label="Code"
      hint="As you have it: capitals, blanks and dashes do not matter, nor does O for 0 or I for 1."
      button="Find"
      capitals
      maxLength={200}
      start={takeLookedUp}
    >
      {(code) => <Looked code={code} />}
    </LookUp>
  );
}

interface Found {
  code: CodeHistory;
  /** Null where the key may not ask. */
  atCheckout: Validation | null;
}

async function find(code: string, signal: AbortSignal): Promise<Found | null> {
  try {
    const found = await codedrop.codes.lookup(code, { signal });
    const question = { code: found.code };
    const atCheckout = await codedrop.codes.validate(question, { signal }).catch(() => null);
    // So that whoever comes back to this page finds it again.
    setLookedUp(found.code);
    return { code: found, atCheckout };
  } catch (error) {
    if (error instanceof CodedropError && error.slug === "code-unknown") return null;
    throw error;
  }
}

function Looked({ code }: { code: string }) {
  const found = useLoad((signal) => find(code, signal), [code]);
  return (
    <Show of={found}>
      {(value) =>
        value === null ? (
          <section class="card" role="status">
            <Empty title="No such code">
              <p class="quiet">
                No campaign that this key sees has the code <bdi class="typed">{code}</bdi>. Look
                for a letter too many or too few.
              </p>
            </Empty>
          </section>
        ) : (
          <CodePage {...value} again={found.again} />
        )
      }
    </Show>
  );
}

function CodePage({ code, atCheckout, again }: Found & { again: () => void }) {
  const [isRevoking, setRevoking] = useState(false);
  const isRevocable = !["revoked", "redeemed"].includes(code.status);
  return (
    <>
      <section class="card stack" aria-labelledby="code">
        <div class="bar">
          <h2 id="code" class="big">
            <Copy text={code.code} name="Code" />
          </h2>
          <Badge of={code.status} />
          {atCheckout?.reason === "held" && <span class="badge accent">held at a checkout</span>}
        </div>
        <CodeFacts code={code} atCheckout={atCheckout} />
        {isRevocable && (
          <div class="bar">
            <button type="button" class="button danger" onClick={() => setRevoking(true)}>
              Revoke…
            </button>
          </div>
        )}
      </section>
      <section class="card stack">
        <h2>History</h2>
        <History of={code} />
      </section>
      {isRevoking && <RevokeCode code={code} onDone={again} onClose={() => setRevoking(false)} />}
    </>
  );
}

function CodeFacts({ code, atCheckout }: Found) {
  const isImported = code.batch_id.startsWith("imp_");
  return (
    <Facts
      of={[
        ["Campaign", <CampaignName id={code.campaign_id} />],
        [isImported ? "Import" : "Batch", <code>{code.batch_id}</code>],
        ["Holder", code.user_id === null ? holderWords(code) : <UserLink id={code.user_id} />],
        ["Claim", code.claim_id && <code>{code.claim_id}</code>],
        ["Expires", code.expires_at && <Time at={code.expires_at} />],
        ["Order", code.order_id && <bdi>{code.order_id}</bdi>],
        ["At the checkout", atCheckout && checkoutWords(atCheckout)],
        ["Revoked because", code.revoked_reason && <bdi>{code.revoked_reason}</bdi>],
      ]}
    />
  );
}

function holderWords({ claim_id: claim, claimed_at: claimed, status }: CodeHistory): string {
  if (claim !== null) return "A user who was erased";
  return claimed === null && status === "available" ? "Nobody yet" : "Nobody";
}

const REASONS: Record<string, string> = {
  "not-claimed": "no user holds it",
  redeemed: "it has been spent",
  revoked: "it was revoked",
  expired: "its time is over",
  held: "an order holds it at the moment",
  "not-yours": "only its holder may spend it",
  "order-required": "it depends on the order",
};

function checkoutWords({ valid, reason }: Validation): string {
  if (valid) return "Accepted";
  return `Refused: ${REASONS[reason ?? ""] ?? reason ?? ""}`;
}
