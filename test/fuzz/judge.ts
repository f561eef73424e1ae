/** Every answer held against what the document declares, and against what holds for all. */

import type { ApiDocument, DeclaredResponse, Operation, Schema } from "./document.ts";
import type { FuzzRequest } from "./request.ts";

export interface FuzzAnswer {
  status: number;
  headers: Headers;
  text: string;
}

export interface Judgement {
  /** That of the document which the request met, whichever it was made for. */
  operation: Operation | null;
  wrong: string[];
  /** The JSON of the answer, or null. */
  body: unknown;
}

const EVERYWHERE: Record<string, RegExp> = {
  "X-Request-Id": /^[\w=-]{1,255}$/,
  "X-Content-Type-Options": /^nosniff$/,
  "Content-Security-Policy": /default-src 'none'/,
  "Strict-Transport-Security": /max-age=31536000/,
  "Referrer-Policy": /^no-referrer$/,
};
const NOWHERE = ["Server", "X-Powered-By"];
/** What only the inside of the service knows. */
const INSIDE = /SQLITE|D1_ERROR|drizzle|\bat \w+ \(|\.[jt]s:\d+:\d+|SELECT .* FROM|INSERT INTO/;
const PROBLEM = "application/problem+json";
/** What a spreadsheet would compute. */
const FORMULA = /^[=+@\t\r]|^-(?!\d+$)/;

export class Judge {
  readonly #document: ApiDocument;

  constructor(document: ApiDocument) {
    this.#document = document;
  }

  judge(request: FuzzRequest, answer: FuzzAnswer): Judgement {
    const { operation, onPath } = this.#document.route(request.method, request.path);
    const { status } = answer;
    const wrong: string[] = [...headersWrong(answer)];
    if (status >= 500) wrong.push(`${status}`);
    if (request.faults.length > 0 && status < 300 && operation !== null) {
      wrong.push(`took a request with ${request.faults.join(", ")}`);
    }
    const body = bodyOf(answer);
    if (operation !== null) {
      const declared = operation.responses[status];
      if (declared === undefined) wrong.push(`${status} is not declared for ${operation.name}`);
      else wrong.push(...this.#held(request, answer, { declared, body }));
    } else wrong.push(...this.#unmatched(request, answer, { onPath, body }));
    if (status >= 400) wrong.push(...problemWrong(request, answer, body));
    return { operation, wrong, body };
  }

  /** No operation: 404 where no path is, 405 where the path has other methods. */
  #unmatched(
    request: FuzzRequest,
    answer: FuzzAnswer,
    met: { onPath: Operation[]; body: unknown },
  ): string[] {
    const { onPath, body } = met;
    const { method, path } = request;
    if (method === "OPTIONS" && answer.status === 204) return [];
    const expected = onPath.length === 0 ? 404 : 405;
    if (answer.status !== expected) {
      return [`${answer.status} instead of ${expected} to ${method} ${path.slice(0, 80)}`];
    }
    // A path that is not in the document answers like one that is.
    const [like] = onPath.length > 0 ? onPath : this.#document.operations;
    const declared = like?.responses[405];
    return declared === undefined ? [] : this.#held(request, answer, { declared, body }, expected);
  }

  #held(
    { method }: FuzzRequest,
    answer: FuzzAnswer,
    met: { declared: DeclaredResponse; body: unknown },
    status = answer.status,
  ): string[] {
    const { declared, body } = met;
    const wrong: string[] = [];
    for (const [name, { required }] of Object.entries(declared.headers ?? {})) {
      const isDue = required === true && (status !== 404 || name === "X-Request-Id");
      if (isDue && !answer.headers.has(name)) wrong.push(`no ${name}`);
    }
    const type = (answer.headers.get("Content-Type") ?? "").split(";")[0]?.trim() ?? "";
    if (declared.content === undefined) {
      if (answer.text !== "") wrong.push(`a body where none is declared for ${status}`);
      return wrong;
    }
    const content = declared.content[type];
    if (content === undefined) {
      return [...wrong, `content type "${type}" is not declared for ${status}`];
    }
    if (method === "HEAD") return answer.text === "" ? wrong : [...wrong, "a body after HEAD"];
    const complaint = this.#complaint(content.schema ?? {}, type, answer, body);
    if (complaint !== null) wrong.push(`the body of ${status}: ${complaint}`);
    if (type === PROBLEM && status !== 404) wrong.push(...slugWrong(declared, body));
    return wrong;
  }

  #complaint(schema: Schema, type: string, answer: FuzzAnswer, body: unknown): string | null {
    if (/\bjson$/.test(type) && type !== "application/x-ndjson") {
      return body === undefined ? "is not JSON" : this.#document.complaint(schema, body, "answer");
    }
    if (type === "application/x-ndjson") {
      try {
        for (const line of answer.text.split("\n")) if (line !== "") JSON.parse(line);
      } catch {
        return "has a line that is not JSON";
      }
    }
    if (type === "text/event-stream") {
      const data = /^event: stock\ndata: (.*)$/m.exec(answer.text)?.[1];
      if (data === undefined) return "has no event";
      return this.#document.complaint(schema, JSON.parse(data), "answer");
    }
    if (type === "text/csv") {
      const formula = cellsOf(answer.text).find((cell) => FORMULA.test(cell));
      if (formula !== undefined) return `has the formula ${formula}`;
    }
    return this.#document.complaint(schema, answer.text, "answer");
  }
}

function cellsOf(csv: string): string[] {
  const cells = csv.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(?:,|\r\n|\n|$)/g);
  return Array.from(cells, ([, cell = ""]) =>
    cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
  );
}

/** The answer's JSON; undefined where it should be JSON and is not, null where it need not be. */
function bodyOf(answer: FuzzAnswer): unknown {
  if (!/^application\/(problem\+)?json\b/.test(answer.headers.get("Content-Type") ?? ""))
    return null;
  try {
    return JSON.parse(answer.text) as unknown;
  } catch {
    return undefined;
  }
}

function headersWrong({ headers }: FuzzAnswer): string[] {
  return [
    ...Object.entries(EVERYWHERE)
      .filter(([name, shape]) => !shape.test(headers.get(name) ?? ""))
      .map(([name]) => `${name} is "${headers.get(name) ?? ""}"`),
    ...NOWHERE.filter((name) => headers.has(name)).map((name) => `${name} is told`),
  ];
}

function problemWrong(request: FuzzRequest, answer: FuzzAnswer, body: unknown): string[] {
  const wrong: string[] = [];
  const { headers, status, text } = answer;
  if (headers.get("Cache-Control") !== "no-store") wrong.push("a problem that may be cached");
  const inside = INSIDE.exec(text)?.[0];
  // A problem names the fields that the caller sent, whatever they are called.
  const sent = new TextDecoder().decode(request.body ?? undefined) + request.path;
  if (inside !== undefined && !sent.includes(inside)) {
    wrong.push(`the problem tells of the inside: ${inside}`);
  }
  if (request.method === "HEAD") return wrong;
  const told = (body ?? {}) as Record<string, unknown>;
  if (told["status"] !== status) wrong.push(`the problem says status ${String(told["status"])}`);
  // A refusal that is given again by its key is the first one's, byte by byte.
  const isReplay = headers.get("Idempotent-Replayed") === "true";
  if (!isReplay && told["request_id"] !== headers.get("X-Request-Id")) {
    wrong.push("another request_id");
  }
  return wrong;
}

/** The document names in words which problems an operation has. */
function slugWrong({ description }: DeclaredResponse, body: unknown): string[] {
  const type = (body as { type?: unknown } | null | undefined)?.type;
  const slug = typeof type === "string" ? type.split("/").at(-1) : undefined;
  return description.includes(`\`${slug}\``) ? [] : [`the problem ${slug} is not declared`];
}
