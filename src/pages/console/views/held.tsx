/** What is held about a user in one campaign. */

import type { Claim, Redemption, UserInCampaign } from "../../../client/client.ts";
import { CampaignName } from "../names.tsx";
import { everyRow, Table, type Column } from "../parts/rows.tsx";
import { Badge, money, Time } from "../parts/words.tsx";
import { CodeLink } from "./links.tsx";

function ContactWords({ of: claim }: { of: Claim }) {
  const { contact, consent } = claim;
  if (contact === null) {
    return <span class="quiet">{consent === null ? "None" : "None kept"}</span>;
  }
  const attributes = Object.entries(contact.attributes ?? {});
  const facts = [contact.name, contact.email, ...attributes.map(([name, is]) => `${name}: ${is}`)];
  return (
    <ul class="plain">
      {facts
        .filter((fact) => fact !== undefined)
        .map((fact) => (
          <li key={fact}>
            <bdi>{fact}</bdi>
          </li>
        ))}
    </ul>
  );
}

function ConsentWords({ of: { consent } }: { of: Claim }) {
  if (consent === null) return <span class="quiet">None asked</span>;
  return (
    <>
      {consent.share_contact ? "Shares contact" : "Shares nothing"}, version{" "}
      <bdi>{consent.version}</bdi>
    </>
  );
}

const CLAIMS: Column<Claim>[] = [
  {
    name: "Code",
    cell: ({ code }) =>
      code === null ? <span class="quiet">Not revealed</span> : <CodeLink code={code} />,
  },
  { name: "State", cell: ({ status }) => <Badge of={status} /> },
  { name: "Claimed", cell: ({ claimed_at: at }) => <Time at={at} /> },
  { name: "Expires", cell: ({ expires_at: at }) => <Time at={at} /> },
  { name: "Contact data", cell: (claim) => <ContactWords of={claim} /> },
  { name: "Consent", cell: (claim) => <ConsentWords of={claim} /> },
];

const REDEMPTIONS: Column<Redemption>[] = [
  { name: "Order", cell: ({ order_id: order }) => <bdi>{order}</bdi> },
  { name: "Code", cell: ({ code }) => <CodeLink code={code} /> },
  { name: "State", cell: ({ status }) => <Badge of={status} /> },
  { name: "Redeemed", cell: ({ redeemed_at: at }) => <Time at={at} /> },
  { name: "Order value", cell: ({ order }) => money(order), isNumber: true },
  {
    name: "Taken off",
    cell: ({ discount_amount: amount, order }) =>
      money(amount === null || order === null ? null : { ...order, amount }),
    isNumber: true,
  },
];

export function HeldInCampaign({ held }: { held: UserInCampaign }) {
  return (
    <section class="card stack">
      <h3>
        <CampaignName id={held.campaign_id} />
      </h3>
      <Table
        caption="Claims"
        of={everyRow(held.claims)}
        columns={CLAIMS}
        keyOf={({ id }) => id}
        empty={<p class="quiet">No claims.</p>}
      />
      {held.redemptions.length > 0 && (
        <>
          <h4>Redemptions</h4>
          <Table
            caption="Redemptions"
            of={everyRow(held.redemptions)}
            columns={REDEMPTIONS}
            keyOf={({ id }) => id}
            empty={null}
          />
        </>
      )}
    </section>
  );
}
