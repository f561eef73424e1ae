/** /docs/reference: every call and every event of the OpenAPI document, on one page. */

import type { Document } from "../../pages/docs/document.ts";
import { html, type Html } from "./html.ts";
import { anchorOf, markdown } from "./markdown.ts";
import { operationSection, webhookSection } from "./operation.ts";
import type { PageParts } from "./shell.ts";

export const REFERENCE = { href: "/docs/reference", title: "Reference" };

const INTRODUCTION = `Every call, made from the document that the service itself validates by: [openapi.json](/openapi.json).

Credentials go into \`Authorization: Bearer\`. A **secret key** belongs on a server. A **publishable key** may stand in a page, whose user a signed token names. **Try it** makes a call from this page, with the session of the [console](/console): sign in here or there, once.`;

function menu(document: Document): Html {
  const sections = document.sections.map(
    ({ name, operations }) =>
      html`<section data-group>
        <h2>${name}</h2>
        <ul>
          ${operations.map(
            ({ id, method, summary }) =>
              html`<li data-for="${id}">
                <a href="#${id}"
                  ><span class="method ${method.toLowerCase()}">${method}</span>
                  ${summary.replaceAll("`", "")}</a
                >
              </li>`,
          )}
        </ul>
      </section>`,
  );
  const events = document.webhooks.map(
    ({ path: name }) =>
      html`<li data-for="event-${name}"><a href="#event-${name}">${name}</a></li>`,
  );
  return html`<div class="filter" data-filter></div>
    ${sections}
    <section data-group>
      <h2>Events</h2>
      <ul>
        ${events}
      </ul>
    </section>`;
}

export function referencePage(document: Document): PageParts {
  const groups = document.sections.map(
    ({ name, description, operations }) =>
      html`<section class="group" data-group>
        <h2 id="tag-${anchorOf(name)}">${name}</h2>
        ${description === "" ? null : markdown(description)}
        ${operations.map((operation) => operationSection(document, operation))}
      </section>`,
  );
  const events = html`<section class="group" data-group>
    <h2 id="events">Events that webhooks carry</h2>
    <p>
      A webhook endpoint is sent each event that it asked for as a POST, signed as
      <a href="/docs/webhooks">Verify a webhook</a> shows.
    </p>
    ${document.webhooks.map((event) => webhookSection(document, event))}
  </section>`;
  return {
    ...REFERENCE,
    description:
      "Every call of Codedrop: parameters, bodies, answers, problems, and a form to try it.",
    kind: "reference",
    menu: menu(document),
    main: html`<h1>Reference</h1>
      ${markdown(INTRODUCTION)}
      <p class="nothing" data-nothing hidden>No call has all of these words.</p>
      ${groups}${events}`,
  };
}
