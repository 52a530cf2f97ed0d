/** The chart of one store on the capacity page, what is told below it, and the same days as a table and as CSV. */
import { html } from "hono/html";
import { type CapacityModel, isFullNow, type Outlook } from "../../core/capacity/capacity.ts";
import { quantile80, quantile95 } from "../../core/capacity/forecast.ts";
import { dateOfDay, epochDay, type FullDate, newestDay } from "../../core/capacity/full-date.ts";
import type { DayValue } from "../../core/capacity/growth.ts";
import type { Language } from "../../core/language.ts";
import { plainText } from "../../core/plain-text.ts";
import { formatDate } from "../../core/time-zone.ts";
import { growthChart } from "../parts/chart.ts";
import type { Html } from "../parts/html.ts";
import { textFor, wordsFor } from "../parts/lang-attribute.ts";
import { signedSize, sizeRange, sizeText } from "../parts/sizes.ts";
import { figureTable, type TableRow } from "../parts/table.ts";
import { day as dayOf } from "../parts/time.ts";
import { betweenText, type CapacityProps } from "./capacity-words.ts";

export function capacityChart(model: CapacityModel, name: string, props: CapacityProps): Html | string {
  const { language } = props;
  const { page, capacity: text } = wordsFor(props);
  const { forecast, outlook, limitBytes, usableBytes } = model;
  const measured = measuredDays(model);
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
    outlook && usableBytes !== undefined && !isFullNow(model)
      ? bracketOf(outlook, usableBytes, today, until, props)
      : undefined;
  const steps = forecast.state === "insufficient" ? [] : forecast.steps;
  const notes = notesSince(measured[0]?.day ?? today, props);
  return html`<figure class="${model.state === "stale" ? "stale" : ""}">
${growthChart({
  label: text.chartLabel(name, fullText(model, props)),
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
${steps.length === 0 ? "" : html`<p>${text.steps}${page.colon}${steps.map(({ day, size, kind }, index) => `${index > 0 ? " · " : ""}${shortDate(dateOfDay(day), dateOfDay(today).year, language)} ${signedSize(size, language)} (${text.step[kind]})`)}. ${text.stepsMean}</p>`}
${notes.length === 0 ? "" : html`<p>${text.happened}${page.colon}${notes.map(({ day, label }, index) => `${index > 0 ? " · " : ""}${shortDate(dateOfDay(day), dateOfDay(today).year, language)} ${label}`)}.</p>`}
${forecast.state === "insufficient" ? "" : html`<p>${text.limits}</p>`}</figcaption>
<details><summary>${text.table}<span class="hidden">${page.colon}${name}</span></summary>
<p><a download="${csvName(model)}" href="${csvAddress(model, until)}">${text.csv}</a></p>
${weeks(model, until, props)}</details>
</figure>`;
}

function fullText(model: CapacityModel, props: CapacityProps): string {
  const text = wordsFor(props).capacity;
  if (isFullNow(model)) return text.orderNow;
  return model.outlook ? betweenText(model.outlook, props) : text.notEnough;
}

/** A day's value is the median of its readings; the newest day has the newest reading, the one that stands above as used. */
function measuredDays({ forecast: { series }, used }: CapacityModel): readonly DayValue[] {
  const last = series.at(-1);
  return last && used && epochDay(used.at) === last.day
    ? [...series.slice(0, -1), { ...last, value: used.value }]
    : series;
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
  const last = newestDay(model.forecast);
  const date = (day: number) => dayOf(dateOfDay(day), props.language, "short-year");
  const past = measuredDays(model).filter(({ day }) => (last - day) % 7 === 0);
  const ahead = fanOf(model, until).filter(({ day }) => day > last && (day - last) % 7 === 0);
  const rows: TableRow[] = [
    ...past.map(({ day, value }) => ({ cells: [date(day), sizeText(value, props.language), ""] })),
    ...ahead.map(({ day, low, high }) => ({
      cells: [date(day), "", sizeRange(Math.max(0, low), high, props.language)],
    })),
  ];
  return figureTable(
    text.tableCaption,
    [{ title: text.day }, { title: text.measured, number: true }, { title: text.forecast, number: true }],
    rows,
  );
}

const csvName = ({ target, check, now }: CapacityModel): string =>
  `${target.id}-${check}-${dateOfDay(epochDay(now)).toString()}.csv`;

/** The file is inside the page: it shows the same moment, and no other request is needed. */
const csvAddress = (model: CapacityModel, until: number): string =>
  `data:text/csv;charset=utf-8,${encodeURIComponent(csv(model, until)).replaceAll("%2C", ",")}`;

/** Every day that the chart shows, in bytes. */
function csv(model: CapacityModel, until: number): string {
  const { forecast } = model;
  const past = measuredDays(model).map(({ day, value }) => [dateOfDay(day), Math.round(value), "", "", "", "", ""]);
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
