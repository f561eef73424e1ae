/** The body of an upload: what it may be, and how much of it is read. */

import type { Context } from "hono";
import { IMPORT_BYTES_MAX } from "../domain/import.ts";
import type { ImportFormat } from "../inventory/rows/row.ts";
import type { HttpEnv } from "./http-env.ts";
import { ProblemError } from "./problems.ts";

const FORMATS: Record<string, ImportFormat> = {
  "text/csv": "csv",
  "application/x-ndjson": "ndjson",
  "application/json": "json",
};

export const UPLOAD_TYPES = Object.keys(FORMATS);

/** The format that the request says its body has, or 415. */
export function uploadFormat(c: Context<HttpEnv>): ImportFormat {
  const [type = "", ...parameters] = (c.req.header("Content-Type") ?? "").toLowerCase().split(";");
  const format = FORMATS[type.trim()];
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1])
    .find((name) => name !== undefined);
  const isUtf8 = charset === undefined || charset === "utf-8" || charset === "utf8";
  if (format === undefined || !isUtf8 || c.req.header("Content-Encoding") !== undefined) {
    throw new ProblemError("unsupported-media-type", {
      detail: `Send the file as it is, in UTF-8, as one of: ${UPLOAD_TYPES.join(", ")}.`,
      headers: { Accept: UPLOAD_TYPES.join(", ") },
    });
  }
  return format;
}

/** More bytes than an upload may have came, announced or not. */
export class UploadTooLargeError extends Error {}

/**
 * The body as it arrives. Its stream fails with UploadTooLargeError past the limit; `hash` is given
 * what passes, and closed after it.
 */
function uploadBody(
  c: Context<HttpEnv>,
  hash: WritableStreamDefaultWriter<ArrayBuffer | ArrayBufferView> | null,
): ReadableStream<Uint8Array> {
  if (Number(c.req.header("Content-Length") ?? 0) > IMPORT_BYTES_MAX) {
    throw new ProblemError("payload-too-large", {
      detail: `A file may have ${IMPORT_BYTES_MAX} bytes at most; send it in parts.`,
    });
  }
  const body = c.req.raw.body ?? new Response("").body ?? new ReadableStream<Uint8Array>();
  let bytes = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes > IMPORT_BYTES_MAX) return controller.error(new UploadTooLargeError());
        await hash?.write(chunk);
        controller.enqueue(chunk);
      },
      flush: () => hash?.close(),
    }),
  );
}

/** The body as it arrives; for a request that may be repeated, SHA-256 of it when all was read. */
export function openUpload(c: Context<HttpEnv>): {
  body: ReadableStream<Uint8Array>;
  digest: () => Promise<string> | undefined;
} {
  if (c.get("once") === undefined) return { body: uploadBody(c, null), digest: () => undefined };
  const hash = new crypto.DigestStream("SHA-256");
  const body = uploadBody(c, hash.getWriter());
  return { body, digest: async () => new Uint8Array(await hash.digest).toHex() };
}

/** SHA-256 of the whole body, of which nothing is kept. */
export async function uploadDigest(c: Context<HttpEnv>): Promise<string> {
  const hash = new crypto.DigestStream("SHA-256");
  await uploadBody(c, null).pipeTo(hash);
  return new Uint8Array(await hash.digest).toHex();
}
