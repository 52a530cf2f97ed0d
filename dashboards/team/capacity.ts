/** The capacity page: how full databases and disks are, the forecast until they are full, a chart, and what each size costs. */
import { html } from "hono/html";
import type { CapacityModel, CapacityState, Outlook } from "../../core/capacity/capacity.ts";
import { quantile80, quantile95 } from "../../core/capacity/forecast.ts";
import { dateOfDay, epochDay, type FullDate, newestDay } from "../../core/capacity/full-date.ts";
import type { SizeOutlook } from "../../core/capacity/sizes.ts";
import type { Language } from "../../core/language.ts";
import type { Dates } from "../../core/languages/words.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Outcome } from "../../core/sample.ts";
import { formatRatio } from "../../core/status/uptime.ts";
import { formatDate } from "../../core/time-zone.ts";
import type { Annotation } from "../../core/upgrade.ts";
import { growthChart } from "../parts/chart.ts";
import type { Html } from "../parts/html.ts";
import { textFor, wordsFor } from "../parts/lang-attribute.ts";
import { type LayoutProps, renderPage } from "../parts/layout.ts";
import { priceText, signedSize, sizeText } from "../parts/sizes.ts";
import { sign } from "../parts/state.ts";
import { figureTable, type TableRow } from "../parts/table.ts";
import { moment } from "../parts/time.ts";
import { defineTeamPage } from "./team-page.ts";

export interface CapacityProps extends LayoutProps {
  /** ISO 4217; prices of sizes are in it. */
  readonly currency?: string;
  /** What happened to any target, named, oldest first. */
  readonly annotations?: readonly Annotation[];
}

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

/** The name of the target; with that of the store where the target has several. */
function nameOf(model: CapacityModel, models: readonly CapacityModel[], props: CapacityProps): string {
  const alone = models.filter(({ target }) => target.id === model.target.id).length === 1;
  return alone
    ? textFor(model.target.name, props)
    : `${textFor(model.target.name, props)} (${plainText(model.store, 60)})`;
}

function headline(model: CapacityModel, models: readonly CapacityModel[], props: CapacityProps): string {
  const text = wordsFor(props).capacity;
  const name = nameOf(model, models, props);
  if (model.state === "calm" && model.outlook?.full.early === "beyond") return text.beyondHeadline(name);
  return text.headline[model.state](name, datesOf(model, props));
}

function datesOf({ outlook, used, now }: CapacityModel, props: CapacityProps): Dates {
  const text = wordsFor(props).capacity;
  const order = outlook?.orderBy ?? "now";
  const orderDate = order === "now" ? text.orderNow : `${text.by} ${formatDate(order, props.language, "long")}`;
  return {
    early: outlook ? fullText(outlook.full.early, props) : "",
    late: outlook ? fullText(outlook.full.late, props) : "",
    orderBy: orderDate,
    measured: formatDate(dateOfDay(epochDay(used?.at ?? now)), props.language, "long"),
  };
}

function fullText(date: FullDate, props: CapacityProps): string {
  return date === "beyond" ? wordsFor(props).capacity.beyond : formatDate(date, props.language, "long");
}

function store(model: CapacityModel, models: readonly CapacityModel[], props: CapacityProps): Html {
  const text = wordsFor(props).capacity;
  const name = nameOf(model, models, props);
  const id = `store-${model.target.id}-${model.check}`;
  return html`<section class="store" aria-labelledby="${id}">
${models.length === 1 ? html`<h2 id="${id}">${name}</h2>` : html`<h2 id="${id}" class="${shapes[model.state]}">${sign(shapes[model.state])} ${headline(model, models, props)}</h2>`}
${model.state === "stale" ? html`<p class="note">${text.staleNote}</p>` : ""}
${facts(model, props)}
${chart(model, name, props)}
${sizes(model, props)}
${parts(model, props)}
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
      html`${usedText(used.value, limitBytes, props)} <span class="muted">${model.state === "stale" ? dateCell(dateOfDay(epochDay(used.at)), language) : moment(used.at, organisation.timeZone, language)}</span>`,
    ]);
  if (usableBytes !== undefined) {
    rows.push([
      text.usable,
      text.usableMeans(sizeText(usableBytes, language), formatRatio(model.usableFraction, language, 0)),
    ]);
  }
  if (forecast.state === "insufficient") rows.push([text.full, text.notEnough]);
  else rows.push([text.growth, growthText(forecast.growth, forecast.periodDays, props)]);
  if (limitBytes === undefined) rows.push([text.full, text.noLimit]);
  if (outlook) rows.push([text.full, betweenText(outlook, props)]);
  if (outlook?.orderBy) rows.push([text.orderBy, orderText(outlook.orderBy, model.leadDays, props)]);
  return html`<dl>${rows.map(([term, said]) => html`<dt>${term}</dt><dd>${said}</dd>`)}</dl>`;
}

function usedText(used: number, limit: number | undefined, props: CapacityProps): string {
  if (limit === undefined) return sizeText(used, props.language);
  const share = formatRatio(used / limit, props.language, 1);
  return wordsFor(props).capacity.usedOf(sizeText(used, props.language), sizeText(limit, props.language), share);
}

function growthText(growth: number, periodDays: number | undefined, props: CapacityProps): string {
  const text = wordsFor(props).capacity;
  const size = signedSize(growth, props.language);
  return periodDays === undefined ? text.growthPerDay(size) : text.recurrentGrowth(size, Math.round(periodDays));
}

function betweenText({ full: { early, late } }: Outlook, props: CapacityProps): string {
  const text = wordsFor(props).capacity;
  if (early === "beyond") return text.beyond;
  const from = formatDate(early, props.language, "long");
  return late === "beyond" ? text.afterOrNever(from) : text.between(from, formatDate(late, props.language, "long"));
}

function orderText(orderBy: NonNullable<Outlook["orderBy"]>, leadDays: number, props: CapacityProps): Html {
  const text = wordsFor(props).capacity;
  if (orderBy === "now") return html`<strong>${text.orderNow}</strong>, ${text.lead(leadDays)}`;
  return html`<strong><time datetime="${orderBy.toString()}">${formatDate(orderBy, props.language, "long")}</time></strong>, ${text.lead(leadDays)}`;
}

/** "Jan 12", and with its year when that is another one. */
function shortDate(date: Temporal.PlainDate, year: number, language: Language): string {
  return formatDate(date, language, date.year === year ? "short" : "short-year");
}

function monthLabel(day: number, language: Language): string | undefined {
  const date = dateOfDay(day);
  if (date.day !== 1) return undefined;
  const month = formatDate(date, language, "month-only");
  return date.month === 1 ? `${month} ${date.year}` : month;
}

function chart(model: CapacityModel, name: string, props: CapacityProps): Html | string {
  const { language } = props;
  const text = wordsFor(props).capacity;
  const { forecast, outlook, limitBytes, usableBytes } = model;
  const measured = forecast.series;
  const last = measured.at(-1);
  if (!last || measured.length < 2) return "";
  const today = epochDay(model.now);
  const until = today + shownDays(outlook);
  const levels = [
    ...(limitBytes === undefined
      ? []
      : [{ name: text.limit(sizeText(limitBytes, language)), value: limitBytes, kind: "limit" as const }]),
    ...(usableBytes === undefined || usableBytes === limitBytes
      ? []
      : [{ name: text.usableLine(sizeText(usableBytes, language)), value: usableBytes, kind: "usable" as const }]),
  ];
  const between =
    outlook && usableBytes !== undefined ? bracketOf(outlook, usableBytes, today, until, props) : undefined;
  const steps = forecast.state === "insufficient" ? [] : forecast.steps;
  const notes = notesSince(measured[0]?.day ?? today, props);
  return html`<figure class="${model.state === "stale" ? "stale" : ""}">
${growthChart({
  label: text.chartLabel(name, outlook ? betweenText(outlook, props) : text.notEnough),
  today,
  todayLabel: text.today,
  measured,
  measuredLabel: text.usedNow(sizeText(last.value, language)),
  fan: fanOf(model, until),
  levels,
  ...(between && { bracket: between }),
  marks: steps.map(({ day, size }) => ({ day, label: signedSize(size, language), isRise: size > 0 })),
  notes,
  until,
  valueLabel: (value) => (value === 0 ? "0" : sizeText(value, language)),
  monthLabel: (day) => monthLabel(day, language),
})}
<figcaption>${forecast.state === "insufficient" ? "" : html`<p>${text.chartCaption}</p>`}
${steps.length === 0 ? "" : html`<p>${text.steps}: ${steps.map(({ day, size, kind }, index) => `${index > 0 ? " · " : ""}${shortDate(dateOfDay(day), dateOfDay(today).year, language)} ${signedSize(size, language)} (${text.step[kind]})`)}. ${text.stepsMean}</p>`}
${notes.length === 0 ? "" : html`<p>${text.happened}: ${notes.map(({ day, label }, index) => `${index > 0 ? " · " : ""}${shortDate(dateOfDay(day), dateOfDay(today).year, language)} ${label}`)}.</p>`}
${forecast.state === "insufficient" ? "" : html`<p>${text.limits}</p>`}</figcaption>
<details><summary>${text.table}<span class="hidden">: ${name}</span></summary>
<p><a download="${csvName(model)}" href="${csvAddress(model, until)}">${text.csv}</a></p>
${weeks(model, until, props)}</details>
</figure>`;
}

/** The newest ones: of a program that changes its version every night nobody wants to read all. */
function notesSince(day: number, props: CapacityProps) {
  return (props.annotations ?? [])
    .map(({ at, text }) => ({ day: epochDay(at), label: plainText(textFor(text, props), 100) }))
    .filter((note) => note.day >= day)
    .slice(-12);
}

/** As far as the late edge and a little more, where there is one within two years; never so far that the past is lost. */
function shownDays(outlook: Outlook | undefined): number {
  if (!outlook) return 7;
  const { early, mid, late } = outlook.days;
  const furthest = [late, mid, early].find((days) => days <= 540) ?? 365;
  return Math.round(Math.min(600, Math.max(45, furthest * 1.2)));
}

function bracketOf({ days, full }: Outlook, value: number, today: number, until: number, props: CapacityProps) {
  if (full.early === "beyond" || today + days.early > until) return undefined;
  const isShown = today + days.late <= until;
  const label = bracketLabel(full.early, full.late, dateOfDay(today).year, props);
  return { value, from: today + days.early, ...(isShown && { to: today + days.late }), label };
}

function bracketLabel(early: Temporal.PlainDate, late: FullDate, year: number, props: CapacityProps): string {
  const text = wordsFor(props).capacity;
  if (late === "beyond") return text.from(shortDate(early, year, props.language));
  return text.range(shortDate(early, late.year, props.language), shortDate(late, year, props.language));
}

function fanOf({ forecast }: CapacityModel, until: number) {
  if (forecast.state === "insufficient") return [];
  const from = newestDay(forecast);
  const start = { day: from, low: forecast.level, mid: forecast.level, high: forecast.level };
  const ahead = forecast.path
    .filter(({ days }) => from + days <= until)
    .map(({ days, mid, deviation }) => ({
      day: from + days,
      low: mid - quantile80 * deviation,
      mid,
      high: mid + quantile80 * deviation,
    }));
  return [start, ...ahead];
}

function weeks(model: CapacityModel, until: number, props: CapacityProps): Html {
  const text = wordsFor(props).capacity;
  const { series } = model.forecast;
  const last = newestDay(model.forecast);
  const date = (day: number) => dateCell(dateOfDay(day), props.language);
  const past = series.filter(({ day }) => (last - day) % 7 === 0);
  const ahead = fanOf(model, until).filter(({ day }) => day > last && (day - last) % 7 === 0);
  const rows: TableRow[] = [
    ...past.map(({ day, value }) => ({ cells: [date(day), sizeText(value, props.language), ""] })),
    ...ahead.map(({ day, low, high }) => ({
      cells: [date(day), "", `${sizeText(Math.max(0, low), props.language)} – ${sizeText(high, props.language)}`],
    })),
  ];
  return figureTable(
    text.tableCaption,
    [{ title: text.day }, { title: text.measured, number: true }, { title: text.forecast, number: true }],
    rows,
  );
}

function sizes(model: CapacityModel, props: CapacityProps): Html | string {
  const text = wordsFor(props).capacity;
  if (model.sizes.length === 0) return "";
  const target = text.days(model.targetDays);
  const isKnown = model.sizes.some(({ runway }) => runway !== undefined);
  const rows = model.sizes.map((size) => sizeRow(size, model, props));
  return html`<h3>${text.sizes}</h3>
${figureTable(text.sizesCaption(target), [{ title: text.size }, { title: text.lasts }, { title: text.monthly, number: true }, { title: text.perMonthGained, number: true }], rows)}
${isKnown && model.recommended === undefined ? html`<p class="muted">${text.noneIsEnough(target)}</p>` : ""}`;
}

function sizeRow(size: SizeOutlook, model: CapacityModel, props: CapacityProps): TableRow {
  const { language, currency = "CAD" } = props;
  const text = wordsFor(props).capacity;
  const price = (amount: number | undefined) => (amount === undefined ? "" : priceText(amount, currency, language));
  const notes = [
    ...(size.current ? [text.current] : []),
    ...(size.name === model.recommended ? [text.recommended] : []),
    ...(size.fits ? [] : [text.tooSmall]),
    ...(size.fits && size.roomToWork === false ? [text.noRoom] : []),
  ];
  const worth = size.fits && !size.current;
  return {
    marked: size.name === model.recommended,
    cells: [
      html`${size.name}${notes.length === 0 ? "" : html` <span class="muted">${notes.join(", ")}</span>`}`,
      size.fits && size.lastsUntil ? untilText(size.lastsUntil, props) : "",
      html`${price(size.monthly)}${worth && size.extraMonthly !== undefined ? html` <span class="muted">${text.more(price(size.extraMonthly))}</span>` : ""}`,
      worth ? price(size.extraPerMonthGained) : "",
    ],
  };
}

function untilText(date: FullDate, props: CapacityProps): string | Html {
  return date === "beyond" ? wordsFor(props).capacity.beyondShort : dateCell(date, props.language);
}

const dateCell = (date: Temporal.PlainDate, language: Language): Html =>
  html`<time datetime="${date.toString()}">${formatDate(date, language, "short-year")}</time>`;

function parts({ parts }: CapacityModel, props: CapacityProps): Html | string {
  const text = wordsFor(props).capacity;
  const shown = parts.slice(0, 10);
  if (shown.length === 0) return "";
  const rows = shown.map(({ name, kind, bytes, growthBytesPerDay }) => ({
    cells: [
      html`${breakable(plainText(name, 80))} <span class="muted">${text.partKind[kind]}</span>`,
      sizeText(bytes, props.language),
      signedSize(growthBytesPerDay, props.language),
    ],
  }));
  return html`<h3>${text.parts}</h3>
${figureTable(text.partsCaption(Math.max(...shown.map(({ overDays }) => overDays))), [{ title: text.part }, { title: text.partSize, number: true }, { title: text.partGrowth, number: true }], rows)}`;
}

/** Names of tables may go on in the next line after a dot or an underscore. */
const breakable = (name: string): Html => html`${name.split(/(?<=[._])/).map((part) => html`${part}<wbr>`)}`;

const csvName = ({ target, check, now }: CapacityModel): string =>
  `${target.id}-${check}-${dateOfDay(epochDay(now)).toString()}.csv`;

/** The file is inside the page: it shows the same moment, and no other request is needed. */
const csvAddress = (model: CapacityModel, until: number): string =>
  `data:text/csv;charset=utf-8,${encodeURIComponent(csv(model, until)).replaceAll("%2C", ",")}`;

/** Every day that the chart shows, in bytes. */
function csv({ forecast }: CapacityModel, until: number): string {
  const past = forecast.series.map(({ day, value }) => [dateOfDay(day), Math.round(value), "", "", "", "", ""]);
  const from = newestDay(forecast);
  const path = forecast.state === "insufficient" ? [] : forecast.path.filter(({ days }) => from + days <= until);
  const ahead = path.map(({ days, mid, deviation }) => {
    const edge = (quantile: number) => Math.round(Math.max(0, mid + quantile * deviation));
    const edges = [-quantile80, quantile80, -quantile95, quantile95].map(edge);
    return [dateOfDay(from + days), "", edge(0), ...edges];
  });
  const head = [
    "date",
    "used_bytes",
    "forecast_bytes",
    "low_80_bytes",
    "high_80_bytes",
    "low_95_bytes",
    "high_95_bytes",
  ];
  return [head, ...past, ...ahead].map((cells) => `${cells.join()}\r\n`).join("");
}
