/** The status page: one sentence, the open incidents, each service with its uptime bar, the past events. */
import { html, raw } from "hono/html";
import type { IncidentStatus, IncidentUpdate } from "../../core/incident.ts";
import { tagOf } from "../../core/languages/translations.ts";
import type { Outcome } from "../../core/sample.ts";
import { pastEvents } from "../../core/status/past-events.ts";
import type { ResidencyStatus } from "../../core/status/residency.ts";
import { presentImpact, type StatusModel } from "../../core/status/status.ts";
import { mapInSlices } from "../../core/time-slices.ts";
import type { Html } from "../parts/html.ts";
import { textFor, wordsFor } from "../parts/lang-attribute.ts";
import { type LayoutProps, renderPage } from "../parts/layout.ts";
import { notePlace } from "../parts/note.ts";
import { pastEventList } from "../parts/past-events.ts";
import { sign, stateWord } from "../parts/state.ts";
import { moment, span } from "../parts/time.ts";
import { serviceSection } from "./service.ts";

export async function statusPage(model: StatusModel, props: LayoutProps): Promise<string> {
  const { status: text, page } = wordsFor(props);
  const open = await mapInSlices(model.open, (one) => openIncident(one, model, props));
  const services = await mapInSlices(model.targets, (target) => serviceSection(target, model, props));
  const outcome = signOf(model);
  const sentence = text.overall(
    model.overall,
    model.overall.affected.map((name) => textFor(name, props)),
  );
  return renderPage(props, {
    title: sentence,
    description: `${text.statusOf(textFor(props.organisation.name, props))}${page.colon}${sentence}`,
    outcome,
    main: html`${verdict(model, sentence, outcome, props)}
${model.open.length === 0 ? "" : html`<section aria-labelledby="now"><h2 id="now">${text.now}</h2>${open}</section>`}
${model.targets.length === 0 ? "" : html`<section aria-labelledby="services"><h2 id="services">${text.services}</h2>${services}</section>`}
<section aria-labelledby="recent"><h2 id="recent">${text.recent(14)}</h2>
${model.recent.length === 0 ? html`<p class="muted">${text.noRecent(14, model.open.length > 0)}</p>` : ""}${pastEventList(pastEvents(model.recent, model.upgrades), props)}
<p class="more"><a href="/${props.language}/history">${text.history}</a></p>
</section>`,
    footer: footer(model, props),
  });
}

function signOf({ overall }: StatusModel): Outcome {
  return overall.state === "empty" || overall.state === "new" ? "unknown" : overall.state;
}

function verdict(model: StatusModel, sentence: string, outcome: Outcome, props: LayoutProps): Html {
  const { status: text, page } = wordsFor(props);
  const zone = props.organisation.timeZone;
  const { checkedAt, lastChange } = model;
  return html`${raw(notePlace)}<div class="verdict ${outcome}">
<h1>${sign(outcome)} <span>${sentence}</span></h1>
<p>${checkedAt ? html`${page.checkedAt} ${moment(checkedAt, zone, props.language)}` : text.neverChecked}</p>
${model.overall.state === "unknown" ? html`<p>${text.unknownMeans}</p>` : ""}
</div>
${lastChange ? html`<p class="change">${text.lastChange}${page.colon}<strong>${text.changed(textFor(lastChange.target, props), lastChange.to)}</strong>, ${moment(lastChange.at, zone, props.language)}</p>` : ""}`;
}

function openIncident(open: IncidentStatus, { now, targets }: StatusModel, props: LayoutProps): Html {
  const { language, organisation } = props;
  const { incident, updates } = open;
  const text = wordsFor(props).page;
  const impact = presentImpact(incident, targets);
  return html`<article class="incident ${impact}" id="incident-${incident.id}">
<h3>${sign(impact)} ${textFor(incident.title, props)}</h3>
<p class="muted">${text.since} ${moment(incident.startedAt, organisation.timeZone, language)} · ${text.alreadyLasts(span(incident.startedAt, now, props))} · ${text.number(incident.id)}</p>
${updates.length === 0 ? html`<p>${textFor(incident.explanation, props)}</p>` : html`<ol class="updates">${updates.toReversed().map((update) => updateLine(update, props))}</ol>`}
</article>`;
}

function updateLine(update: IncidentUpdate, props: LayoutProps): Html {
  return html`<li>${moment(update.at, props.organisation.timeZone, props.language)} <span>${textFor(update.text, props)}</span></li>`;
}

function residencyLine({ countries, addresses, against, at }: ResidencyStatus, props: LayoutProps): Html {
  const { language, organisation } = props;
  const text = wordsFor(props).status;
  const names = new Intl.DisplayNames([tagOf(language)], { type: "region", fallback: "code" });
  const hosted = text.hostedIn(countries.map((code) => names.of(code) ?? code));
  return html`<p>${hosted} ${text.hostedChecked(addresses, against)} ${moment(at, organisation.timeZone, language)}.</p>
`;
}

function footer({ residency }: StatusModel, props: LayoutProps): Html {
  const { status: text, page } = wordsFor(props);
  return html`${residency ? residencyLine(residency, props) : ""}<p class="legend"><span class="hidden">${text.legend}${page.colon}</span>${(["up", "degraded", "down", "unknown"] as const).map((outcome) => stateWord(outcome, props))}</p>
<p>${text.rules}</p>
<p>${page.madeBy} Tidewatch · <a href="/team/">${text.team}</a></p>`;
}
