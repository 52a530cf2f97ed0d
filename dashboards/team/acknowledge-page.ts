/** The page that an acknowledge link opens: the incident in short, and one button that acknowledges it. */
import { html } from "hono/html";
import type { Incident } from "../../core/incident.ts";
import type { Contact } from "../../core/organisation.ts";
import type { Html } from "../parts/html.ts";
import { textFor, wordsFor } from "../parts/lang-attribute.ts";
import { type LayoutProps, renderPage } from "../parts/layout.ts";
import { sign } from "../parts/state.ts";
import { moment, span } from "../parts/time.ts";

export interface AcknowledgeView {
  readonly incident: Incident;
  /** Whom the link was sent to. */
  readonly contact: Contact;
  readonly now: Temporal.Instant;
  /** What the button did; absent when it was not pressed. */
  readonly result?: "done" | "yours" | "taken" | "over";
}

export function acknowledgePage(view: AcknowledgeView, props: LayoutProps): Promise<string> {
  const { incident, contact, now, result } = view;
  const { language } = props;
  const { acknowledge: text, page } = wordsFor(props);
  const title = textFor(incident.title, props);
  const resolved = incident.state === "resolved";
  const until = incident.state === "resolved" ? incident.resolvedAt : now;
  const impact = resolved ? "up" : incident.impact === "none" ? "unknown" : incident.impact;
  return renderPage(props, {
    title: result === undefined ? `${text.title}${page.colon}${title}` : said(view, props),
    outcome: impact,
    main: html`${result === undefined ? "" : html`<p class="note up" role="status">${said(view, props)}</p>`}
<div class="verdict ${impact}"><h1>${sign(impact)} <span>${title}</span></h1>
<p>${page.number(incident.id)}</p></div>
<dl><dt>${text.since}</dt><dd>${moment(incident.startedAt, contact.timeZone, language)} · ${span(incident.startedAt, until, props)}</dd>
<dt>${text.what}</dt><dd>${textFor(incident.explanation, props)}</dd>
<dt>${text.seen}</dt><dd>${incident.reason}</dd>
<dt>${text.who}</dt><dd>${holder(view, props)}</dd>
${/^https?:\/\//.test(incident.runbook) ? html`<dt>${text.runbook}</dt><dd><a href="${incident.runbook}">${incident.runbook}</a></dd>` : ""}</dl>
${incident.state === "open" ? button(contact, props) : ""}`,
  });
}

/** The form posts to the address it stands at. */
function button(contact: Contact, props: LayoutProps): Html {
  const text = wordsFor(props).acknowledge;
  return html`<form method="post"><p>${text.meaning}</p><button>${text.take}</button>
<p class="muted">${text.taking(contact.name)}</p></form>`;
}

function holder({ incident, contact }: AcknowledgeView, props: LayoutProps): Html {
  const text = wordsFor(props).acknowledge;
  if (incident.state === "resolved") return html`${text.over}`;
  if (incident.state === "open") return html`${text.nobody}`;
  return html`${text.has(incident.by)}, ${moment(incident.acknowledgedAt, contact.timeZone, props.language)}`;
}

function said({ result, incident }: AcknowledgeView, props: LayoutProps): string {
  const text = wordsFor(props).acknowledge;
  if (result === "taken" && incident.state === "acknowledged") return text.taken(incident.by);
  if (result === "done") return text.done;
  return result === "yours" ? text.yours : text.over;
}
