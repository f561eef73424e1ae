/** Answers of many rows: lists, which come in pages, and exports, which come in one stream. */

import { CodedropConnectionError } from "./errors.ts";
import type { Page, Paging } from "./types.ts";

/** Rows asked for at once when all are wanted: the most that the service gives. */
const LIMIT_MAX = 100;

/** `for await` goes through every row of every page, `pages()` page by page; `page()` gets one. */
export class List<Row> implements AsyncIterable<Row> {
  readonly #get: (paging: Paging) => Promise<Page<Row>>;
  readonly #paging: Paging;

  constructor(get: (paging: Paging) => Promise<Page<Row>>, paging: Paging) {
    this.#get = get;
    this.#paging = paging;
  }

  /** The page at `cursor`, or the first. */
  page(): Promise<Page<Row>> {
    return this.#get(this.#paging);
  }

  async *pages(): AsyncGenerator<Page<Row>, void> {
    const paging: Paging = { limit: LIMIT_MAX, ...this.#paging };
    for (;;) {
      const page = await this.#get(paging);
      const { next_cursor: cursor } = page;
      yield page;
      if (cursor === null) return;
      paging.cursor = cursor;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void> {
    for await (const { data } of this.pages()) yield* data;
  }
}

/**
 * `for await` gives the rows; `stream()` gives the bytes of the format that was asked for. A stream
 * that is cut short throws a CodedropConnectionError; it never just ends.
 */
export class Export<Row> implements AsyncIterable<Row> {
  readonly #open: (format: ExportFormat) => Promise<ReadableStream<Uint8Array>>;
  readonly #format: ExportFormat;

  constructor(
    open: (format: ExportFormat) => Promise<ReadableStream<Uint8Array>>,
    format: ExportFormat,
  ) {
    this.#open = open;
    this.#format = format;
  }

  /** One request, whose answer is not kept in memory. */
  stream(): Promise<ReadableStream<Uint8Array>> {
    return this.#open(this.#format);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row> {
    const reader = (await this.#open("ndjson")).getReader();
    const decoder = new TextDecoder();
    let rest = "";
    let done = false;
    try {
      while (!done) {
        const chunk = await reader.read();
        done = chunk.done;
        const lines = (rest + decoder.decode(chunk.value, { stream: !done })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") yield JSON.parse(line) as Row;
      }
      if (rest !== "") yield lastRow<Row>(rest);
    } finally {
      if (!done) await reader.cancel().catch(() => undefined);
    }
  }
}

export type ExportFormat = "csv" | "ndjson";

/** A line without its end may be half a line: an intermediary hid from us that it was cut. */
function lastRow<Row>(line: string): Row {
  try {
    return JSON.parse(line) as Row;
  } catch (cause) {
    throw new CodedropConnectionError("cut", "The export ends in the middle of a row.", {
      mayHaveArrived: true,
      cause,
    });
  }
}
