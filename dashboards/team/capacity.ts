/** The capacity page: how full databases and disks are, the forecast until they are full, a chart, and what each size costs. */
import { html } from "hono/html";
import {
  type CapacityModel,
  type CapacityState,
  isFullNow,
  type Outlook,
  shareUsed,
} from "../../core/capacity/capacity.ts";
import { dateOfDay, epochDay } from "../../core/capacity/full-date.ts";
import type { Outcome } from "../../core/sample.ts";
import { formatRatio } from "../../core/status/uptime.ts";
import { formatDate } from "../../core/time-zone.ts";
import type { Html } from "../parts/html.ts";
import { wordsFor } from "../parts/lang-attribute.ts";
import { renderPage } from "../parts/layout.ts";
import { signedSize, sizeText } from "../parts/sizes.ts";
import { sign } from "../parts/state.ts";
import { day, moment } from "../parts/time.ts";
import { capacityChart } from "./capacity-chart.ts";
import { partTable, sizeTable } from "./capacity-tables.ts";
import { betweenText, type CapacityProps, headline, nameOf } from "./capacity-words.ts";
import { defineTeamPage } from "./team-page.ts";

export const capacity = defineTeamPage({
  address: "/team/capacity",
  title: ({ capacity }) => capacity.title,
  summary: ({ capacity }) => capacity.summary,
  load: (reports) => reports.capacity(),
  show: ({ models, annotations }, props) => capacityPage(models, { ...props, annotations }),
});

const urgentFirst: readonly CapacityState[] = ["page", "stale", "order", "plan", "insufficient", "calm"];
const shapes: Readonly<Record<CapacityState, Outcome>> = {
  page: "down",
  order: "degraded",
  plan: "degraded",
  calm: "up",
  stale: "unknown",
  insufficient: "unknown",
};

export function capacityPage(models: readonly CapacityModel[], props: CapacityProps): Promise<string> {
  const text = wordsFor(props).capacity;
  const state = urgentFirst.find((each) => models.some((model) => model.state === each)) ?? "insufficient";
  return renderPage(props, {
    title: text.title,
    wide: true,
    outcome: shapes[state],
    main:
      models.length === 0
        ? nothing(props)
        : html`${overall(models, state, props)}${models.map((model) => store(model, models, props))}`,
  });
}

function nothing(props: CapacityProps): Html {
  const text = wordsFor(props).capacity;
  return html`<div class="verdict unknown"><h1>${sign("unknown")} <span>${text.nothing}</span></h1><p>${text.nothingHow}</p></div>`;
}

function overall(models: readonly CapacityModel[], state: CapacityState, props: CapacityProps): Html {
  const text = wordsFor(props).capacity;
  const concerned = models.filter((model) => model.state === state);
  const only = models.length === 1 ? models[0] : undefined;
  const sentence = only
    ? headline(only, models, props)
    : text.overall[state](concerned.map((model) => nameOf(model, models, props)));
  return html`<div class="verdict ${shapes[state]}"><h1>${sign(shapes[state])} <span>${sentence}</span></h1></div>`;
}

function store(model: CapacityModel, models: readonly CapacityModel[], props: CapacityProps): Html {
  const text = wordsFor(props).capacity;
  const name = nameOf(model, models, props);
  const id = `store-${model.target.id}-${model.check}`;
  return html`<section class="store" aria-labelledby="${id}">
${models.length === 1 ? html`<h2 id="${id}">${name}</h2>` : html`<h2 id="${id}" class="${shapes[model.state]}">${sign(shapes[model.state])} ${headline(model, models, props)}</h2>`}
${model.state === "stale" ? html`<p class="note">${text.staleNote}</p>` : ""}
${facts(model, props)}
${capacityChart(model, name, props)}
${sizeTable(model, props)}
${partTable(model, props)}
</section>`;
}

function facts(model: CapacityModel, props: CapacityProps): Html {
  const { language, organisation } = props;
  const text = wordsFor(props).capacity;
  const { used, limitBytes, usableBytes, outlook, forecast } = model;
  const rows: (readonly [string, string | Html])[] = [];
  if (used)
    rows.push([
      text.used,
      html`${usedText(used.value, limitBytes, props)} <span class="muted">${model.state === "stale" ? day(dateOfDay(epochDay(used.at)), language, "short-year") : moment(used.at, organisation.timeZone, language)}</span>`,
    ]);
  if (usableBytes !== undefined) {
    rows.push([
      text.usable,
      text.usableMeans(sizeText(usableBytes, language), formatRatio(model.usableFraction, language, 0)),
    ]);
  }
  const isFull = isFullNow(model);
  if (forecast.state !== "insufficient") {
    rows.push([text.growth, growthText(forecast.growth, forecast.periodDays, props)]);
  } else if (!isFull) rows.push([text.full, text.notEnough]);
  if (limitBytes === undefined) rows.push([text.full, text.noLimit]);
  if (isFull) rows.push([text.full, text.orderNow], [text.orderBy, text.orderNow]);
  else if (outlook) rows.push([text.full, betweenText(outlook, props)]);
  if (!isFull && outlook?.orderBy) rows.push([text.orderBy, orderText(outlook.orderBy, model.leadDays, props)]);
  return html`<dl>${rows.map(([term, said]) => html`<dt>${term}</dt><dd>${said}</dd>`)}</dl>`;
}

function usedText(used: number, limit: number | undefined, props: CapacityProps): string {
  if (limit === undefined) return sizeText(used, props.language);
  const share = formatRatio(shareUsed(used, limit), props.language, 1);
  return wordsFor(props).capacity.usedOf(sizeText(used, props.language), sizeText(limit, props.language), share);
}

function growthText(growth: number, periodDays: number | undefined, props: CapacityProps): string {
  const text = wordsFor(props).capacity;
  const size = signedSize(growth, props.language);
  return periodDays === undefined ? text.growthPerDay(size) : text.recurrentGrowth(size, Math.round(periodDays));
}

function orderText(orderBy: NonNullable<Outlook["orderBy"]>, leadDays: number, props: CapacityProps): Html {
  const text = wordsFor(props).capacity;
  if (orderBy === "now") return html`<strong>${text.orderNow}</strong>, ${text.lead(leadDays)}`;
  return html`<strong><time datetime="${orderBy.toString()}">${formatDate(orderBy, props.language, "long")}</time></strong>, ${text.lead(leadDays)}`;
}
