/** The status page: one sentence, what goes on, each service with its days, what happened lately. */
import { html, raw } from "hono/html";
import type { IncidentStatus, IncidentUpdate } from "../../core/incident.ts";
import { spokenAge } from "../../core/member-texts.ts";
import { pastEvents } from "../../core/past.ts";
import type { ResidencyStatus } from "../../core/residency.ts";
import type { Outcome } from "../../core/sample.ts";
import { presentImpact, type StatusModel, type TargetStatus } from "../../core/status.ts";
import { formatRatio } from "../../core/uptime.ts";
import type { Html } from "../parts/html.ts";
import { type LayoutProps, renderPage } from "../parts/layout.ts";
import { notePlace } from "../parts/note.ts";
import { pastEventList } from "../parts/past-events.ts";
import { sign, stateWord } from "../parts/state.ts";
import { moment, span } from "../parts/time.ts";
import { dayTable, uptimeBar } from "../parts/uptime-bar.ts";
import { words } from "../words.ts";

export async function statusPage(model: StatusModel, props: LayoutProps): Promise<string> {
  const text = words[props.language];
  const outcome = signOf(model);
  const sentence = text.overall(
    model.overall,
    model.overall.affected.map((name) => name[props.language]),
  );
  return renderPage(props, {
    title: sentence,
    description: `${text.statusOf(props.organisation.name[props.language])}${text.colon}${sentence}`,
    outcome,
    main: html`${verdict(model, sentence, outcome, props)}
${model.open.length === 0 ? "" : html`<section aria-labelledby="now"><h2 id="now">${text.now}</h2>${model.open.map((open) => openIncident(open, model, props))}</section>`}
${model.targets.length === 0 ? "" : html`<section aria-labelledby="services"><h2 id="services">${text.services}</h2>${model.targets.map((target) => service(target, model, props))}</section>`}
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
  const text = words[props.language];
  const zone = props.organisation.timeZone;
  const { checkedAt, lastChange } = model;
  return html`${raw(notePlace)}<div class="verdict ${outcome}">
<h1>${sign(outcome)} <span>${sentence}</span></h1>
<p>${checkedAt ? html`${text.checkedAt} ${moment(checkedAt, zone, props.language)}` : text.neverChecked}</p>
${model.overall.state === "unknown" ? html`<p>${text.unknownMeans}</p>` : ""}
</div>
${lastChange ? html`<p class="change">${text.lastChange}${text.colon}<strong>${text.changed(lastChange.target[props.language], lastChange.to)}</strong>, ${moment(lastChange.at, zone, props.language)}</p>` : ""}`;
}

function openIncident(open: IncidentStatus, { now, targets }: StatusModel, props: LayoutProps): Html {
  const { language, organisation } = props;
  const { incident, updates } = open;
  const text = words[language];
  const impact = presentImpact(incident, targets);
  return html`<article class="incident ${impact}" id="incident-${incident.id}">
<h3>${sign(impact)} ${incident.title[language]}</h3>
<p class="muted">${text.since} ${moment(incident.startedAt, organisation.timeZone, language)} · ${text.alreadyLasts(span(incident.startedAt, now, language))} · ${text.number(incident.id)}</p>
${updates.length === 0 ? html`<p>${incident.explanation[language]}</p>` : html`<ol class="updates">${updates.toReversed().map((update) => updateLine(update, props))}</ol>`}
</article>`;
}

function updateLine(update: IncidentUpdate, { language, organisation }: LayoutProps): Html {
  return html`<li>${moment(update.at, organisation.timeZone, language)} <span>${update.text[language]}</span></li>`;
}

function service(target: TargetStatus, model: StatusModel, props: LayoutProps): Html {
  const { language } = props;
  const text = words[language];
  const name = target.name[language];
  const trouble = target.outcome !== "up" && !target.isNew;
  return html`<article class="service" id="target-${target.id}">
<div class="row"><h3>${name}</h3> ${target.isNew ? html`<span class="state unknown">${sign("unknown")} ${text.noDataYet}</span>` : stateWord(target.outcome, language)}</div>
${trouble ? troubleLine(target, model, props) : ""}
${uptimeBar(name, target.days, language)}
<p class="scale"><span class="of90">${text.daysAgo(target.days.length)}</span><span class="of30">${text.daysAgo(30)}</span> <span class="ratio">${uptimeText(target, language)}</span> <span>${text.today}</span></p>
${dayTable(name, target.days, language)}
</article>`;
}

/** An incident above says more than the explanation here; then the time is enough. */
function troubleLine(target: TargetStatus, { open, now }: StatusModel, { language, organisation }: LayoutProps): Html {
  const text = words[language];
  const told = open.some(({ incident }) => incident.target === target.id);
  const since = target.since
    ? html`${text.since} ${moment(target.since, organisation.timeZone, language)} · ${text.alreadyLasts(span(target.since, now, language))}`
    : "";
  return html`<p class="trouble">${target.explanation && !told ? html`${target.explanation[language]} ` : ""}<span class="muted">${since}</span></p>`;
}

/** A share of a few minutes says nothing about a service. */
const leastMeasuredSeconds = 3600;

/** Never more than is known: rounded down, and of which time when a noticeable part of it was not measured. */
function uptimeText({ account, days }: TargetStatus, language: LayoutProps["language"]): string {
  const text = words[language];
  if (account.uptime === null || account.known < leastMeasuredSeconds) return text.notMeasuredYet;
  const percent = formatRatio(account.uptime, language);
  if (account.coverage === null || account.coverage >= 0.99) return text.uptime(percent, days.length);
  return text.uptimeOfMeasured(percent, spokenAge(account.known)[language]);
}

function residencyLine(
  { countries, addresses, against, at }: ResidencyStatus,
  { language, organisation }: LayoutProps,
): Html {
  const text = words[language];
  const names = new Intl.DisplayNames([text.tag], { type: "region", fallback: "code" });
  const hosted = text.hostedIn(countries.map((code) => names.of(code) ?? code));
  return html`<p>${hosted} ${text.hostedChecked(addresses, against)} ${moment(at, organisation.timeZone, language)}.</p>
`;
}

function footer({ residency }: StatusModel, props: LayoutProps): Html {
  const { language } = props;
  const text = words[language];
  return html`${residency ? residencyLine(residency, props) : ""}<p class="legend"><span class="hidden">${text.legend}${text.colon}</span>${(["up", "degraded", "down", "unknown"] as const).map((outcome) => stateWord(outcome, language))}</p>
<p>${text.rules}</p>
<p>${text.madeBy} Tidewatch · <a href="/team/">${text.team}</a></p>`;
}
