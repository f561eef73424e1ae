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

/** The body as it arrives. Its stream fails with UploadTooLargeError past the limit. */
export function uploadBody(c: Context<HttpEnv>): ReadableStream<Uint8Array> {
  if (Number(c.req.header("Content-Length") ?? 0) > IMPORT_BYTES_MAX) {
    throw new ProblemError("payload-too-large", {
      detail: `A file may have ${IMPORT_BYTES_MAX} bytes at most; send it in parts.`,
    });
  }
  const { body } = c.req.raw;
  if (body === null) return new Response("").body ?? new ReadableStream();
  let bytes = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes > IMPORT_BYTES_MAX) controller.error(new UploadTooLargeError());
        else controller.enqueue(chunk);
      },
    }),
  );
}
