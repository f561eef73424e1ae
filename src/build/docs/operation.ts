/** One call of the reference: what it takes, what it answers, and how it is made. */

import type { Answer, Body, Document, Operation, Parameter } from "../../pages/docs/document.ts";
import { html, joined, type Html } from "./html.ts";
import { codeBlock, inlineMarkdown, markdown } from "./markdown.ts";
import { samplesOf } from "./samples.ts";
import { field, tree } from "./schema.ts";

/** Who may call, by the document's security schemes. */
const CREDENTIALS: Record<string, string> = {
  operatorToken: "the operator token",
  secretKey: "a secret key",
  publishableKey: "a publishable key",
  userToken: "a user token",
};

function credentials({ security = [] }: Operation): Html {
  const ways = security.filter((way) => Object.keys(way).length > 0);
  if (ways.length === 0) return html`<p class="access">Anybody may call it.</p>`;
  const told = ways.map((way) => {
    const names = Object.entries(way).map(
      ([scheme, scopes]) =>
        html`${CREDENTIALS[scheme] ?? scheme}${scopes.map((scope) => html` with the scope <code>${scope}</code>`)}`,
    );
    return joined(names, " and ");
  });
  return html`<p class="access">Takes ${joined(told, ", or ")}.</p>`;
}

function parameters(document: Document, title: string, lines: Parameter[]): Html | null {
  if (lines.length === 0) return null;
  return html`<h4>${title}</h4>
    <ul class="fields">
      ${lines.map(({ name, in: place, required = false, description, schema = {} }) =>
        field(document, { name, schema, isRequired: required, description, place: `, ${place}` }),
      )}
    </ul>`;
}

/** What is in a body of each media type. */
function contents(document: Document, { content = {} }: Body): Html {
  return html`${Object.entries(content).map(([type, { schema = {} }]) => {
    const fields = tree(document, schema);
    return html`<p class="media"><code>${type}</code></p>
      ${fields ?? html`<p class="quiet">A text.</p>`}`;
  })}`;
}

function body(document: Document, sent: Body | null): Html | null {
  if (sent === null) return null;
  const words =
    sent.description === undefined ? null : html`<p>${inlineMarkdown(sent.description)}</p>`;
  return html`<h4>Body</h4>
    ${words}${contents(document, sent)}`;
}

function headers(document: Document, { headers: all = {} }: Answer): Html | null {
  const lines = Object.entries(all).map(([name, given]) => {
    const { description, schema = {} } = document.resolve(given);
    return field(document, { name, schema, isRequired: false, description, place: ", header" });
  });
  return lines.length === 0
    ? null
    : html`<p class="media">Headers</p>
        <ul class="fields">
          ${lines}
        </ul>`;
}

const isGood = ([status]: [string, Answer]) => /^[123]/.test(status);

function answers(document: Document, all: [string, Answer][]): Html {
  return html`<h4>Answers</h4>
    ${all.filter(isGood).map(
      ([status, answer]) =>
        html`<details class="answer">
          <summary>
            <span class="status">${status}</span> ${inlineMarkdown(answer.description ?? "")}
          </summary>
          ${contents(document, answer)}${headers(document, answer)}
        </details>`,
    )}`;
}

/** The description of each status, in which a problem's slug leads to its page. */
function problems(all: [string, Answer][]): Html | null {
  const bad = all.filter((answer) => !isGood(answer));
  if (bad.length === 0) return null;
  return html`<details class="answer">
    <summary>Problems</summary>
    <dl class="problems">
      ${bad.map(
        ([status, { description = "" }]) =>
          html`<dt>${status}</dt>
            <dd>
              ${inlineMarkdown(
                description.replaceAll(/`([a-z][a-z-]+)`:/g, "[`$1`](/problems/$1):"),
              )}
            </dd>`,
      )}
    </dl>
  </details>`;
}

function samples(document: Document, operation: Operation): Html {
  return html`<div class="samples">
    ${samplesOf(document, operation).map(
      ({ language, label, text }) =>
        html`<section data-sample="${label}">
          <h4>${label}</h4>
          ${codeBlock(text, language)}
        </section>`,
    )}
  </div>`;
}

/** Why there is no form that makes the call; null where there is one. */
function whyNotTried({ security = [] }: Operation): string | null {
  return security.some((way) => "operatorToken" in way)
    ? "The operator token opens every brand, so it has no place in a page: make this call from a terminal."
    : null;
}

export function operationSection(document: Document, operation: Operation): Html {
  const { id, method, path, summary, description = "" } = operation;
  const inPlaces = operation.parameters.filter((one) => one.in !== "header");
  const inHeaders = operation.parameters.filter((one) => one.in === "header");
  const reason = whyNotTried(operation);
  return html`<section class="operation" id="${id}" aria-labelledby="${id}-title" data-operation>
    <h3 id="${id}-title">
      ${inlineMarkdown(summary)} <a class="anchor" href="#${id}" aria-label="Link to ${id}">#</a>
    </h3>
    <p class="route">
      <span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code>
    </p>
    <div class="columns">
      <div>
        ${description === "" ? null : markdown(description)}${credentials(operation)}${parameters(
          document,
          "Parameters",
          inPlaces,
        )}${parameters(document, "Headers", inHeaders)}${body(document, operation.body)}${answers(
          document,
          operation.answers,
        )}${problems(operation.answers)}
      </div>
      <div class="aside">
        ${samples(document, operation)}${
          reason === null
            ? html`<div class="try" data-try="${id}"></div>`
            : html`<p class="quiet">${reason}</p>`
        }
      </div>
    </div>
  </section>`;
}

/** An event as an endpoint gets it. */
export function webhookSection(document: Document, event: Operation): Html {
  const { path: name, summary } = event;
  const id = `event-${name}`;
  return html`<section class="operation" id="${id}" aria-labelledby="${id}-title" data-operation>
    <h3 id="${id}-title">
      <code>${name}</code> <a class="anchor" href="#${id}" aria-label="Link to ${name}">#</a>
    </h3>
    <p>${inlineMarkdown(summary)}.</p>
    <details class="answer">
      <summary>What it carries</summary>
      ${event.body === null ? null : contents(document, event.body)}
    </details>
  </section>`;
}
