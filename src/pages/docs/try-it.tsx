/** The form under a call that makes it, with the session of the console. */

import { render } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { AnswerView } from "./answer.tsx";
import { make, requestOf, type Answered, type Filled, type Made } from "./call.ts";
import { Document, mediaOf, type OpenApi, type Operation } from "./document.ts";
import { exampleOfMedia, exampleOfParameter, typesOf } from "./example.ts";
import { watchSession, type Session } from "./session.ts";
import { SignIn } from "./sign-in.tsx";

/** What cannot be taken back, besides every DELETE. */
const FINAL = new Set([
  "cancelBatch",
  "endCampaign",
  "revokeCodes",
  "rotateCheckKey",
  "rotateKey",
  "rotateWebhookSecret",
  "updateProfile",
]);

const isFinal = ({ id, method }: Operation) => method === "DELETE" || FINAL.has(id);
const isPublic = ({ security = [] }: Operation) => security.length === 0;

function bodyText(openApi: Document, operation: Operation, type: string | null): string {
  const media = type === null ? undefined : operation.body?.content?.[type];
  if (media === undefined) return "";
  const example = exampleOfMedia(openApi, media);
  return typeof example === "string" ? example : JSON.stringify(example, null, 2);
}

function startOf(openApi: Document, operation: Operation): Filled {
  const mediaType = mediaOf(operation.body?.content)?.[0] ?? null;
  const inPath = operation.parameters.filter((one) => one.in === "path");
  return {
    parameters: Object.fromEntries(
      inPath.map((one) => [`path ${one.name}`, exampleOfParameter(one)]),
    ),
    mediaType,
    body: bodyText(openApi, operation, mediaType),
  };
}

function Fields(props: {
  operation: Operation;
  filled: Filled;
  set: (key: string, value: string) => void;
}) {
  const { operation, filled, set } = props;
  return (
    <>
      {operation.parameters.map(({ name, in: place, required, schema = {} }) => {
        const key = `${place} ${name}`;
        const values = schema.enum ?? (typesOf(schema)[0] === "boolean" ? [true, false] : null);
        const value = filled.parameters[key] ?? "";
        const change = (event: { currentTarget: { value: string } }) =>
          set(key, event.currentTarget.value);
        return (
          <label key={key}>
            <span>
              <code>{name}</code> <span class="quiet">{place}</span>
            </span>
            {values === null ? (
              <input
                value={value}
                required={required === true}
                onInput={change}
                autoComplete="off"
              />
            ) : (
              <select value={value} onChange={change}>
                {required === true ? null : <option value="">–</option>}
                {values.map((one) => (
                  <option key={String(one)}>{String(one)}</option>
                ))}
              </select>
            )}
          </label>
        );
      })}
    </>
  );
}

function BodyField(props: {
  operation: Operation;
  filled: Filled;
  setType: (type: string) => void;
  setBody: (text: string) => void;
}) {
  const { operation, filled, setType, setBody } = props;
  const types = Object.keys(operation.body?.content ?? {});
  if (filled.mediaType === null) return null;
  return (
    <>
      {types.length > 1 ? (
        <label>
          Content-Type
          <select
            value={filled.mediaType}
            onChange={({ currentTarget }) => setType(currentTarget.value)}
          >
            {types.map((type) => (
              <option key={type}>{type}</option>
            ))}
          </select>
        </label>
      ) : null}
      <label>
        Body
        <textarea
          rows={Math.min(14, filled.body.split("\n").length + 1)}
          spellcheck={false}
          value={filled.body}
          onInput={({ currentTarget }) => setBody(currentTarget.value)}
        />
      </label>
    </>
  );
}

/** Asked before a call that cannot be taken back. */
function Confirm(props: { operation: Operation; onYes: () => void; onNo: () => void }) {
  const { operation, onYes, onNo } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog class="card" ref={dialog} aria-labelledby={title} onClose={onNo}>
      <h4 id={title}>This cannot be taken back</h4>
      <p>
        {operation.summary}: <code>{operation.method}</code> <code>{operation.path}</code>, for
        real, with what is in the form.
      </p>
      <div class="actions">
        <button type="button" class="button" onClick={onNo}>
          Leave it
        </button>
        <button type="button" class="button danger" onClick={onYes}>
          Do it
        </button>
      </div>
    </dialog>
  );
}

/** Who is signed in; undefined until that is known. */
function useSession(): Session | null | undefined {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  useEffect(() => watchSession(setSession), []);
  return session;
}

/** One call at a time, and how far it is. */
function useCall() {
  const [made, setMade] = useState<Made | null>(null);
  const [answered, setAnswered] = useState<Answered | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null);
  const [isRunning, setRunning] = useState(false);
  const stop = () => running.current?.abort();
  const start = async (request: Made) => {
    stop();
    const controller = new AbortController();
    running.current = controller;
    setMade(request);
    setAnswered(null);
    setFailure(null);
    setRunning(true);
    try {
      await make(request, setAnswered, controller.signal);
    } catch {
      if (!controller.signal.aborted) setFailure("There was no answer: the connection was lost.");
    }
    if (running.current === controller) setRunning(false);
  };
  return { made, answered, failure, isRunning, start, stop };
}

function TryIt({ openApi, operation }: { openApi: Document; operation: Operation }) {
  const [filled, setFilled] = useState(() => startOf(openApi, operation));
  const [isAsking, setAsking] = useState(false);
  const session = useSession();
  const call = useCall();
  const form = useRef<HTMLFormElement>(null);
  const isLoaded = isPublic(operation) || session !== undefined;
  useEffect(() => {
    if (isLoaded)
      form.current?.querySelector<HTMLElement>("input, select, textarea, button")?.focus();
  }, [isLoaded]);
  const mayCall = isPublic(operation) || session != null;
  const send = () => {
    setAsking(false);
    void call.start(requestOf(operation, filled));
  };
  return (
    <div class="try-it card">
      {isPublic(operation) ? null : <SignIn session={session} operationId={operation.id} />}
      {mayCall ? (
        <form
          ref={form}
          onSubmit={(event) => {
            event.preventDefault();
            if (isFinal(operation)) setAsking(true);
            else send();
          }}
        >
          <Fields
            operation={operation}
            filled={filled}
            set={(key, value) =>
              setFilled((old) => ({ ...old, parameters: { ...old.parameters, [key]: value } }))
            }
          />
          <BodyField
            operation={operation}
            filled={filled}
            setType={(mediaType) =>
              setFilled((old) => ({
                ...old,
                mediaType,
                body: bodyText(openApi, operation, mediaType),
              }))
            }
            setBody={(body) => setFilled((old) => ({ ...old, body }))}
          />
          <div class="actions">
            <button class="button primary">Send</button>
            {call.isRunning ? (
              <button type="button" class="button" onClick={call.stop}>
                Stop
              </button>
            ) : null}
          </div>
        </form>
      ) : null}
      {isAsking ? (
        <Confirm operation={operation} onYes={send} onNo={() => setAsking(false)} />
      ) : null}
      <AnswerView made={call.made} answered={call.answered} failure={call.failure} />
    </div>
  );
}

let loading: Promise<Document> | null = null;

/** Of what the service says of itself, asked once. */
function loadDocument(): Promise<Document> {
  loading ??= fetch("/openapi.json").then(
    async (answer) => new Document((await answer.json()) as OpenApi),
  );
  // What failed is asked for anew the next time.
  loading.catch(() => {
    loading = null;
  });
  return loading;
}

/** Puts the form for a call in the place of its button. */
export async function openTryIt(place: HTMLElement, id: string): Promise<void> {
  const openApi = await loadDocument();
  const operation = openApi.operations.find((one) => one.id === id);
  if (operation === undefined) throw new Error(`There is no call ${id}.`);
  place.replaceChildren();
  render(<TryIt openApi={openApi} operation={operation} />, place);
}
