/** Wrong versions of the claim path. Each must make at least one test fail. */

export interface Mutant {
  name: string;
  /** Edits of one file each: the text that is there once, and what takes its place. */
  edits: { file: string; from: string; to: string }[];
}

export const AWAIT_BETWEEN_CHECK_AND_WRITE: Mutant["edits"] = [
  {
    file: "src/code-pool/claim-line.ts",
    from: "const verdict = storage.transactionSync(() => desk.decide(request));",
    to: "void storage;\n    const verdict = await desk.decide(request);",
  },
  {
    file: "src/code-pool/claim-line.ts",
    from: "#decideNow(request: ClaimRequest | RevealRequest): ClaimVerdict {",
    to: "async #decideNow(request: ClaimRequest | RevealRequest): Promise<ClaimVerdict> {",
  },
  {
    file: "src/code-pool/claim-line.ts",
    from: "const outcome = this.#decideNow(request);",
    to: "const outcome = await this.#decideNow(request);",
  },
  {
    file: "src/code-pool/claim-line.ts",
    from: "const last = this.#decideNow(request);",
    to: "const last = await this.#decideNow(request);",
  },
  {
    file: "src/code-pool/claim-desk.ts",
    from: "decide(request: Asked): ClaimVerdict {",
    to: "async decide(request: Asked): Promise<ClaimVerdict> {",
  },
  {
    file: "src/code-pool/claim-desk.ts",
    from: "#claim(request: ClaimRequest, moment: Moment): ClaimVerdict {",
    to: "async #claim(request: ClaimRequest, moment: Moment): Promise<ClaimVerdict> {",
  },
  {
    file: "src/code-pool/claim-desk.ts",
    from: "#grant(request: ClaimRequest, nth: number, moment: Moment): ClaimVerdict {",
    to: "async #grant(request: ClaimRequest, nth: number, moment: Moment): Promise<ClaimVerdict> {",
  },
  {
    file: "src/code-pool/claim-desk.ts",
    from: "    const claim =\n      campaign.reveal",
    to: "    await scheduler.wait(1);\n    const claim =\n      campaign.reveal",
  },
];

export const NO_UNIQUE_USER: Mutant["edits"][number] = {
  file: "src/code-pool/migrations.ts",
  from: "\n    UNIQUE (user_key, nth)",
  to: "\n    CHECK (nth >= 0)",
};

/** No table can refer to what is not unique. */
export const NO_UNIQUE_SLOT: Mutant["edits"] = [
  ["\n    slot INTEGER PRIMARY KEY,", "\n    slot INTEGER NOT NULL,"],
  [
    "REFERENCES claims (slot),\n    order_id TEXT NOT NULL,\n    terms",
    ",\n    order_id TEXT NOT NULL,\n    terms",
  ],
  [
    "REFERENCES claims (slot),\n    order_id TEXT NOT NULL,\n    made_at",
    ",\n    order_id TEXT NOT NULL,\n    made_at",
  ],
  ["REFERENCES claims (slot),\n    redemption", ",\n    redemption"],
  ["slot INTEGER PRIMARY KEY REFERENCES claims (slot) CHECK", "slot INTEGER PRIMARY KEY CHECK"],
].map(([from = "", to = ""]) => ({ file: "src/code-pool/migrations.ts", from, to }));

export const mutants: Mutant[] = [
  { name: "the one-per-user constraint removed", edits: [NO_UNIQUE_USER] },
  { name: "the one-claim-per-code constraint removed", edits: NO_UNIQUE_SLOT },
  { name: "an await between check and write", edits: AWAIT_BETWEEN_CHECK_AND_WRITE },
  {
    name: "an await between check and write, without the constraints",
    edits: [...AWAIT_BETWEEN_CHECK_AND_WRITE, NO_UNIQUE_USER, ...NO_UNIQUE_SLOT],
  },
  {
    name: "no look at what the user holds",
    edits: [
      {
        file: "src/domain/claim.ts",
        from: "if (held >= campaign.claimsPerUser) return",
        to: "if (held > campaign.claimsPerUser) return",
      },
    ],
  },
  {
    name: "a lost lease that nobody asks after",
    edits: [
      {
        file: "src/code-pool/refill.ts",
        from: "const granted = await this.#ask(lost, settleLease(this.#db(), lost));",
        to: "const granted = null as Lease | null; void settleLease;",
      },
    ],
  },
  {
    name: "a lease taken for lost that may still be granted",
    edits: [
      {
        file: "src/inventory/leases.ts",
        from: "INSERT INTO ended_leases (id) SELECT ?1 WHERE ${IS_NEW}",
        to: "INSERT INTO ended_leases (id) SELECT ?1 WHERE false AND ${IS_NEW}",
      },
    ],
  },
  {
    name: "a shard that says it has none while a lease of its own is unsettled",
    edits: [
      {
        file: "src/code-pool/refill.ts",
        from: "if (this.#unsettled() !== null) await this.#fetchBlock();",
        to: "",
      },
    ],
  },
  {
    name: "a lease that does not move the batch on",
    edits: [
      {
        file: "src/inventory/leases.ts",
        from: "UPDATE batches SET leased = leased + l.size",
        to: "UPDATE batches SET leased = leased",
      },
    ],
  },
  {
    name: "exhausted said on the word of an older refill",
    edits: [
      {
        file: "src/code-pool/claim-line.ts",
        from: "refill.thorough && refill.number > startedBefore",
        to: "refill.thorough",
      },
    ],
  },
  {
    name: "exhausted said when D1 did not answer",
    edits: [
      {
        file: "src/code-pool/claim-line.ts",
        from: 'return { kind: "stock-unknown" };',
        to: 'return { kind: "exhausted" };',
      },
    ],
  },
  {
    name: "an older copy of the settings taken for the newer",
    edits: [
      {
        file: "src/code-pool/settings.ts",
        from: "stored.campaign.version >= offered.version",
        to: "stored.campaign.version > offered.version + 1_000",
      },
    ],
  },
  {
    name: "a user given an old code because the next one is not here yet",
    edits: [
      {
        file: "src/code-pool/claim-line.ts",
        from: "if (refiller.isKnownDry()) return",
        to: 'if (refiller.isKnownDry() || desk.whenNoneIsLeft(request).kind !== "exhausted") return',
      },
    ],
  },
  {
    name: "a closed campaign that refuses its holders",
    edits: [
      {
        file: "src/domain/claim.ts",
        from: 'if (held >= campaign.claimsPerUser) return { kind: "repeat", nth: held - 1 };',
        to: 'if (held >= campaign.claimsPerUser && closedReason(campaign, input.now) === null) return { kind: "repeat", nth: held - 1 };',
      },
      { file: "src/domain/claim.ts", from: "return held > 0", to: "return held > 1_000" },
    ],
  },
  {
    name: "claims that D1 is never told of",
    edits: [
      {
        file: "src/code-pool/claim-line.ts",
        from: "if (!alarm.isSet) alarm.set(outbox.delayMs());\n      const refill",
        to: "const refill",
      },
    ],
  },
  {
    name: "a batch counted by what was asked, not by what is there",
    edits: [
      {
        file: "src/inventory/batches.ts",
        from: "AND (SELECT count(*) FROM codes WHERE batch_id = ?1 AND ordinal >= ?2 AND ordinal < ?2 + ?3) = ?3",
        to: "",
      },
    ],
  },
  {
    name: "a request passed on twice taken for two",
    edits: [
      {
        file: "src/code-pool/claim-desk.ts",
        from: "if (mine !== undefined) return",
        to: "if (mine !== undefined && campaign.version < 0) return",
      },
    ],
  },
  {
    name: "no end to waiting for D1",
    edits: [
      {
        file: "src/db/database.ts",
        from: "return await Promise.race([answer, late]);",
        to: "return await answer;",
      },
    ],
  },
  {
    name: "no rest for a D1 that fails",
    edits: [
      {
        file: "src/code-pool/outbox.ts",
        from: "this.#notBefore = Date.now() + delay;",
        to: "this.#notBefore = Date.now();",
      },
    ],
  },
  {
    name: "an alarm that is never set again",
    edits: [
      {
        file: "src/code-pool/code-pool.ts",
        from: "if (!isDone) alarm.set(outbox.delayMs());",
        to: "",
      },
    ],
  },
  {
    name: "exhausted said without asking the siblings",
    edits: [
      {
        file: "src/code-pool/refill.ts",
        from: "if (shards === 1) return this.#noneLeft(topUps);",
        to: "if (shards > 0) return this.#noneLeft(topUps);",
      },
    ],
  },
  {
    name: "codes given back that stay in the stock",
    edits: [
      {
        file: "src/code-pool/stock.ts",
        from: "const kept = block.size - Math.min(max, Math.ceil((block.size - spent) / 2));",
        to: 'const kept = block.size - Math.ceil((block.size - spent) / 2); if (kept > 0) { this.#sql.exec("INSERT INTO given_back (id, lease_id, size, kept) VALUES (?, ?, ?, ?)", id, block.lease_id, block.size, kept); return { id, leaseId: block.lease_id, size: block.size, kept }; }',
      },
    ],
  },
  {
    name: "codes given back a second time when the first answer was lost",
    edits: [
      {
        file: "src/inventory/leases.ts",
        from: "SET shard = NULL WHERE id = ?1 AND size = ?2 AND ?3 = 0",
        to: "SET shard = NULL WHERE id = ?1 AND ?2 > ?3",
      },
    ],
  },
  {
    name: "codes given back that D1 is told of only once",
    edits: [
      {
        file: "src/code-pool/refill.ts",
        from: "      await answered(giveBack(this.#db(), given, Date.now()));\n      this.#stock.confirmGivenBack(given.id);",
        to: "      this.#stock.confirmGivenBack(given.id);\n      await answered(giveBack(this.#db(), given, Date.now()));",
      },
    ],
  },
  {
    name: "exhausted said while a shard's own codes are on their way back",
    edits: [
      {
        file: "src/code-pool/refill.ts",
        from: "await this.settleGivenBack();\n      const own",
        to: "const own",
      },
    ],
  },
  {
    name: "a copy of a key or campaign used however old it is",
    edits: [
      {
        file: "src/directory/copies.ts",
        from: "const ageMax = held !== undefined && now < held.sourceRestsUntil ? staleMaxMs : maxMs;",
        to: "const ageMax = staleMaxMs;",
      },
    ],
  },
  {
    name: "no copy used once it is old, though D1 is down",
    edits: [
      {
        file: "src/directory/copies.ts",
        from: "if (copy === null || now - copy.readAt > ages.staleMaxMs) throw error;",
        to: "if (copy !== undefined) throw error;",
      },
    ],
  },
  {
    name: "an answer that shows older settings than the pool decided by",
    edits: [
      {
        file: "src/http/claiming.ts",
        from: "const isNewest = outcome.version <= campaign.version;",
        to: "const isNewest = outcome.version > 0;",
      },
    ],
  },
  {
    name: "a claim that asks D1 whose key it is",
    edits: [
      {
        file: "src/http/auth.ts",
        from: "middleware: [anyKeyBy(findCopy, scope), ...more]",
        to: "middleware: [anyKeyBy(findInD1, scope), ...more]",
      },
    ],
  },
  {
    name: "a proof of exhaustion that outlives a top-up",
    edits: [
      {
        file: "src/code-pool/refill.ts",
        from: "if (this.#topUps === topUps) this.#dryUntil",
        to: "this.#dryUntil",
      },
    ],
  },
  {
    name: "a step of a batch that does not look where the batch stands",
    edits: [
      {
        file: "src/inventory/batches.ts",
        from: "WHERE id = ?1 AND status = 'running' AND created = ?2\n           AND (SELECT",
        to: "WHERE id = ?1 AND status = 'running'\n           AND (SELECT",
      },
      {
        file: "src/inventory/batches.ts",
        from: "SET created = ?2 + ?3,",
        to: "SET created = min(requested, created + ?3),",
      },
    ],
  },
  {
    name: "a batch that nobody goes on with",
    edits: [
      {
        file: "src/batch-runner/batch-runner.ts",
        from: "if (nextMs !== null) await this.#wakeIn(nextMs);",
        to: "void nextMs;",
      },
    ],
  },
  {
    name: "a cancelled batch that keeps what does not count",
    edits: [
      {
        file: "src/inventory/batches.ts",
        from: "DELETE FROM codes WHERE batch_id = ?1\n",
        to: "DELETE FROM codes WHERE false AND batch_id = ?1\n",
      },
    ],
  },
  {
    name: "a code space that two batches at once share",
    edits: [
      {
        file: "src/inventory/batches.ts",
        from: "CASE b.status WHEN 'running' THEN b.requested ELSE b.created END",
        to: "0 * b.created",
      },
    ],
  },
  {
    name: "an import's step that counts twice when its answer was lost",
    edits: [
      {
        file: "src/inventory/imports.ts",
        from: "status = 'running' AND rows = ?2)",
        to: "status = 'running' AND rows >= ?2)",
      },
    ],
  },
  {
    name: "an import judged by shapes of an earlier moment",
    edits: [
      {
        file: "src/inventory/imports.ts",
        from: "AND (SELECT count(*) FROM code_shapes WHERE inventory = ?3) = ?4`;",
        to: "AND ?3 = ?3 AND ?4 = ?4`;",
      },
    ],
  },
  {
    name: "own codes taken before everybody knows that they look like generated ones",
    edits: [
      {
        file: "src/inventory/imports.ts",
        from: "await scheduler.wait(SHAPE_WAIT_MS);",
        to: "void SHAPE_WAIT_MS;",
      },
    ],
  },
  {
    name: "a shape used before everybody knows it",
    edits: [
      {
        file: "src/inventory/shapes.ts",
        from: 'looksForged ? "when-known" : "at-once"',
        to: 'looksForged ? "at-once" : "at-once"',
      },
    ],
  },
  {
    name: "a guess that is looked for among the codes",
    edits: [
      {
        file: "src/http/typed-code.ts",
        from: "const asked = typed.filter((_, i) => forged[i] !== true)",
        to: "forged.fill(false);\n  const asked = typed.filter(() => true)",
      },
    ],
  },
  {
    name: "test and live share an inventory",
    edits: [
      {
        file: "src/domain/inventory.ts",
        from: '(mode === "live" ? brandId : `${brandId}/test`)',
        to: '(mode === "live" ? brandId : brandId)',
      },
    ],
  },
  {
    name: "a test key that finds live codes",
    edits: [
      {
        file: "src/http/http-env.ts",
        from: "return inventoryOf(c.var.brand.id, c.var.key.mode);",
        to: 'return inventoryOf(c.var.brand.id, "live");',
      },
    ],
  },
  {
    name: "a test import that goes into the live inventory",
    edits: [
      {
        file: "src/http/routes/imports.ts",
        from: "inventoryOf(campaign.brandId, campaign.mode)",
        to: 'inventoryOf(campaign.brandId, "live")',
      },
    ],
  },
  {
    name: "a typed code that means the first of those that look alike",
    edits: [
      {
        file: "src/domain/match-key.ts",
        from: "return left.length === 1 ? (left[0] ?? null) : null;",
        to: "return left[0] ?? null;",
      },
    ],
  },
  {
    name: "a second redemption of a code, without the constraint",
    edits: [
      {
        file: "src/domain/redemption.ts",
        from: 'if (held.redeemedAt !== null) return "redeemed";',
        to: "",
      },
      {
        file: "src/code-pool/migrations.ts",
        from: "CREATE UNIQUE INDEX redemptions_by_slot ON redemptions (slot, rollback);",
        to: "CREATE INDEX redemptions_by_slot ON redemptions (slot, rollback);",
      },
    ],
  },
  {
    name: "a revoked code that its pool still gives",
    edits: [
      {
        file: "src/code-pool/checkout.ts",
        from: "this.#parts.stock.withdraw(place, now);",
        to: "",
      },
    ],
  },
  {
    name: "a revoked code that a later lease brings as good",
    edits: [
      {
        file: "src/code-pool/stock.ts",
        from: "for (const ordinal of lease.withdrawn) this.withdraw({ batchId: lease.batchId, ordinal }, null);",
        to: "",
      },
    ],
  },
  {
    name: "an answer that its key does not remember",
    edits: [
      {
        file: "src/code-pool/claim-desk.ts",
        from: "    if (key !== null) {\n      const first",
        to: "    if (key?.hash === attempt) {\n      const first",
      },
    ],
  },
  {
    name: "a key that any request may use again",
    edits: [
      {
        file: "src/code-pool/requests.ts",
        from: 'if (row.fingerprint !== key.fingerprint) return { kind: "reused" };',
        to: "",
      },
    ],
  },
  {
    name: "a key whose requests never meet",
    edits: [
      {
        file: "src/code-pool/stub.ts",
        from: "if (shard === userShard) return true;",
        to: "if (shard >= 0) return true;",
      },
    ],
  },
  {
    name: "a redemption that its key does not remember",
    edits: [
      {
        file: "src/code-pool/checkout.ts",
        from: 'if (key !== null && "isReplay" in outcome) {',
        to: 'if (key?.hash === "" && "isReplay" in outcome) {',
      },
    ],
  },
  {
    name: "a key that is kept for ever",
    edits: [
      {
        file: "src/code-pool/requests.ts",
        from: "return row.made_at <= now - keptMs ? null : row;",
        to: "return row.made_at <= 0 * keptMs ? null : row;",
      },
    ],
  },
  {
    name: "a code that the export has no formula guard for",
    edits: [
      {
        file: "src/domain/csv.ts",
        from: "FORMULA.test(text) ? `'${text}` : text",
        to: "FORMULA.test(text) ? text : text",
      },
    ],
  },
  {
    name: "a user token of whatever algorithm it says",
    edits: [
      {
        file: "src/identity/user-token.ts",
        from: "algorithms: isShared ? [identity.algorithm] : ASYMMETRIC_ALGORITHMS,",
        to: "",
      },
    ],
  },
  {
    name: "a user token that never expires",
    edits: [
      {
        file: "src/identity/user-token.ts",
        from: 'requiredClaims: ["exp", "iat", "sub"],',
        to: 'requiredClaims: ["iat", "sub"],',
      },
    ],
  },
  {
    name: "a user token for another audience",
    edits: [{ file: "src/identity/user-token.ts", from: "audience: identity.audience,", to: "" }],
  },
  {
    name: "no tolerance for a user token's clock",
    edits: [
      {
        file: "src/identity/user-token.ts",
        from: "clockTolerance: CLOCK_TOLERANCE_SECONDS,",
        to: "clockTolerance: 0,",
      },
    ],
  },
  {
    name: "an issuer asked for every key that is not known",
    edits: [
      {
        file: "src/identity/jwks.ts",
        from: "Date.now() - last.askedAt < ASK_GAP_MS ? last : null",
        to: "Date.now() - last.askedAt < 0 ? last : null",
      },
    ],
  },
  {
    name: "an issuer followed to where it redirects",
    edits: [
      {
        file: "src/outbound/fetch-text.ts",
        from: 'redirect: "manual",',
        to: 'redirect: "follow",',
      },
    ],
  },
  {
    name: "an answer with a field that the document does not know",
    edits: [
      {
        file: "src/http/routes/reports.ts",
        from: "duplicate_codes: found.duplicateCodes,",
        to: "duplicate_codes: found.duplicateCodes, pools: 1,",
      },
    ],
  },
  {
    name: "a cursor that is decoded without care",
    edits: [
      {
        file: "src/http/paging.ts",
        from: "  } catch {\n    return null;\n  }\n}\n\nfunction encode",
        to: "  } catch (error) {\n    throw error;\n  }\n}\n\nfunction encode",
      },
    ],
  },
  {
    name: "a refusal that logs the caller's key",
    edits: [
      {
        file: "src/http/problem-response.ts",
        from: "  if (error instanceof ProblemError) return problemResponse(c, error);",
        to: '  console.warn({ message: "A refusal", by: c.req.header("Authorization") });\n  if (error instanceof ProblemError) return problemResponse(c, error);',
      },
    ],
  },
  {
    name: "a claim that logs its code",
    edits: [
      {
        file: "src/code-pool/claim-desk.ts",
        from: "this.#parts.ledger.insert(claim);",
        to: "this.#parts.ledger.insert(claim);\n    console.log(`Claimed ${claim.code}`);",
      },
    ],
  },
  {
    name: "an entry of the audit log that does not stand for the one before it",
    edits: [{ file: "src/domain/audit-entry.ts", from: "    entry.previousHash,\n", to: "" }],
  },
  {
    name: "an audit log whose hashes leave out a column",
    edits: [{ file: "src/domain/audit-entry.ts", from: "    entry.actor,\n", to: "" }],
  },
  {
    name: "an entry of the audit log outside the transaction of its change",
    edits: [
      {
        file: "src/db/alongside.ts",
        from: "return [insertEntry(db, entry), ...",
        to: "void insertEntry(db, entry).catch(() => null);\n  return [...",
      },
    ],
  },
  {
    name: "a record of an answer that is written after what it answers",
    edits: [
      {
        file: "src/db/alongside.ts",
        from: "...(record === null ? [] : insertRecord(db, record))];",
        to: "];",
      },
      {
        file: "src/http/change.ts",
        from: "return await answered(write({ entry, record }), what.timeoutMs);",
        to: 'const outcome = await answered(write({ entry, record }), what.timeoutMs);\n      if (record !== null) await (await import("../db/idempotency-records.ts")).addRecord(db, record);\n      return outcome;',
      },
    ],
  },
  {
    name: "an Idempotency-Key that replays whatever is asked",
    edits: [
      {
        file: "src/http/once.ts",
        from: "if (record.fingerprint !== this.#fingerprint)",
        to: "if (record.fingerprint === null)",
      },
    ],
  },
  {
    name: "an Idempotency-Key that replays whoever asks",
    edits: [
      {
        file: "src/http/once.ts",
        from: "JSON.stringify([callerOf(c), c.req.method, pathname, idempotencyKey]);",
        to: "JSON.stringify([c.req.method, pathname, idempotencyKey]);",
      },
      {
        file: "src/http/once.ts",
        from: "await Seal.of(credentialOf(c), idempotencyKey);",
        to: 'await Seal.of("", idempotencyKey);',
      },
    ],
  },
  {
    name: "an erasure that leaves the user in D1",
    edits: [
      {
        file: "src/users/erase-from.ts",
        from: "[...forgetUsers(env.DB, erased), ...told]",
        to: "told as never",
      },
    ],
  },
  {
    name: "an erasure that leaves the contact data",
    edits: [
      {
        file: "src/code-pool/personal-data.ts",
        from: 'const PERSONAL = ["user_id", "contact"]',
        to: 'const PERSONAL = ["user_id"]',
      },
      {
        file: "src/code-pool/personal-data.ts",
        from: "user_id = '', contact = NULL, ",
        to: "user_id = '', ",
      },
    ],
  },
  {
    name: "an erasure that leaves the user's id in the pool",
    edits: [
      {
        file: "src/code-pool/personal-data.ts",
        from: 'const PERSONAL = ["user_id", "contact"]',
        to: 'const PERSONAL = ["contact"]',
      },
      {
        file: "src/code-pool/personal-data.ts",
        from: "user_id = '', contact = NULL, ",
        to: "contact = NULL, ",
      },
    ],
  },
  {
    name: "an erased user who may have another code",
    edits: [
      {
        file: "src/code-pool/ledger.ts",
        from: "SELECT * FROM claims WHERE user_key = ? ORDER BY nth",
        to: "SELECT * FROM claims WHERE user_key = ? AND erased_by IS NULL ORDER BY nth",
      },
    ],
  },
  {
    name: "an erased user who may have another code, without the constraint",
    edits: [
      {
        file: "src/code-pool/ledger.ts",
        from: "SELECT * FROM claims WHERE user_key = ? ORDER BY nth",
        to: "SELECT * FROM claims WHERE user_key = ? AND erased_by IS NULL ORDER BY nth",
      },
      NO_UNIQUE_USER,
    ],
  },
  {
    name: "an erasure undone by a call to D1 that comes late",
    edits: [
      {
        file: "src/code-pool/code-pool.ts",
        from: "return erased.length === 0 || (await this.showClaims()) ? erased : null;",
        to: "return erased;",
      },
    ],
  },
  {
    name: "an erasure that nobody goes on with",
    edits: [
      {
        file: "src/users/user-eraser.ts",
        from: "if (nextMs !== null) await this.#wakeIn(nextMs);",
        to: "",
      },
    ],
  },
  {
    name: "a user's claims that tell everybody whose they were",
    edits: [
      {
        file: "src/code-pool/checkout.ts",
        from: ".filter(({ userId }) => userId !== null)",
        to: "",
      },
    ],
  },
  {
    name: "contact data that is shown when its time is over",
    edits: [
      {
        file: "src/code-pool/ledger.ts",
        from: "row.contact !== null && row.claimed_at > contactsFrom()",
        to: "row.contact !== null || contactsFrom === null",
      },
    ],
  },
  {
    name: "contact data that is never deleted",
    edits: [
      {
        file: "src/code-pool/personal-data.ts",
        from: "if (last === undefined) return false;",
        to: "if (last !== undefined) return false;",
      },
    ],
  },
  {
    name: "contact data that no alarm is set for",
    edits: [
      {
        file: "src/code-pool/personal-data.ts",
        from: "return keptMs === null || next === undefined ? null : next.claimed_at + keptMs + SWEEP_DELAY_MS;",
        to: "return null;",
      },
    ],
  },
  {
    name: "a breaker that never trips",
    edits: [
      {
        file: "src/code-pool/breaker.ts",
        from: "return count >= limit;",
        to: "return count > 2 * limit;",
      },
    ],
  },
  {
    name: "a breaker that a withdrawn code trips too early",
    edits: [
      {
        file: "src/code-pool/breaker.ts",
        from: "return count >= limit;",
        to: "return count > 0;",
      },
    ],
  },
  {
    name: "a tripped breaker that refuses holders",
    edits: [
      {
        file: "src/code-pool/claim-desk.ts",
        from: "const held = this.#held(request.userKey, moment);",
        to: 'const held = campaign.status === "paused" && campaign.breakerTrippedAt !== null ? [] : this.#held(request.userKey, moment);',
      },
    ],
  },
  {
    name: "a resume that does not reset the breaker",
    edits: [
      {
        file: "src/db/campaign-status.ts",
        from: '...(status === "active" ? resumed : {}),',
        to: "...(resumed.breakerTrippedAt === null ? {} : resumed),",
      },
    ],
  },
  {
    name: "a tripped breaker that D1 is told of once",
    edits: [
      {
        file: "src/code-pool/code-pool.ts",
        from: "this.#parts.alarm.retry();\n    }\n    await this.#show();",
        to: "}\n    await this.#show();",
      },
    ],
  },
  {
    name: "a proof that is good for everybody",
    edits: [
      {
        file: "src/code-pool/claim-desk.ts",
        from: 'if (!requests.bind(proof, "proof", now)) return',
        to: 'if (!requests.bind(proof, "proof", now) && now < 0) return',
      },
    ],
  },
  {
    name: "a code that the export has no formula guard for",
    edits: [
      {
        file: "src/domain/csv.ts",
        from: "FORMULA.test(text) ? `'${text}` : text",
        to: "FORMULA.test(text) ? text : text",
      },
    ],
  },
  {
    name: "a file that is answered like another under its Idempotency-Key",
    edits: [
      {
        file: "src/http/once.ts",
        from: "if ((await slow.digest(c)) !== digest)",
        to: "if ((await slow.digest(c)) === null)",
      },
    ],
  },
  {
    name: "a key that may do what its scopes do not say",
    edits: [
      {
        file: "src/http/auth.ts",
        from: "if (!allows(key.scopes, scope)) {",
        to: "if (!allows(null, scope)) {",
      },
    ],
  },
  {
    name: "a key that makes a wider one",
    edits: [
      {
        file: "src/http/routes/keys.ts",
        from: 'if (key.kind === "secret" && !isWithin(key.scopes, c.var.key.scopes)) {',
        to: "if (!isWithin(key.scopes, null)) {",
      },
    ],
  },
  {
    name: "an origin that is alike enough",
    edits: [
      {
        file: "src/http/auth.ts",
        from: "!key.allowedOrigins.includes(origin)",
        to: "!key.allowedOrigins.some((one) => origin.startsWith(one) || one.endsWith(origin))",
      },
    ],
  },
  {
    name: "a preflight answered for whoever asks",
    edits: [
      {
        file: "src/http/cors.ts",
        from: "if (origin !== undefined && (await isOriginListed(near(c), origin))) {",
        to: "if (origin !== undefined) {",
      },
    ],
  },
  {
    name: "a page that says itself who its user is",
    edits: [
      {
        file: "src/http/claimant.ts",
        from: "  if (body.user !== undefined) {\n    throw",
        to: "  if (body.user !== undefined) return vouchedFor(body);\n  if (body.user !== undefined) {\n    throw",
      },
    ],
  },
  {
    name: "a page's Idempotency-Key that is everybody's",
    edits: [
      {
        file: "src/http/routes/claims.ts",
        from: "...(isPage ? [userKey] : [])",
        to: "",
      },
    ],
  },
  {
    name: "a guesser who closes the checkout to all",
    edits: [
      {
        file: "src/http/limits.ts",
        from: "return `${c.var.brand.id} ${userId}`;",
        to: "return `${c.var.brand.id} ${userId.slice(0, 0)}`;",
      },
    ],
  },
  {
    name: "a webhook to any address",
    edits: [
      {
        file: "src/http/routes/webhook-endpoints.ts",
        from: 'if (reason !== null) throw invalidField("/url", reason);',
        to: 'if (reason === "") throw invalidField("/url", reason);',
      },
    ],
  },
  {
    name: "a webhook to ourselves by another spelling",
    edits: [
      {
        file: "src/domain/target.ts",
        from: "hostOf(url) === hostOf(new URL(ownAddress))",
        to: "url.host === new URL(ownAddress).host",
      },
    ],
  },
  {
    name: "a webhook endpoint of another brand",
    edits: [
      {
        file: "src/db/webhook-endpoints.ts",
        from: "eq(webhookEndpoints.brandId, brandId),\n    mode",
        to: "sql`${brandId} <> ''`,\n    mode",
      },
    ],
  },
  {
    name: "a live webhook endpoint seen by a test key",
    edits: [
      {
        file: "src/db/webhook-endpoints.ts",
        from: "mode === null ? undefined : eq(webhookEndpoints.mode, mode),",
        to: "mode === null ? undefined : sql`true`,",
      },
    ],
  },
  {
    name: "a webhook endpoint for campaigns of either mode",
    edits: [
      {
        file: "src/http/require-campaign.ts",
        from: "{ brandId: c.var.brand.id, mode }, names",
        to: "{ brandId: c.var.brand.id, mode: null }, names",
      },
    ],
  },
  {
    name: "a webhook secret shown again",
    edits: [
      {
        file: "src/http/webhook-schemas.ts",
        from: "    url: endpoint.url,\n",
        to: "    url: endpoint.url,\n    ...{ secret: secrets[0]?.secret },\n",
      },
    ],
  },
  {
    name: "a webhook secret rotated without an overlap",
    edits: [
      {
        file: "src/db/webhook-endpoints.ts",
        from: "previousUntil === null ? newest : sql`${newest}, ${previous}`",
        to: "newest",
      },
    ],
  },
  {
    name: "an old webhook secret that signs for ever",
    edits: [
      {
        file: "src/db/webhook-endpoints.ts",
        from: "'expiresAt', ${previousUntil})",
        to: "'expiresAt', NULL)",
      },
    ],
  },
  {
    name: "one webhook endpoint too many",
    edits: [
      {
        file: "src/db/webhook-endpoints.ts",
        from: "< ${ENDPOINTS_MAX}`",
        to: "<= ${ENDPOINTS_MAX}`",
      },
    ],
  },
  {
    name: "a threshold that is told again",
    edits: [
      {
        file: "src/domain/low-stock.ts",
        from: ".filter((threshold) => !told.includes(String(threshold)))",
        to: ".filter(() => true)",
      },
    ],
  },
  {
    name: "a start that is told by each who looks",
    edits: [
      {
        file: "src/db/campaign-clock.ts",
        from: "sql`EXISTS (SELECT 1 FROM campaign_clock WHERE ${isUntold})`",
        to: "sql`true`",
      },
      {
        file: "src/db/campaign-clock.ts",
        from: "`${campaignId}/${type}/${at}`",
        to: "crypto.randomUUID()",
      },
    ],
  },
  {
    name: "a start that is told before its time",
    edits: [
      {
        file: "src/herald/herald.ts",
        from: "next.filter(({ at }) => at <= now)",
        to: "next.filter(({ at }) => at <= now + 2_000)",
      },
    ],
  },
  {
    name: "a window that is moved and nobody hears of it",
    edits: [
      {
        file: "src/http/routes/campaigns.ts",
        from: "heralded(c, setsWindow(fields, seen), () =>",
        to: "heralded(c, false, () =>",
      },
    ],
  },
  {
    name: "a time that had come and is lost when it is moved",
    edits: [
      {
        file: "migrations/0023_add_campaign_clock.sql",
        from: "is_told = 0 AND at > unixepoch('subsec') * 1000\n    AND at IS NOT iif",
        to: "is_told = 0\n    AND at IS NOT iif",
      },
    ],
  },
  {
    name: "an end by request that is not told",
    edits: [
      {
        file: "src/db/campaign-status.ts",
        from: "eventToInsert(db, event, isNew),",
        to: "eventToInsert(db, event, sql`false`),",
      },
    ],
  },
  {
    name: "an end that a request tells again",
    edits: [
      {
        file: "src/db/campaign-status.ts",
        from: "AND c.at = ${campaigns.endsAt}",
        to: "AND c.at = 0",
      },
    ],
  },
  {
    name: "a campaign that was ended and ends by its time too",
    edits: [
      {
        file: "migrations/0023_add_campaign_clock.sql",
        from: "(type = 'campaign.ended' OR at >",
        to: "(type = 'campaign.none' AND at >",
      },
    ],
  },
  {
    name: "an alarm that is not set again",
    edits: [
      {
        file: "src/herald/herald.ts",
        from: "if (next !== null) await this.#wakeAt(next);",
        to: "if (next !== null && next <= Date.now()) await this.#wakeAt(next);",
      },
    ],
  },
  {
    name: "a change that only the one who makes it tells",
    edits: [
      {
        file: "src/herald/herald.ts",
        from: "await this.#wakeAt(Date.now() + WATCH_MS);",
        to: "",
      },
    ],
  },
  {
    name: "claims that enter the log twice when an answer was lost",
    edits: [
      {
        file: "src/inventory/event-log.ts",
        from: "return `${type}/${shard}/${from}`;",
        to: "return `${type}/${shard}/${from}/${crypto.randomUUID()}`;",
      },
    ],
  },
  {
    name: "an event's id by which another brand's log is read",
    edits: [
      {
        file: "src/inventory/event-log.ts",
        from: "WHERE subject_id = ?1 AND brand_id = ?2\n",
        to: "WHERE subject_id = ?1 AND ?2 <> ''\n",
      },
    ],
  },
  {
    name: "a log that is replayed for ever",
    edits: [
      {
        file: "src/db/events.ts",
        from: "Date.now() - EVENTS_KEPT_MS);",
        to: "Date.now() - 99 * EVENTS_KEPT_MS);",
      },
      {
        file: "src/inventory/event-log.ts",
        from: "JSON.stringify(sequences), Date.now() - EVENTS_KEPT_MS)",
        to: "JSON.stringify(sequences), Date.now() - 99 * EVENTS_KEPT_MS)",
      },
    ],
  },
  {
    name: "low stock told again by each who looks",
    edits: [
      {
        file: "src/inventory/tell-stock.ts",
        from: "const told = known.told.filter((one) => stillTold.includes(one));",
        to: "const told: string[] = stillTold.slice(0, 0);",
      },
    ],
  },
  {
    name: "low stock that is not told again when more came and went",
    edits: [
      {
        file: "src/inventory/tell-stock.ts",
        from: "const { codes, withdrawn, claimed, most } = state;",
        to: "const { codes, withdrawn, claimed, most } = { ...state, most: 0 };",
      },
    ],
  },
  {
    name: "revoked codes counted as stock",
    edits: [
      {
        file: "src/inventory/tell-stock.ts",
        from: "const available = codes - withdrawn - claimed;",
        to: "const available = codes - claimed;",
      },
    ],
  },
  {
    name: "news that are said once",
    edits: [
      {
        file: "src/code-pool/announcer.ts",
        from: "return this.#sent.at + Math.min(PATIENCE_MS * 2 ** (this.#sent.times - 1), PATIENCE_MAX_MS);",
        to: "return null;",
      },
    ],
  },
  {
    name: "news that nobody waits to be heard",
    edits: [
      {
        file: "src/webhooks/dispatch.ts",
        from: "if (message.body.from !== null) await answered",
        to: "if (message.body.from === undefined) await answered",
      },
    ],
  },
  {
    name: "webhook events that are taken in again and again",
    edits: [
      {
        file: "src/webhooks/webhook-sender.ts",
        from: 'this.ctx.storage.kv.put("cursor", run.position);',
        to: "",
      },
    ],
  },
  {
    name: "a webhook intake that a crash leaves half done",
    edits: [
      {
        file: "src/webhooks/webhook-sender.ts",
        from: "storage.transactionSync(() => {\n        if (cursor() === after) this.#note(endpoint, runs);\n      });",
        to: "if (cursor() === after) this.#note(endpoint, runs);",
      },
    ],
  },
  {
    name: "a sender of webhooks that never wakes by itself",
    edits: [
      {
        file: "src/webhooks/webhook-sender.ts",
        from: "if (nextMs !== null) await this.#wakeIn(nextMs);",
        to: "if (nextMs === 0) await this.#wakeIn(nextMs);",
      },
    ],
  },
  {
    name: "a webhook that was not asked for",
    edits: [
      {
        file: "src/webhooks/webhook-sender.ts",
        from: "if (events !== null && !events.includes(type)) return false;",
        to: "",
      },
    ],
  },
  {
    name: "a webhook that follows a redirect",
    edits: [
      {
        file: "src/webhooks/attempt.ts",
        from: 'redirect: "manual",',
        to: 'redirect: "follow",',
      },
    ],
  },
  {
    name: "a webhook's answer that is read to its end",
    edits: [
      {
        file: "src/webhooks/attempt.ts",
        from: "if (left <= 0) break;",
        to: "",
      },
    ],
  },
  {
    name: "a webhook's answer that repeats who the user is",
    edits: [
      {
        file: "src/webhooks/attempt.ts",
        from: "without(call.hidden, seen.text)",
        to: "without([], seen.text)",
      },
    ],
  },
  {
    name: "a webhook to a refused target",
    edits: [
      {
        file: "src/webhooks/attempt.ts",
        from: "if (refusedTarget(call.url, { allowsLoopback }) !== null) error",
        to: 'if (refusedTarget(call.url, { allowsLoopback }) === "") error',
      },
    ],
  },
  {
    name: "a webhook secret that signs for ever",
    edits: [
      {
        file: "src/webhooks/signature.ts",
        from: "expiresAt > now",
        to: "expiresAt > 0",
      },
    ],
  },
  {
    name: "a failing endpoint that is hammered",
    edits: [
      {
        file: "src/webhooks/health.ts",
        from: "doublings < 0",
        to: "doublings < 10_000",
      },
    ],
  },
  {
    name: "an endpoint that is gone and called again",
    edits: [
      {
        file: "src/webhooks/health.ts",
        from: 'isGone ? "gone" : isLost',
        to: "isLost",
      },
    ],
  },
  {
    name: "a failing endpoint of which all are tried at once",
    edits: [
      {
        file: "src/webhooks/sending.ts",
        from: "const limit = isFailing(this.health) ? 1 : ROUND_MAX;",
        to: "const limit = ROUND_MAX;",
      },
    ],
  },
  {
    name: "a failing endpoint that is probed only with what it refused before",
    edits: [
      {
        file: "src/webhooks/sending.ts",
        from: "return isFailing(health) && health?.restsUntil",
        to: "return health === null && health?.restsUntil",
      },
    ],
  },
  {
    name: "an endpoint that gets what was about to be sent when it was deleted",
    edits: [
      {
        file: "src/webhooks/sending.ts",
        from: 'if (this.#storage.kv.get("endpoint") === undefined) return false;',
        to: "",
      },
    ],
  },
  {
    name: "a Retry-After that another call's success makes forget",
    edits: [
      {
        file: "src/webhooks/health.ts",
        from: "before.failedAt <= begunAt || before.restsUntil <= now",
        to: "before.failures > 0",
      },
    ],
  },
  {
    name: "a webhook that is lost when a campaign cannot be read",
    edits: [
      {
        file: "src/webhooks/sending.ts",
        from: "this.#unread.set(subject, Date.now() + UNREAD_MS);",
        to: "for (const { number } of those) words.set(number, null);",
      },
    ],
  },
  {
    name: "a deleted endpoint that an attempt brings back",
    edits: [
      {
        file: "src/webhooks/sending.ts",
        from: 'if (this.#storage.kv.get("endpoint") === undefined) return;',
        to: "",
      },
    ],
  },
  {
    name: "news that are confirmed though a sender was not woken",
    edits: [
      {
        file: "src/webhooks/stub.ts",
        from: "if (failed > 0) throw",
        to: "if (failed > ids.length) throw",
      },
    ],
  },
  {
    name: "a test key that sees live deliveries",
    edits: [
      {
        file: "src/db/webhook-senders.ts",
        from: "mode === null ? undefined : eq(webhookEndpoints.mode, mode)",
        to: "undefined",
      },
    ],
  },
  {
    name: "intervals that count slots passed over",
    edits: [
      {
        file: "src/code-pool/tally.ts",
        from: "claimed: to - from - this.#stock.passedOver(from, to)",
        to: "claimed: to - from",
      },
    ],
  },
  {
    name: "an interval that has the first moment of the next",
    edits: [
      {
        file: "src/code-pool/tally.ts",
        from: "iif(coalesce(${at} < time, 1), (low + high) / 2, low),\n                  iif(coalesce(${at} < time, 1), high, (low + high) / 2)",
        to: "iif(coalesce(${at} <= time, 1), (low + high) / 2, low),\n                  iif(coalesce(${at} <= time, 1), high, (low + high) / 2)",
      },
    ],
  },
  {
    name: "a rate of claims that were long ago",
    edits: [
      {
        file: "src/domain/rate.ts",
        from: " || now - newestAt >= HOUR_MS",
        to: "",
      },
    ],
  },
  {
    name: "watchers who hear nothing while D1 fails",
    edits: [
      {
        file: "src/code-pool/code-pool.ts",
        from: "this.#audience.tell();\n    await this.#parts.announcer.run();",
        to: "if (shown) this.#audience.tell();\n    await this.#parts.announcer.run();",
      },
    ],
  },
  {
    name: "watchers whose sockets stay open",
    edits: [
      {
        file: "src/http/live-feed.ts",
        from: "this.#listening.close();\n    this.#news.ring();",
        to: "this.#news.ring();",
      },
    ],
  },
  {
    name: "watchers whom the object itself must hold",
    edits: [
      {
        file: "src/code-pool/audience.ts",
        from: "this.#ctx.acceptWebSocket(ours);",
        to: "ours.accept();",
      },
    ],
  },
  {
    name: "watchers without number",
    edits: [
      {
        file: "src/code-pool/audience.ts",
        from: ">= WATCHERS_MAX",
        to: "> 1_000",
      },
    ],
  },
  {
    name: "watchers who do not hear of codes revoked elsewhere",
    edits: [
      {
        file: "src/code-pool/revocation.ts",
        from: "await call((pool) => pool.revoke([])).catch(() => undefined);",
        to: "await Promise.resolve(call);",
      },
    ],
  },
  {
    name: "watchers who count a claim that is revoked at once twice",
    edits: [
      {
        file: "src/code-pool/audience.ts",
        from: "this.#isStockNews &&= !this.#outbox.isEmpty();",
        to: "this.#isStockNews = false;",
      },
    ],
  },
  {
    name: "watchers who do not look for a pool that was reset",
    edits: [
      {
        file: "src/code-pool/listening.ts",
        from: "if (hasSpoken) void this.#reconnect(shard);",
        to: "if (hasSpoken) return;",
      },
    ],
  },
  {
    name: "half a unit that is the shop's",
    edits: [
      {
        file: "src/domain/discount.ts",
        from: "share + WHOLE / 2n) / WHOLE",
        to: "share) / WHOLE",
      },
    ],
  },
  {
    name: "a percentage without its maximum",
    edits: [
      {
        file: "src/domain/discount.ts",
        from: "Math.min(part, discount.maximum_discount_amount ?? part)",
        to: "part",
      },
    ],
  },
  {
    name: "an order of just the minimum refused",
    edits: [
      {
        file: "src/domain/discount.ts",
        from: "order.amount < minimum ?",
        to: "order.amount <= minimum ?",
      },
    ],
  },
  {
    name: "a minimum that an order nobody named meets",
    edits: [
      {
        file: "src/domain/discount.ts",
        from: 'return minimum === undefined ? null : "order-required";',
        to: "return null;",
      },
    ],
  },
  {
    name: "amounts of two currencies compared",
    edits: [
      {
        file: "src/domain/discount.ts",
        from: "currency !== undefined && currency !== order.currency",
        to: 'currency === undefined && order.currency === ""',
      },
    ],
  },
  {
    name: "a maximum in no currency",
    edits: [
      {
        file: "src/http/campaign-schemas.ts",
        from: "const isLimited = minimum !== undefined || maximum !== undefined;",
        to: "const isLimited = minimum !== undefined;",
      },
    ],
  },
  {
    name: "a reservation that is revealed after its end",
    edits: [
      {
        file: "src/code-pool/claim-desk.ts",
        from: 'if (reservedStatus(reserved, now) === "lapsed") return { kind: "lapsed" };',
        to: "",
      },
    ],
  },
  {
    name: "a user's reservation that outlives its time",
    edits: [
      {
        file: "src/code-pool/reservations.ts",
        from: "WHERE user_key = ? AND lapsed = 0 AND reveal_by > ?",
        to: "WHERE user_key = ? AND lapsed = 0 AND reveal_by > ? - 600000",
      },
    ],
  },
  {
    name: "a reserved code that a sibling is given",
    edits: [
      {
        file: "src/code-pool/refill.ts",
        from: "return Math.max(0, unspent - this.#reservations.countOpen(Date.now()));",
        to: "void this.#reservations;\n    return unspent;",
      },
    ],
  },
  {
    name: "a lapsed reservation whose user is still known",
    edits: [
      {
        file: "src/code-pool/reservations.ts",
        from: "SET lapsed = 1, user_id = '', consent = NULL, contact = NULL",
        to: "SET lapsed = 1",
      },
    ],
  },
  {
    name: "a reservation that erasure overlooks",
    edits: [
      {
        file: "src/code-pool/personal-data.ts",
        from: "this.#reservations.removeOf(userKey);",
        to: "",
      },
    ],
  },
  {
    name: "a reveal while the campaign is paused",
    edits: [
      {
        file: "src/code-pool/claim-desk.ts",
        from: "    if (reason !== null) return closed(campaign, reason);\n    // One is there",
        to: "    void reason;\n    // One is there",
      },
    ],
  },
  {
    name: "a reveal of another user's claim by a page",
    edits: [
      {
        file: "src/http/claimant.ts",
        from: "if ((await userKeyOf(campaign, id)) !== userKey) throw",
        to: 'if ((await userKeyOf(campaign, id)) === "") throw',
      },
    ],
  },
  {
    name: "a code handed out elsewhere that its pool still gives",
    edits: [
      {
        file: "src/code-pool/places.ts",
        from: "this.#stock.withdraw(place, null);",
        to: "",
      },
    ],
  },
  {
    name: "a code handed out elsewhere that a later lease brings",
    edits: [
      {
        file: "src/inventory/leases.ts",
        from: "coalesce(c.revoked_at, c.outside_shard) IS NOT NULL AS isGone",
        to: "c.revoked_at IS NOT NULL AS isGone",
      },
    ],
  },
  {
    name: "a code handed out elsewhere that is spent unmarked",
    edits: [
      {
        file: "src/inventory/find-codes.ts",
        from: 'SET outside_shard = coalesce(${shardSql("codes")}, ?3)\n           WHERE batch_id = ?1',
        to: "SET outside_shard = coalesce(outside_shard, ?3)\n           WHERE ?3 < 0 AND batch_id = ?1",
      },
    ],
  },
  {
    name: "a revocation that comes before its code's first order, and is forgotten",
    edits: [
      {
        file: "src/code-pool/places.ts",
        from: "if (revokedAt !== null) this.#ledger.revoke(slot, revokedAt);",
        to: "void revokedAt;",
      },
    ],
  },
  {
    name: "codes that outlive every campaign",
    edits: [
      {
        file: "src/domain/redemption.ts",
        from: "const end = campaign.codesOutliveCampaign ? null : campaign.endsAt;",
        to: "const end = campaign.codesOutliveCampaign ? campaign.endsAt : null;",
      },
    ],
  },
  {
    name: "an end that is told of codes that were spent",
    edits: [
      {
        file: "src/code-pool/expiry.ts",
        from: "if (claim.slot < 0 || claim.redeemedAt !== null || claim.revokedAt !== null) return;",
        to: "if (claim.slot < 0) return;",
      },
    ],
  },
  {
    name: "an end that a change of lives delays",
    edits: [
      {
        file: "src/code-pool/settings.ts",
        from: "    this.#noteLife(offered.codeLifetimeSeconds);\n",
        to: "    if (stored === null) this.#noteLife(offered.codeLifetimeSeconds);\n",
      },
    ],
  },
  {
    name: "an end that a rollback uncovers and nobody tells",
    edits: [
      {
        file: "src/code-pool/checkout.ts",
        from: "expiry.reopen(this.#claimOf(slot), now);",
        to: "void expiry;",
      },
    ],
  },
  {
    name: "what became of a code, shown again by a late word",
    edits: [
      {
        file: "src/inventory/projection.ts",
        from: "\n         AND changes() > 0`,\n    )\n    .bind(JSON.stringify(shown));",
        to: "`,\n    )\n    .bind(JSON.stringify(shown));",
      },
    ],
  },
  {
    name: "a hold of another code that opens this one",
    edits: [
      {
        file: "src/code-pool/checkout.ts",
        from: "const isWrongHold = holdNumber !== null && holds.find(holdNumber)?.slot !== slot;",
        to: "const isWrongHold = holdNumber === 0;",
      },
    ],
  },
  {
    name: "a hold that outlives its code",
    edits: [
      {
        file: "src/code-pool/checkout.ts",
        from: "const expiresAt = Math.min(now + ttlMs, claim.expiresAt ?? Infinity);",
        to: "const expiresAt = now + ttlMs;",
      },
    ],
  },
  {
    name: "a rollback whose second reason counts",
    edits: [
      {
        file: "src/code-pool/checkout.ts",
        from: "if (redemption.rolledBack === null) {",
        to: "if (redemption.rolledBack === null || reason !== redemption.rolledBack.reason) {",
      },
    ],
  },
  {
    name: "a holder's code that anybody spends",
    edits: [
      {
        file: "src/domain/redemption.ts",
        from: "if (userKey === null || holder === NOBODY) return !holderOnly;",
        to: "if (userKey === null || holder === NOBODY) return true;",
      },
    ],
  },
  {
    name: "a code called unknown while D1 is down",
    edits: [
      {
        file: "src/http/typed-code.ts",
        from: "if (known.includes(null)) throw error;",
        to: "void error;",
      },
    ],
  },
  {
    name: "a redemption's first answer that a rollback changes",
    edits: [
      {
        file: "src/code-pool/checkout.ts",
        from: "redemption: { ...held.redemption, rolledBack: null } };",
        to: "redemption: held.redemption };",
      },
    ],
  },
  {
    name: "orders that no discount is for, not refused",
    edits: [
      {
        file: "src/http/routes/checkout.ts",
        from: "refusal: orderRefusal(discount, order),",
        to: "refusal: orderRefusal(discount, order) && null,",
      },
    ],
  },
  {
    name: "a session that another site's page can use",
    edits: [
      {
        file: "src/http/session.ts",
        from: 'if (c.req.header("Sec-Fetch-Site") !== "same-origin") return null;',
        to: "",
      },
    ],
  },
  {
    name: "a person whom another site signs in",
    edits: [
      {
        file: "src/http/routes/sessions.ts",
        from: 'if (c.req.header("Sec-Fetch-Site") === "same-origin") return;',
        to: 'if (c.req.header("Sec-Fetch-Site") !== "cross-site") return;',
      },
    ],
  },
  {
    name: "a session's cookie that scripts can read",
    edits: [{ file: "src/http/session.ts", from: "httpOnly: true", to: "httpOnly: false" }],
  },
  {
    name: "a session that never ends",
    edits: [
      {
        file: "src/db/console-sessions.ts",
        from: "gt(consoleSessions.expiresAt, Date.now()),",
        to: "gt(consoleSessions.expiresAt, 0),",
      },
    ],
  },
  {
    name: "a session that outlives its key",
    edits: [
      {
        file: "src/http/auth.ts",
        from: "return requireActive(await requireCounting(c, found));",
        to: 'if (found === null) throw new ProblemError("unauthenticated");\n  return requireActive(found);',
      },
    ],
  },
  {
    name: "a session that signing out leaves",
    edits: [
      {
        file: "src/http/routes/sessions.ts",
        from: "if (token !== null) await endSession(c.env.DB, token);",
        to: "void token;",
      },
    ],
  },
  {
    name: "a secret key in a page, let in beside a cookie",
    edits: [
      {
        file: "src/http/session.ts",
        from: 'if (c.req.header("Authorization") !== undefined) return null;',
        to: "",
      },
    ],
  },
  {
    name: "a session's token, stored as it is",
    edits: [
      {
        file: "src/db/console-sessions.ts",
        from: "orm.insert(consoleSessions).values({ hash: await hashKey(token), keyId, expiresAt }),",
        to: "orm.insert(consoleSessions).values({ hash: token, keyId, expiresAt }),",
      },
      {
        file: "src/db/console-sessions.ts",
        from: "eq(consoleSessions.hash, await hashKey(token)),",
        to: "eq(consoleSessions.hash, token),",
      },
    ],
  },
];

/** The mutant of that name; throws when there is none. */
export function mutantNamed(name: string): Mutant {
  const found = mutants.find((mutant) => mutant.name === name);
  if (found === undefined) throw new Error(`No mutant is called ${name}`);
  return found;
}
