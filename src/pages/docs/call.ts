/** Makes the call that a form describes, and reads what comes, piece by piece. */

import type { Operation } from "./document.ts";
import { askSession } from "./session.ts";

/** Characters of an answer that are shown: an export may have millions. */
const SHOWN_MAX = 60_000;

export interface Filled {
  /** By place and name: `path campaign`. */
  parameters: Record<string, string>;
  mediaType: string | null;
  body: string;
}

export interface Made {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | null;
}

/** The request as it leaves; parameters that are empty are left out. */
export function requestOf({ method, path, parameters }: Operation, filled: Filled): Made {
  const valueOf = (place: string, name: string) => filled.parameters[`${place} ${name}`] ?? "";
  const target = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(valueOf("path", name)),
  );
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  for (const { in: place, name } of parameters) {
    const value = valueOf(place, name);
    if (value === "") continue;
    if (place === "query") query.set(name, value);
    if (place === "header") headers[name] = value;
  }
  if (filled.mediaType !== null) headers["Content-Type"] = filled.mediaType;
  return {
    method,
    path: query.size === 0 ? target : `${target}?${query.toString()}`,
    headers,
    body: filled.mediaType === null ? null : filled.body,
  };
}

export interface Answered {
  status: number;
  headers: [name: string, value: string][];
  /** As it came, or what of it is there so far. */
  text: string;
  isCut: boolean;
  isOver: boolean;
  isJson: boolean;
  milliseconds: number;
}

/** Shows what is there so far, again and again until it is over. */
export async function make(
  request: Made,
  show: (answered: Answered) => void,
  signal: AbortSignal,
): Promise<void> {
  const start = performance.now();
  const { method, path, headers, body } = request;
  const init = { method, headers, body, signal, credentials: "same-origin" } as const;
  const response = await fetch(path, init);
  // The session has ended, or its key was revoked: the field for a key comes back.
  if (response.status === 401) void askSession();
  const answered: Answered = {
    status: response.status,
    headers: [...response.headers],
    text: "",
    isCut: false,
    isOver: false,
    isJson: /\bjson\b/.test(response.headers.get("Content-Type") ?? ""),
    milliseconds: Math.round(performance.now() - start),
  };
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const read = await reader?.read();
    if (read === undefined || read.done) break;
    answered.text += read.value;
    if (answered.text.length > SHOWN_MAX) {
      answered.text = answered.text.slice(0, SHOWN_MAX);
      answered.isCut = true;
      await reader?.cancel();
      break;
    }
    if (!answered.isJson) show({ ...answered });
  }
  show({ ...answered, isOver: true });
}

/** JSON with a line for each field; what is none as it came. */
export function pretty({ text, isJson, isCut }: Answered): string {
  if (!isJson || isCut) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
