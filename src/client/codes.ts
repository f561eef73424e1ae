import type {
  BulkValidation,
  NewBulkValidation,
  NewValidation,
  Validation,
} from "./checkout-types.ts";
import type {
  Code,
  CodeHistory,
  CodeStatus,
  ExportedCode,
  Import,
  ImportError,
  ImportSummary,
  NewRevocation,
  Revocation,
} from "./code-types.ts";
import type { Export, ExportFormat, List } from "./lists.ts";
import { watch } from "./time.ts";
import { path, type CallOptions, type CreateOptions, type Transport } from "./transport.ts";
import type { Paging } from "./types.ts";
import type { Upload } from "./upload.ts";

export class Codes {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(
    campaign: string,
    filter: Paging & { status?: CodeStatus; batch_id?: string } = {},
    options: CallOptions = {},
  ): List<Code> {
    return this.#transport.list(path`/v1/campaigns/${campaign}/codes`, filter, options);
  }

  export(
    campaign: string,
    filter: { status?: CodeStatus; format?: ExportFormat } = {},
    options: CallOptions = {},
  ): Export<ExportedCode> {
    return this.#transport.export(path`/v1/campaigns/${campaign}/codes/export`, filter, options);
  }

  /** Whether this code could be redeemed now. Changes nothing. */
  validate(question: NewValidation, options: CallOptions = {}): Promise<Validation> {
    const route = "POST /v1/codes/validate";
    return this.#transport.json({ route, json: question, isRepeatable: true, options });
  }

  /** As one by one, at most 100 at once. */
  validateMany(questions: NewBulkValidation, options: CallOptions = {}): Promise<BulkValidation> {
    const route = "POST /v1/codes/bulk-validate";
    return this.#transport.json({ route, json: questions, isRepeatable: true, options });
  }

  /** At most 1,000 at once. A second try tells `already-revoked` of what the first one did. */
  revoke(revocation: NewRevocation, options: CallOptions = {}): Promise<Revocation> {
    const route = "POST /v1/codes/revoke";
    return this.#transport.json({ route, json: revocation, isRepeatable: true, options });
  }

  /** Everything known of one code. The code is in the body, so that no log of URLs has it. */
  lookup(code: string, options: CallOptions = {}): Promise<CodeHistory> {
    const route = "POST /v1/codes/lookup";
    return this.#transport.json({ route, json: { code }, isRepeatable: true, options });
  }
}

/** A million rows take minutes, and the answer comes after the last. */
const IMPORT_TIMEOUT_MS = 900_000;

export type ImportType = "text/csv" | "application/x-ndjson" | "application/json";

export class Imports {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Sends own codes. A body that was given whole is sent again when the answer is lost. One that
   * was a stream is not: `list` shows what became of it, and sending the same rows again adds none
   * twice, but counts those that were there as duplicates.
   */
  create(
    campaign: string,
    body: Upload,
    options: CreateOptions & { type: ImportType; dryRun?: boolean },
  ): Promise<Import> {
    const { type, dryRun, ...call } = options;
    const route = `POST ${path`/v1/campaigns/${campaign}/imports`}` as const;
    const query = dryRun === true ? { dry_run: true } : {};
    return this.#transport.create(
      { route, query, upload: { body, type } },
      { timeoutMs: IMPORT_TIMEOUT_MS, ...call },
    );
  }

  get(id: string, options: CallOptions = {}): Promise<Import> {
    return this.#transport.get(path`/v1/imports/${id}`, options);
  }

  /** The import as it is now, and again and again until it is no longer running. */
  watch(
    id: string,
    options: CallOptions & { intervalMs?: number } = {},
  ): AsyncGenerator<Import, void> {
    return watch((call) => this.get(id, call), options);
  }

  /** Newest first; the counts of one that is running grow. */
  list(campaign: string, paging: Paging = {}, options: CallOptions = {}): List<ImportSummary> {
    return this.#transport.list(path`/v1/campaigns/${campaign}/imports`, paging, options);
  }

  /** Every row that was not taken. */
  errors(id: string, paging: Paging = {}, options: CallOptions = {}): List<ImportError> {
    return this.#transport.list(path`/v1/imports/${id}/errors`, paging, options);
  }
}
