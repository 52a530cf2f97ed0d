/** What happened, newest first: incidents with their last word, upgrades as smaller lines between them. */
import { html } from "hono/html";
import type { IncidentStatus } from "../../core/incident.ts";
import type { PastEvent, Upgrade } from "../../core/past.ts";
import { words } from "../words.ts";
import type { Html } from "./html.ts";
import type { LayoutProps } from "./layout.ts";
import { sign } from "./state.ts";
import { moment, span, stretch } from "./time.ts";

export function pastEventList(events: readonly PastEvent[], props: LayoutProps): Html {
  return html`${events.map((event) => (event.kind === "incident" ? incidentBrief(event.told, props) : upgradeLine(event.upgrade, props)))}`;
}

/** What is over needs its name, its time and its last word; what is not, the way to the page that follows it. */
function incidentBrief({ incident, updates }: IncidentStatus, { language, organisation }: LayoutProps): Html {
  const text = words[language];
  if (incident.state !== "resolved") {
    const impact = incident.impact === "none" ? "unknown" : incident.impact;
    return html`<article class="incident ${impact}" id="incident-${incident.id}">
<h3>${sign(impact)} <a href="/${language}/#incident-${incident.id}">${incident.title[language]}</a></h3>
<p class="muted">${text.since} ${moment(incident.startedAt, organisation.timeZone, language)} · ${text.ongoing} · ${text.number(incident.id)}</p>
</article>`;
  }
  const { startedAt, resolvedAt } = incident;
  const last = updates.at(-1);
  return html`<article class="incident over up" id="incident-${incident.id}">
<h3>${sign("up")} <span>${text.resolved(incident.title[language])}</span></h3>
<p class="muted">${stretch(startedAt, resolvedAt, organisation.timeZone, language)} · ${text.lasted(span(startedAt, resolvedAt, language))} · ${text.number(incident.id)}</p>
${last ? html`<p>${last.text[language]}</p>` : ""}
</article>`;
}

function upgradeLine({ name, at, text }: Upgrade, { language, organisation }: LayoutProps): Html {
  return html`<p class="upgrade"><strong>${name[language]}${words[language].colon}</strong>${text[language]}, ${moment(at, organisation.timeZone, language)}</p>
`;
}
