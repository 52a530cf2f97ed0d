/** One service on the status page: its state, what is wrong with it, its uptime bar and the table of its days. */
import { html, raw } from "hono/html";
import { spokenAge } from "../../core/member-texts.ts";
import type { DayStatus } from "../../core/status/day-status.ts";
import type { StatusModel, TargetStatus } from "../../core/status/status.ts";
import { formatRatio } from "../../core/status/uptime.ts";
import type { Html } from "../parts/html.ts";
import { textFor, withLanguages, wordsFor } from "../parts/lang-attribute.ts";
import type { LayoutProps } from "../parts/layout.ts";
import { sign, stateWord } from "../parts/state.ts";
import { moment, span } from "../parts/time.ts";
import { dayTable, troubleWords, uptimeBar } from "../parts/uptime-bar.ts";

/** By a day that is over, which stays the same object as long as all days before today are the same: what was made of it. */
const made = new WeakMap<DayStatus, Map<string, { readonly of: string; readonly section: Html }>>();

/** Made anew only when something of it reads differently. */
export function serviceSection(target: TargetStatus, model: StatusModel, props: LayoutProps): Html {
  const yesterday = target.days.at(-2);
  const trouble = troubleLine(target, model, props);
  if (!yesterday) return section(target, trouble, props);
  const { language, organisation } = props;
  const today = target.days.at(-1);
  const of = JSON.stringify([
    target.id,
    String(trouble),
    uptimeText(target, props),
    textFor(target.name, props),
    target.outcome,
    target.isNew,
    today && [today.shown, troubleWords(today, props)],
    organisation.languages?.[0],
  ]);
  const inLanguages = made.get(yesterday) ?? new Map<string, { readonly of: string; readonly section: Html }>();
  const known = inLanguages.get(language);
  if (known?.of === of) return known.section;
  // As one piece: thousands of small ones would have to be put together whenever the page is made.
  const whole = raw(withLanguages(String(section(target, trouble, props)), language));
  made.set(yesterday, inLanguages.set(language, { of, section: whole }));
  return whole;
}

function section(target: TargetStatus, trouble: Html | string, props: LayoutProps): Html {
  const text = wordsFor(props).status;
  const name = textFor(target.name, props);
  return html`<article class="service" id="target-${target.id}">
<div class="row"><h3>${name}</h3> ${target.isNew ? html`<span class="state unknown">${sign("unknown")} ${text.noDataYet}</span>` : stateWord(target.outcome, props)}</div>
${trouble}
${uptimeBar(name, target.days, props)}
<p class="scale"><span class="of90">${text.daysAgo(target.days.length)}</span><span class="of30">${text.daysAgo(30)}</span> <span class="ratio">${uptimeText(target, props)}</span> <span>${text.today}</span></p>
${dayTable(name, target.days, props)}
</article>`;
}

/** An incident above says more than the explanation here; then the time is enough. */
function troubleLine(target: TargetStatus, { open, now }: StatusModel, props: LayoutProps): Html | string {
  if (target.outcome === "up" || target.isNew) return "";
  const { language, organisation } = props;
  const text = wordsFor(props).page;
  const told = open.some(({ incident }) => incident.target === target.id);
  const since = target.since
    ? html`${text.since} ${moment(target.since, organisation.timeZone, language)} · ${text.alreadyLasts(span(target.since, now, props))}`
    : "";
  return html`<p class="trouble">${target.explanation && !told ? html`${textFor(target.explanation, props)} ` : ""}<span class="muted">${since}</span></p>`;
}

/** A share of a few minutes says nothing about a service. */
const leastMeasuredSeconds = 3600;

/** Never more than is known: rounded down, and with the measured time when a noticeable part was not measured. */
function uptimeText({ account, days }: TargetStatus, props: LayoutProps): string {
  const text = wordsFor(props).status;
  if (account.uptime === null) return text.noDataYet;
  if (account.known < leastMeasuredSeconds) return text.measuredBriefly;
  const percent = formatRatio(account.uptime, props.language);
  if (account.coverage === null || account.coverage >= 0.99) return text.uptime(percent, days.length);
  return text.uptimeOfMeasured(percent, textFor(spokenAge(account.known), props));
}
