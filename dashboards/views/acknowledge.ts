/** What the link in a page opens: the incident in short, and one button that takes it. */
import { html } from "hono/html";
import type { Incident } from "../../core/incident.ts";
import type { Contact } from "../../core/organisation.ts";
import type { Html } from "../parts/html.ts";
import { type LayoutProps, renderPage } from "../parts/layout.ts";
import { sign } from "../parts/state.ts";
import { moment, span } from "../parts/time.ts";
import { words } from "../words.ts";

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
  const text = words[language].acknowledge;
  const title = incident.title[language];
  const resolved = incident.state === "resolved";
  const until = incident.state === "resolved" ? incident.resolvedAt : now;
  const impact = resolved ? "up" : incident.impact === "none" ? "unknown" : incident.impact;
  return renderPage(props, {
    title: result === undefined ? `${text.title}: ${title}` : said(view, language),
    outcome: impact,
    main: html`${result === undefined ? "" : html`<p class="note up" role="status">${said(view, language)}</p>`}
<div class="verdict ${impact}"><h1>${sign(impact)} <span>${title}</span></h1>
<p>${words[language].number(incident.id)}</p></div>
<dl><dt>${text.since}</dt><dd>${moment(incident.startedAt, contact.timeZone, language)} · ${span(incident.startedAt, until, language)}</dd>
<dt>${text.what}</dt><dd>${incident.explanation[language]}</dd>
<dt>${text.seen}</dt><dd>${incident.reason}</dd>
<dt>${text.who}</dt><dd>${holder(view, language)}</dd>
${/^https?:\/\//.test(incident.runbook) ? html`<dt>${text.runbook}</dt><dd><a href="${incident.runbook}">${incident.runbook}</a></dd>` : ""}</dl>
${incident.state === "open" ? button(contact, language) : ""}`,
  });
}

/** The form posts to the address it stands at. */
function button(contact: Contact, language: LayoutProps["language"]): Html {
  const text = words[language].acknowledge;
  return html`<form method="post"><p>${text.meaning}</p><button>${text.take}</button>
<p class="muted">${text.taking(contact.name)}</p></form>`;
}

function holder({ incident, contact }: AcknowledgeView, language: LayoutProps["language"]): Html {
  const text = words[language].acknowledge;
  if (incident.state === "resolved") return html`${text.over}`;
  if (incident.state === "open") return html`${text.nobody}`;
  return html`${text.has(incident.by)}, ${moment(incident.acknowledgedAt, contact.timeZone, language)}`;
}

function said({ result, incident }: AcknowledgeView, language: LayoutProps["language"]): string {
  const text = words[language].acknowledge;
  if (result === "taken" && incident.state === "acknowledged") return text.taken(incident.by);
  if (result === "done") return text.done;
  return result === "yours" ? text.yours : text.over;
}
