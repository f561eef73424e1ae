/** A brand that makes, brings and takes out codes by the million. */

import { readdirSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import type { Brand } from "../support/api.ts";
import type { Runtime } from "../support/runtime.ts";
import type { OwnFile } from "./files.ts";

const POLL_MS = 250;

export interface Batch {
  id: string;
  status: string;
  requested: number;
  created: number;
}

export interface Import {
  id: string;
  status: string;
  rows: number;
  accepted: number;
  duplicates: number;
  rejected: number;
}

/** Fails the run: what was promised is not so. */
export function require(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`NOT SO: ${what}`);
}

export async function startBatch(
  runtime: Runtime,
  brand: Brand,
  campaign: string,
  count: number,
): Promise<Batch> {
  const route = `POST /v1/campaigns/${campaign}/batches`;
  const answer = await runtime.api.send<Batch>(brand.secret, route, { count });
  require(answer.status === 201 || answer.status === 202, `a batch is begun: ${answer.text}`);
  return answer.body;
}

export async function readBatch(runtime: Runtime, brand: Brand, id: string): Promise<Batch> {
  return (await runtime.api.send<Batch>(brand.secret, `GET /v1/batches/${id}`)).body;
}

/** Looks at the batch until it is done; how many codes there were at each look. */
export async function watchBatch(
  runtime: Runtime,
  brand: Brand,
  id: string,
  onLook: (batch: Batch) => void,
): Promise<number[]> {
  const seen: number[] = [];
  for (;;) {
    const batch = await readBatch(runtime, brand, id);
    seen.push(batch.created);
    onLook(batch);
    if (batch.status !== "running") {
      require(batch.status === "complete", `the batch is complete, not ${batch.status}`);
      return seen;
    }
    await pause(POLL_MS);
  }
}

/** Where a file is sent, and by whom. */
export interface Addressee {
  runtime: Runtime;
  brand: Brand;
  campaign: string;
}

export async function sendFile(
  { runtime, brand, campaign }: Addressee,
  file: Pick<OwnFile, "pieces">,
  signal?: AbortSignal,
): Promise<Import> {
  const init = {
    method: "POST",
    headers: { Authorization: `Bearer ${brand.secret}`, "Content-Type": "text/csv" },
    // Read on as the socket drains.
    body: Readable.toWeb(Readable.from(file.pieces())) as unknown as BodyInit,
    duplex: "half" as const,
    ...(signal === undefined ? {} : { signal }),
  };
  const response = await fetch(`${runtime.address}/v1/campaigns/${campaign}/imports`, init);
  const text = await response.text();
  require(response.status === 201, `the file is taken: ${text.slice(0, 500)}`);
  return JSON.parse(text) as Import;
}

/** What lies in the database on disk: the rows, and how many of them differ. */
export function countOnDisk(stateDir: string): { codes: number; distinct: number } {
  const folder = path.join(stateDir, "v3/d1");
  const file = readdirSync(folder, { recursive: true, encoding: "utf8" }).find(
    (name) => name.endsWith(".sqlite") && !name.endsWith("metadata.sqlite"),
  );
  if (file === undefined) throw new Error(`No database under ${folder}`);
  const db = new DatabaseSync(path.join(folder, file));
  try {
    return db
      .prepare("SELECT count(*) AS codes, count(DISTINCT code) AS 'distinct' FROM codes")
      .get() as { codes: number; distinct: number };
  } finally {
    db.close();
  }
}
