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

export const wrongEngines: Mutant[] = [
  {
    name: "an await between check and write, without the constraints",
    edits: [...AWAIT_BETWEEN_CHECK_AND_WRITE, NO_UNIQUE_USER, NO_UNIQUE_SLOT],
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
        to: '    migrate(ctx.storage);\n    ctx.storage.sql.exec("DELETE FROM claims");\n',
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
];
