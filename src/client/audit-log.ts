import type { List } from "./lists.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { AuditEntry, AuditVerdict, Paging } from "./types.ts";

/** It reads every entry. */
const VERIFY_TIMEOUT_MS = 120_000;

/** Who changed what. */
export class AuditLog {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Newest first. */
  list(paging: Paging = {}, options: CallOptions = {}): List<AuditEntry> {
    return this.#transport.list("/v1/audit-log", paging, options);
  }

  /** Holds the log against its own hashes. With the head of an earlier call also its end. */
  verify(
    known: { number: number; hash: string } | null = null,
    options: CallOptions = {},
  ): Promise<AuditVerdict> {
    const call = { timeoutMs: VERIFY_TIMEOUT_MS, ...options };
    const query = known === null ? {} : { number: known.number, hash: known.hash };
    const route = "GET /v1/audit-log/verify";
    return this.#transport.json({ route, query, isRepeatable: true, options: call });
  }
}
