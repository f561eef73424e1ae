/**
 * Engines that are wrong on purpose. Each must be caught by the checker, and by the seed that does
 * it: a checker that never failed proves nothing.
 */

import {
  AWAIT_BETWEEN_CHECK_AND_WRITE,
  NO_UNIQUE_SLOT,
  NO_UNIQUE_USER,
  mutantNamed,
  type Mutant,
} from "../mutants/mutants.ts";

const CHECKOUT = "src/code-pool/checkout.ts";
const DESK = "src/code-pool/claim-desk.ts";

export const wrongEngines: Mutant[] = [
  {
    name: "an await between check and write, without the constraints",
    edits: [...AWAIT_BETWEEN_CHECK_AND_WRITE, NO_UNIQUE_USER, ...NO_UNIQUE_SLOT],
  },
  {
    name: "a block leased before the lease's id is stored",
    edits: [
      {
        file: "src/code-pool/stock.ts",
        from: `    this.#sql.exec(
      "INSERT INTO pending_lease (only_row, lease_id, size) VALUES (1, ?, ?)",
      lease.leaseId,
      lease.size,
    );
    return lease;`,
        to: "    return lease;",
      },
      {
        file: "src/code-pool/stock.ts",
        from: "if (!this.settlePending(lease.id)) return;",
        to: "this.settlePending(lease.id);",
      },
    ],
  },
  mutantNamed("a lost lease that nobody asks after"),
  mutantNamed("a shard that says it has none while a lease of its own is unsettled"),
  mutantNamed("codes given back a second time when the first answer was lost"),
  mutantNamed("codes given back that stay in the stock"),
  mutantNamed("codes given back that D1 is told of only once"),
  {
    name: "claims_per_user taken for 1",
    edits: [
      {
        file: "src/domain/claim.ts",
        from: "if (held >= campaign.claimsPerUser) return",
        to: "if (held >= 1) return",
      },
    ],
  },
  {
    // Storage that is emptied when the object starts is memory under another name.
    name: "claims kept in memory only",
    edits: [
      {
        file: "src/code-pool/code-pool.ts",
        from: "    migrate(ctx.storage);\n",
        to: '    migrate(ctx.storage);\n    for (const table of ["log", "redemptions", "holds", "outside", "claims"]) ctx.storage.sql.exec(`DELETE FROM ${table}`);\n',
      },
    ],
  },
  mutantNamed("exhausted said without asking the siblings"),
  mutantNamed("exhausted said when D1 did not answer"),
  mutantNamed("a request passed on twice taken for two"),
  mutantNamed("an answer that its key does not remember"),
  mutantNamed("a key that any request may use again"),
  mutantNamed("a key whose requests never meet"),
  {
    name: "claims taken for shown though D1 never said so",
    edits: [
      {
        file: "src/code-pool/outbox.ts",
        from: "      const entered = await answered(showClaims(",
        to: "      this.#settings.projectedUpTo(last.slot, { isNews: true });\n      const entered = await answered(showClaims(",
      },
    ],
  },
  {
    name: "a pause that neither the pools nor the copies at the edge are told of",
    edits: [
      {
        file: "src/http/routes/campaigns.ts",
        from: "  await Promise.all([configurePools(c.env, campaign), forgetCampaign(near(c), seen, campaign)]);",
        to: "  void [configurePools, forgetCampaign, near, c, seen];",
      },
    ],
  },
  {
    name: "a redemption that passes by the hold of another order",
    edits: [
      {
        file: CHECKOUT,
        from: "const hold = holds.openOf(slot, now);",
        to: "const hold = null as Hold | null;",
      },
    ],
  },
  {
    name: "two holds of a code at once",
    edits: [
      {
        file: "src/code-pool/migrations.ts",
        from: "CREATE UNIQUE INDEX holds_open",
        to: "CREATE INDEX holds_open",
      },
      {
        file: CHECKOUT,
        from: "const open = holds.openOf(slot, now);",
        to: "const open = null as Hold | null;",
      },
    ],
  },
  {
    name: "a hold that never lapses",
    edits: [
      {
        file: "src/code-pool/holds.ts",
        from: '"slot = ? AND ended_at IS NULL AND expires_at > ?"',
        to: '"slot = ? AND ended_at IS NULL AND ? > 0"',
      },
    ],
  },
  {
    name: "a hold that outlives its release",
    edits: [{ file: CHECKOUT, from: 'holds.end(number, "released", now);', to: "void now;" }],
  },
  {
    name: "a hold that becomes shorter when it is asked for again",
    edits: [
      {
        file: CHECKOUT,
        from: "if (expiresAt > open.expiresAt) holds.lengthen(open.number, expiresAt);",
        to: "holds.lengthen(open.number, expiresAt);",
      },
    ],
  },
  {
    name: "a rollback that is not written to the log",
    edits: [
      {
        file: CHECKOUT,
        from: 'log.append({ kind: "rolled_back", slot, redemption: number, at: now });',
        to: "log.lastNumber();",
      },
    ],
  },
  {
    name: "a rollback after which the claim is still spent",
    edits: [
      {
        file: "src/code-pool/redemptions.ts",
        from: 'this.#sql.exec("UPDATE claims SET redeemed_at = NULL WHERE slot = ?", slot);',
        to: "void slot;",
      },
    ],
  },
  {
    name: "a redemption that its key does not remember",
    edits: [
      {
        file: CHECKOUT,
        from: 'requests.record(key, { kind: "redemption", ...first }, now);',
        to: "void [requests, first];",
      },
    ],
  },
  {
    name: "rollbacks told after the redemptions that followed them",
    edits: [
      {
        file: "src/code-pool/log.ts",
        from: "return other < 0 ? rows : rows.slice(0, other);",
        to: "void other;\n    return rows.filter(({ kind }) => kind === rows[0]?.kind);",
      },
    ],
  },
  {
    name: "a reserved code that is given away",
    edits: [
      {
        file: DESK,
        from: "if (unspent <= reserved && unspent <= reservations.countOpen(now)) return null;",
        to: "void [unspent, reservations, now];",
      },
    ],
  },
  {
    name: "a reservation that never lapses",
    edits: [
      {
        file: "src/code-pool/reservations.ts",
        from: "noteLapsed(now: number): void {",
        to: "noteLapsed(now: number): void {\n    if (now > 0) return;",
      },
    ],
  },
  {
    name: "a reveal that brings a second code",
    edits: [
      NO_UNIQUE_USER,
      { file: DESK, from: "if (given !== null) return", to: "if (given === undefined) return" },
      { file: DESK, from: "reservations.remove(reserved);", to: "" },
    ],
  },
  mutantNamed("a rollback whose second reason counts"),
  mutantNamed("a redemption's first answer that a rollback changes"),
  mutantNamed("a holder's code that anybody spends"),
  mutantNamed("a code handed out elsewhere that its pool still gives"),
  mutantNamed("a code handed out elsewhere that a later lease brings"),
  mutantNamed("a reserved code that a sibling is given"),
  mutantNamed("a reservation that is revealed after its end"),
  mutantNamed("a reveal while the campaign is paused"),
];
