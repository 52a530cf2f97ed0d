/** The list of past events, newest first: incidents with their last update, upgrades as smaller lines between them. */
import { html } from "hono/html";
import type { IncidentStatus } from "../../core/incident.ts";
import type { PastEvent, Upgrade } from "../../core/status/past-events.ts";
import type { Html } from "./html.ts";
import { textFor, wordsFor } from "./lang-attribute.ts";
import type { LayoutProps } from "./layout.ts";
import { sign } from "./state.ts";
import { moment, span, stretch } from "./time.ts";

export function pastEventList(events: readonly PastEvent[], props: LayoutProps): Html {
  return html`${events.map((event) => (event.kind === "incident" ? incidentBrief(event.status, props) : upgradeLine(event.upgrade, props)))}`;
}

/** A resolved incident has its title, its time and its last update; an open one has a link to the status page. */
function incidentBrief({ incident, updates }: IncidentStatus, props: LayoutProps): Html {
  const { language, organisation } = props;
  const text = wordsFor(props).page;
  const title = textFor(incident.title, props);
  if (incident.state !== "resolved") {
    const impact = incident.impact === "none" ? "unknown" : incident.impact;
    return html`<article class="incident ${impact}" id="incident-${incident.id}">
<h3>${sign(impact)} <a href="/${language}/#incident-${incident.id}">${title}</a></h3>
<p class="muted">${text.since} ${moment(incident.startedAt, organisation.timeZone, language)} · ${text.ongoing} · ${text.number(incident.id)}</p>
</article>`;
  }
  const { startedAt, resolvedAt } = incident;
  // In between it was well: how long it was out of reach stands in the bars of its days.
  const lasted = incident.flapping ? text.cameAndWent : text.lasted;
  const last = updates.at(-1);
  return html`<article class="incident over up" id="incident-${incident.id}">
<h3>${sign("up")} <span>${text.resolved(title)}</span></h3>
<p class="muted">${stretch(startedAt, resolvedAt, organisation.timeZone, props)} · ${lasted(span(startedAt, resolvedAt, props))} · ${text.number(incident.id)}</p>
${last ? html`<p>${textFor(last.text, props)}</p>` : ""}
</article>`;
}

function upgradeLine({ name, at, text }: Upgrade, props: LayoutProps): Html {
  const { language, organisation } = props;
  return html`<p class="upgrade"><strong>${textFor(name, props)}${wordsFor(props).page.colon}</strong>${textFor(text, props)}, ${moment(at, organisation.timeZone, language)}</p>
`;
}
