/** A growth chart as SVG: what was measured, named levels, and the range of what is to come with its dates written on it. */
import { html } from "hono/html";
import type { Html } from "./html.ts";
import { textWidth } from "./text-width.ts";

/** Days are counted from any origin. */
export interface GrowthChart {
  /** What the drawing says, for those who do not see it. */
  readonly label: string;
  readonly today: number;
  readonly todayLabel: string;
  readonly measured: readonly { readonly day: number; readonly value: number }[];
  /** What is written at the newest measured value. */
  readonly measuredLabel: string;
  readonly fan: readonly FanPoint[];
  /** Highest first; drawn as lines over the whole width, with their names. */
  readonly levels: readonly NamedLevel[];
  /** Where the fan reaches a level: a bracket between two dates, which are written above it. */
  readonly bracket?: Bracket;
  /** Steps in the measured line: "−12 GB". */
  readonly marks: readonly { readonly day: number; readonly label: string; readonly isRise: boolean }[];
  /** What happened and explains the line, such as an upgrade; told in words beside the drawing. */
  readonly notes?: readonly { readonly day: number; readonly label: string }[];
  /** The last day on the right. */
  readonly until: number;
  readonly valueLabel: (value: number) => string;
  /** Name of the month that begins on this day, or undefined when none does. */
  readonly monthLabel: (day: number) => string | undefined;
}

interface FanPoint {
  readonly day: number;
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}

interface NamedLevel {
  readonly name: string;
  readonly value: number;
  readonly kind: "limit" | "usable";
}

interface Bracket {
  /** The value of the level that the fan reaches. */
  readonly value: number;
  readonly from: number;
  /** Absent when it is beyond the right edge. */
  readonly to?: number;
  readonly label: string;
}

/** Everything that depends on how wide the screen is. */
interface Size {
  readonly kind: "wide" | "narrow";
  readonly width: number;
  readonly height: number;
  /** Font size, in the units of the drawing. */
  readonly font: number;
}

const sizes: readonly Size[] = [
  { kind: "wide", width: 860, height: 400, font: 14 },
  { kind: "narrow", width: 350, height: 330, font: 12.5 },
];

/** Two drawings of the same thing; the style sheet shows the one that fits. */
export function growthChart(chart: GrowthChart): Html {
  return html`${sizes.map((size) => drawing(chart, size))}`;
}

interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly x: (day: number) => number;
  readonly y: (value: number) => number;
  readonly ticks: readonly number[];
}

function drawing(chart: GrowthChart, size: Size): Html {
  const plot = plotOf(chart, size);
  return html`<svg class="chart ${size.kind}" viewBox="0 0 ${size.width} ${size.height}" font-size="${size.font}" role="img" aria-label="${chart.label}">
${valueAxis(chart, plot, size)}${monthAxis(chart, plot, size)}
${notes(chart, plot)}${fan(chart, plot)}${today(chart, plot, size)}${levels(chart, plot, size)}
${measured(chart, plot, size)}${marks(chart, plot, size)}${bracket(chart, plot, size)}
</svg>`;
}

function plotOf(chart: GrowthChart, size: Size): Plot {
  const values = chart.measured.map(({ value }) => value);
  const highest = Math.max(0, ...values, ...chart.levels.map(({ value }) => value));
  const lowest = Math.min(highest, ...values, ...chart.fan.map(({ low }) => Math.max(low, 0)));
  const ticks = ticksBetween(lowest > highest / 2 ? lowest : 0, highest);
  const floor = ticks[0] ?? 0;
  const roof = floor + Math.max(highest - floor, (ticks[1] ?? 1) - floor) * 1.06;
  const left = round(Math.max(...ticks.map((tick) => textWidth(chart.valueLabel(tick), size.font))) + size.font * 0.6);
  const [right, top, bottom] = [size.width - 6, size.font * 2.2, size.height - size.font * 2];
  const from = chart.measured[0]?.day ?? chart.today;
  const days = Math.max(1, chart.until - from);
  return {
    ...{ left, right, top, bottom, ticks },
    x: (day) => round(left + ((Math.min(day, chart.until) - from) / days) * (right - left)),
    y: (value) => round(bottom - ((Math.min(Math.max(value, floor), roof) - floor) / (roof - floor)) * (bottom - top)),
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Three to six round numbers. */
function ticksBetween(low: number, high: number): readonly number[] {
  const rough = Math.max(high - low, high / 20, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
  const first = Math.floor(low / step);
  const count = Math.max(2, Math.floor(high / step) - first + 1);
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}

function valueAxis({ valueLabel }: GrowthChart, { ticks, left, right, y }: Plot, { font }: Size): Html {
  return html`<g class="grid">${ticks.map((tick) => html`<path d="M${left} ${y(tick)}H${right}"/><text x="${round(left - font * 0.5)}" y="${round(y(tick) + font * 0.35)}" text-anchor="end">${valueLabel(tick)}</text>`)}</g>`;
}

/** As many months as have room, always the same number of months apart. */
function monthAxis({ measured, until, today, monthLabel }: GrowthChart, plot: Plot, size: Size): Html {
  const from = measured[0]?.day ?? today;
  const months = Array.from({ length: until - from + 1 }, (_, index) => from + index).flatMap((day) => {
    const label = monthLabel(day);
    return label === undefined ? [] : [{ day, label }];
  });
  const room =
    (plot.right - plot.left) / (Math.max(...months.map(({ label }) => textWidth(label, size.font)), 1) + size.font);
  const every = [1, 2, 3, 6, 12].find((step) => months.length / step <= room) ?? 12;
  const shown = months.filter((_, index) => index % every === 0);
  return html`<g class="grid">${shown.map(({ day, label }) => {
    const x = plot.x(day);
    const half = textWidth(label, size.font) / 2;
    const at = Math.min(Math.max(x, plot.left + half), plot.right - half);
    return html`<path d="M${x} ${plot.bottom}v5"/><text x="${round(at)}" y="${size.height - size.font * 0.4}" text-anchor="middle">${label}</text>`;
  })}</g>`;
}

function fan({ fan }: GrowthChart, { x, y }: Plot): Html | string {
  if (fan.length === 0) return "";
  const upper = fan.map(({ day, high }) => `${x(day)} ${y(high)}`);
  const lower = fan.toReversed().map(({ day, low }) => `${x(day)} ${y(low)}`);
  return html`<path class="fan" d="M${[...upper, ...lower].join("L")}Z"/>${dashed(fan, { x, y })}`;
}

/** The middle, until it leaves the drawing at the top. */
function dashed(fan: readonly FanPoint[], { x, y }: Pick<Plot, "x" | "y">): Html {
  const roof = y(Number.POSITIVE_INFINITY);
  const inside = fan.filter(({ mid }) => y(mid) > roof);
  return html`<path class="mid" d="M${inside.map(({ day, mid }) => `${x(day)} ${y(mid)}`).join("L")}"/>`;
}

function levels({ levels }: GrowthChart, plot: Plot, { font }: Size): Html {
  return html`${levels.map(({ name, value, kind }) => {
    const at = plot.y(value);
    return html`<g class="level ${kind} ${kind === "limit" ? "down" : "degraded"}"><path d="M${plot.left} ${at}H${plot.right}"/><text x="${plot.left + 4}" y="${besideLine(value, levels, plot, font)}">${name}</text></g>`;
  })}`;
}

/** Where writing stands on a level's line: above, or below where the next line above is too near. */
function besideLine(value: number, levels: readonly NamedLevel[], { y }: Plot, font: number): number {
  const isTight = levels.some((other) => other.value > value && y(value) - y(other.value) < font * 1.6);
  return round(y(value) + (isTight ? font * 1.15 : -font * 0.45));
}

function today({ today, todayLabel }: GrowthChart, { x, top, bottom, left, right }: Plot, size: Size): Html {
  const half = textWidth(todayLabel, size.font) / 2;
  const at = Math.min(Math.max(x(today), left + half), right - half);
  return html`<g class="today"><path d="M${x(today)} ${round(top - size.font * 0.4)}V${bottom}"/><text x="${round(at)}" y="${round(top - size.font * 0.8)}" text-anchor="middle">${todayLabel}</text></g>`;
}

/** Thin lines; hovering tells what each is, and the caption below tells all. */
function notes({ notes = [], measured }: GrowthChart, { x, top, bottom }: Plot): Html {
  const first = measured[0]?.day ?? 0;
  const shown = notes.filter(({ day }) => day >= first);
  return html`<g class="today note">${shown.map(({ day, label }) => html`<path d="M${x(day)} ${round(top)}V${bottom}"><title>${label}</title></path>`)}</g>`;
}

/** Gaps of more than two days are drawn as gaps: nothing was measured there. */
function measured({ measured, measuredLabel }: GrowthChart, { x, y, right, bottom }: Plot, size: Size): Html | string {
  const last = measured.at(-1);
  if (!last) return "";
  const path = measured.map(({ day, value }, index) => {
    const before = measured[index - 1];
    return `${before && day - before.day <= 2 ? "L" : "M"}${x(day)} ${y(value)}`;
  });
  // Below and to the right of the newest value there is neither line nor fan, as long as it grows.
  const fits = x(last.day) + size.font * 0.6 + textWidth(measuredLabel, size.font, "bold") < right;
  const label = fits ? { x: x(last.day) + size.font * 0.6, anchor: "start" } : { x: right, anchor: "end" };
  const below = Math.min(y(last.value) + size.font * 1.4, bottom - 3);
  return html`<g class="measured"><path d="${path.join("")}"/><circle cx="${x(last.day)}" cy="${y(last.value)}" r="4.5"/><text x="${round(label.x)}" y="${round(below)}" text-anchor="${label.anchor}">${measuredLabel}</text></g>`;
}

/** Rings; their labels where there is room for them. */
function marks({ marks, measured }: GrowthChart, { x, y, left, right }: Plot, size: Size): Html {
  let free = left;
  return html`<g class="mark">${marks.map(({ day, label, isRise }) => {
    const at = measured.find((point) => point.day === day);
    if (!at) return "";
    const half = textWidth(label, size.font) / 2;
    const fits = x(day) - half > free && x(day) + half < right;
    if (fits) free = x(day) + half + size.font * 0.5;
    const labelY = round(y(at.value) + (isRise ? -size.font : size.font * 1.7));
    return html`<circle cx="${x(day)}" cy="${y(at.value)}" r="5"/>${fits ? html`<text x="${x(day)}" y="${labelY}" text-anchor="middle">${label}</text>` : ""}`;
  })}</g>`;
}

/** The dates stand over their bracket, as far as the level's own name and the edge leave room. */
function bracket({ bracket, levels }: GrowthChart, plot: Plot, size: Size): Html | string {
  if (!bracket) return "";
  const { x, left, right } = plot;
  const [from, to, level] = [x(bracket.from), x(bracket.to ?? Number.POSITIVE_INFINITY), plot.y(bracket.value)];
  const names = levels
    .filter(({ value }) => value === bracket.value)
    .map(({ name }) => textWidth(name, size.font, "bold"));
  const half = textWidth(bracket.label, size.font, "bold") / 2;
  const least = left + Math.max(0, ...names) + size.font + half;
  const middle = Math.min(Math.max((from + to) / 2, least), right - half);
  const beside = besideLine(bracket.value, levels, plot, size.font);
  const at = middle < least ? Math.max(beside, round(level + size.font * 1.6)) : beside;
  const ends = bracket.to === undefined ? [from] : [from, to];
  return html`<g class="bracket"><path d="M${from} ${level}H${to}"/>${ends.map((end) => html`<circle cx="${end}" cy="${level}" r="4.5"/>`)}<text x="${round(middle)}" y="${at}" text-anchor="middle">${bracket.label}</text></g>`;
}
