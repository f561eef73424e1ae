/** Bodies of imports, streamed: a file of any size is never held in memory at once. */

/**
 * In browsers give a Blob or File, which they stream from the disk by themselves; streams and
 * iterables need HTTP/2 there, and not every browser sends them.
 */
export type Upload =
  | string
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<string | Uint8Array>;

/** (BodyInit has no name in Node's types.) */
type Body = NonNullable<RequestInit["body"]>;

export interface UploadBody {
  body: Body;
  /** Whether it can be sent a second time. */
  isReplayable: boolean;
  /** What the caller's own source threw, which is no fault of the connection. */
  failure: { error: unknown } | null;
  /** Closes the caller's source. Node does not, when the answer comes before the end. */
  release: () => void;
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  // Not every browser can iterate a stream.
  const reader = stream.getReader();
  let done = false;
  try {
    for (;;) {
      const chunk = await reader.read();
      if (chunk.done) break;
      yield chunk.value;
    }
    done = true;
  } finally {
    if (!done) await reader.cancel().catch(() => undefined);
  }
}

export function uploadBody(upload: Upload): UploadBody {
  if (typeof upload === "string" || upload instanceof Uint8Array || upload instanceof Blob) {
    return { body: upload as Body, isReplayable: true, failure: null, release: () => undefined };
  }
  const chunks = upload instanceof ReadableStream ? chunksOf(upload) : upload;
  const source = chunks[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  const release = () => {
    // Not awaited: a source that is waiting for its next chunk closes after it. That it cannot be
    // closed changes nothing of the answer.
    source.return?.().catch(() => undefined);
  };
  const sent: UploadBody = { body: "", isReplayable: false, failure: null, release };
  sent.body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await source.next();
          if (chunk.done === true) return controller.close();
          const { value } = chunk;
          controller.enqueue(typeof value === "string" ? encoder.encode(value) : value);
        } catch (error) {
          sent.failure = { error };
          controller.error(error);
        }
      },
      cancel: release,
    },
    // Nothing is read ahead of what is sent.
    { highWaterMark: 0 },
  ) as Body;
  return sent;
}
