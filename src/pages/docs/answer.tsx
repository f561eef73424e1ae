/** What was sent, and what came back: a problem is told as one. */

import { pretty, type Answered, type Made } from "./call.ts";

interface Problem {
  type: string;
  title: string;
  detail?: string;
  errors?: { in: string; pointer: string; detail: string }[];
}

function problemOf({ status, isJson, isOver, text }: Answered): Problem | null {
  if (status < 400 || !isJson || !isOver) return null;
  const body = JSON.parse(text) as Partial<Problem>;
  return typeof body.type === "string" && typeof body.title === "string" ? (body as Problem) : null;
}

function ProblemView({ problem }: { problem: Problem }) {
  const slug = problem.type.split("/").at(-1) ?? "";
  return (
    <div class="problem">
      <p>
        <strong>{problem.title}</strong> (<a href={`/problems/${slug}`}>{slug}</a>)
      </p>
      {problem.detail === undefined ? null : <p>{problem.detail}</p>}
      {problem.errors === undefined ? null : (
        <ul>
          {problem.errors.map(({ in: place, pointer, detail }) => (
            <li key={`${place} ${pointer} ${detail}`}>
              <code>
                {place} {pointer}
              </code>{" "}
              {detail}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Request({ made }: { made: Made }) {
  const headers = Object.entries(made.headers).map(([name, value]) => `${name}: ${value}`);
  const lines = [`${made.method} ${made.path}`, ...headers];
  return (
    <details>
      <summary>Request</summary>
      <pre>
        <code>{[...lines, ...(made.body === null ? [] : ["", made.body])].join("\n")}</code>
      </pre>
    </details>
  );
}

const kindOf = (status: number) => (status < 300 ? "good" : status < 400 ? "warn" : "bad");

export function AnswerView(props: {
  made: Made | null;
  answered: Answered | null;
  failure: string | null;
}) {
  const { made, answered, failure } = props;
  const problem = answered === null ? null : problemOf(answered);
  return (
    <div class="answered">
      <div role="status">
        {failure === null ? null : <p class="failure">{failure}</p>}
        {answered === null ? null : (
          <p>
            <span class={`status ${kindOf(answered.status)}`}>{answered.status}</span> in{" "}
            {answered.milliseconds} ms{answered.isOver ? "" : ", going on"}
          </p>
        )}
        {problem === null ? null : <ProblemView problem={problem} />}
      </div>
      {made === null ? null : <Request made={made} />}
      {answered === null ? null : (
        <>
          <details>
            <summary>Headers</summary>
            <pre>
              <code>{answered.headers.map(([name, value]) => `${name}: ${value}`).join("\n")}</code>
            </pre>
          </details>
          {answered.text === "" ? (
            <p class="quiet">{answered.isOver ? "There is no body." : "Nothing yet."}</p>
          ) : (
            <pre class="body">
              <code>{pretty(answered)}</code>
            </pre>
          )}
          {answered.isCut ? <p class="quiet">The rest is not shown.</p> : null}
        </>
      )}
    </div>
  );
}
