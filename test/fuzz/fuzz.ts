/** The loop: rounds of requests, several in flight, each answer judged and used again. */

import { Random } from "../support/random.ts";
import type { ApiDocument, Operation } from "./document.ts";
import { Judge, type FuzzAnswer } from "./judge.ts";
import { RequestMaker, type FuzzRequest } from "./request.ts";
import type { World } from "./world.ts";

export interface Failure {
  /** Of the request, from 1. */
  number: number;
  request: FuzzRequest;
  answer: FuzzAnswer | null;
  wrong: string[];
}

export interface Tally {
  /** Answers of an operation by the first digit of their status. */
  operations: Map<string, Record<string, number>>;
  statuses: Map<number, number>;
  failures: Failure[];
}

export interface FuzzOptions {
  document: ApiDocument;
  world: World;
  seed: number;
  requests: number;
  /** Sends a request; throws when there is no answer. */
  send: (request: FuzzRequest) => Promise<FuzzAnswer>;
  inFlight?: number;
  /** Requests of a round. What their answers show is used from the next one on. */
  round?: number;
  onRound?: (done: number, tally: Tally) => void;
  /** Failures after which to stop. */
  failuresMax?: number;
}

/** Apart enough that no two seeds share a request's row of numbers. */
const SEED_STEP = 1_000_003;

export async function fuzz(options: FuzzOptions): Promise<Tally> {
  const { document, world, seed, requests, send, onRound } = options;
  const { inFlight = 8, round = 64, failuresMax = 20 } = options;
  const judge = new Judge(document);
  const tally: Tally = {
    operations: new Map(document.operations.map(({ name }) => [name, {}])),
    statuses: new Map(),
    failures: [],
  };
  await world.begin();
  for (let first = 1; first <= requests; first += round) {
    if (first > 1) await world.renew();
    const made = Array.from({ length: Math.min(round, requests - first + 1) }, (_, i) => {
      const random = new Random(seed * SEED_STEP + first + i);
      return new RequestMaker({ document, world, random }).make();
    });
    const answers: (FuzzAnswer | Error)[] = [];
    let next = 0;
    const sender = async () => {
      while (next < made.length) {
        const at = next++;
        answers[at] = await send(made[at] as FuzzRequest).catch((error: unknown) =>
          error instanceof Error ? error : new Error(String(error)),
        );
      }
    };
    await Promise.all(Array.from({ length: inFlight }, sender));
    // In the order of their numbers, whatever the order of the answers was.
    made.forEach((request, i) => {
      const answer = answers[i] ?? new Error("never sent");
      const number = first + i;
      if (answer instanceof Error) {
        tally.failures.push({ number, request, answer: null, wrong: [String(answer)] });
        return;
      }
      const { wrong, operation, body } = judge.judge(request, answer);
      count(tally, operation, answer.status);
      if (wrong.length > 0) tally.failures.push({ number, request, answer, wrong });
      if (request.byOwner && operation !== null) world.harvest(operation.template, body);
    });
    onRound?.(first + made.length - 1, tally);
    if (tally.failures.length >= failuresMax) break;
  }
  return tally;
}

function count({ operations, statuses }: Tally, operation: Operation | null, status: number): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  if (operation === null) return;
  const counts = operations.get(operation.name) ?? {};
  const kind = `${Math.floor(status / 100)}xx`;
  counts[kind] = (counts[kind] ?? 0) + 1;
  operations.set(operation.name, counts);
}

/** Operations that never answered in one of these ways: nothing was learnt of it. */
export function unseen({ operations }: Tally, kinds = ["2xx", "4xx"]): string[] {
  return [...operations].flatMap(([name, counts]) =>
    kinds.filter((kind) => counts[kind] === undefined).map((kind) => `${name} never gave ${kind}`),
  );
}

const PRINTABLE = /^[\t\n\r\x20-\x7e]*$/;

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A command of a shell that sends the same bytes. */
export function curlOf(address: string, { method, path, headers, body }: FuzzRequest): string {
  const parts = ["curl -isS --path-as-is", `-X ${method}`, quoted(`${address}${path}`)];
  for (const [name, value] of headers) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body === null) return parts.join(" ");
  const text = new TextDecoder().decode(body);
  if (PRINTABLE.test(text) && text.length < 4_000) {
    return [...parts, `--data-binary ${quoted(text)}`].join(" ");
  }
  const base64 = btoa(Array.from(body, (byte) => String.fromCharCode(byte)).join(""));
  return `echo ${base64} | base64 -d | ${parts.join(" ")} --data-binary @-`;
}
