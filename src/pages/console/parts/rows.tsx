/** Lists of any length: a page at a time, more when asked for. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Page } from "../../../client/client.ts";
import { Failure, Loading } from "./load.tsx";

const PAGE_ROWS = 25;

export interface Rows<Row> {
  rows: Row[];
  /** Null until the first page is there. */
  isComplete: boolean | null;
  error: unknown;
  more: () => void;
  again: () => void;
}

/** Starts anew whenever one of `inputs` is another. */
export function useRows<Row>(
  call: (paging: { limit: number; cursor?: string }, signal: AbortSignal) => Promise<Page<Row>>,
  inputs: readonly unknown[],
): Rows<Row> {
  const [rows, setRows] = useState<Row[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const [error, setError] = useState<unknown>(null);
  const leaving = useRef(new AbortController());
  const load = (from: string | undefined, before: Row[]) => {
    leaving.current.abort();
    const { signal } = (leaving.current = new AbortController());
    setError(null);
    const paging = { limit: PAGE_ROWS, ...(from === undefined ? {} : { cursor: from }) };
    const called = async () => call(paging, signal);
    called().then(
      (page) => {
        if (signal.aborted) return;
        setRows([...before, ...page.data]);
        setCursor(page.next_cursor);
      },
      (caught: unknown) => !signal.aborted && setError(caught),
    );
  };
  useEffect(() => {
    setRows([]);
    setCursor(undefined);
    load(undefined, []);
    return () => leaving.current.abort();
  }, inputs);
  return {
    rows,
    isComplete: cursor === undefined ? null : cursor === null,
    error,
    more: () => typeof cursor === "string" && load(cursor, rows),
    again: () => load(undefined, []),
  };
}

/** A page of a list whose pages may be empty though more follow. */
export async function pageWithRows<Row>(
  paging: { limit: number; cursor?: string },
  get: (paging: { limit: number; cursor?: string }) => Promise<Page<Row>>,
): Promise<Page<Row>> {
  let page = await get(paging);
  while (page.data.length === 0 && page.next_cursor !== null) {
    page = await get({ ...paging, cursor: page.next_cursor });
  }
  return page;
}

/** Rows that came with something else, for a Table. */
export function everyRow<Row>(rows: Row[]): Rows<Row> {
  const nothing = () => undefined;
  return { rows, isComplete: true, error: null, more: nothing, again: nothing };
}

export interface Column<Row> {
  name: string;
  cell: (row: Row) => ComponentChildren;
  isNumber?: boolean;
}

/** On a narrow page each row is a card, its cells under their names. */
export function Table<Row>(props: {
  caption: string;
  of: Rows<Row>;
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  empty: ComponentChildren;
}) {
  const { of: list, columns } = props;
  if (list.isComplete === null && list.error === null) return <Loading />;
  if (list.rows.length === 0 && list.error === null) return <>{props.empty}</>;
  return (
    <>
      {list.rows.length > 0 && (
        <table>
          <caption class="visually-hidden">{props.caption}</caption>
          <thead>
            <tr>
              {columns.map(({ name, isNumber }) => (
                <th key={name} scope="col" class={isNumber === true ? "number" : ""}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {list.rows.map((row) => (
              <tr key={props.keyOf(row)}>
                {columns.map(({ name, cell, isNumber }) => (
                  <td key={name} data-name={name} class={isNumber === true ? "number" : ""}>
                    <div>{cell(row)}</div>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {list.error !== null && <Failure error={list.error} again={list.again} />}
      {list.isComplete === false && (
        <button type="button" class="button" onClick={list.more}>
          Show more
        </button>
      )}
    </>
  );
}
