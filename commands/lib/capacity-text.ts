/** Prints a capacity model: for people in the words and order of the page, for machines as JSON. */
import {
  type CapacityModel,
  type CapacityState,
  isFullNow,
  type Outlook,
  shareUsed,
} from "../../core/capacity/capacity.ts";
import { dateOfDay, type FullDate } from "../../core/capacity/full-date.ts";
import type { SizeOutlook } from "../../core/capacity/sizes.ts";
import { plainText } from "../../core/plain-text.ts";
import { formatRatio } from "../../core/status/uptime.ts";
import { formatDate, formatIn } from "../../core/time-zone.ts";
import { formatBytes } from "../../core/units.ts";

const stateWords: Readonly<Record<CapacityState, string>> = {
  page: "nearly full",
  order: "order a bigger size",
  plan: "full within a quarter",
  calm: "room enough",
  stale: "not measured for a day and a half; what follows is older",
  insufficient: "too early to say",
};

export function capacityText(model: CapacityModel, zone: string): string {
  const lines = [...facts(model, zone), ...sizeLines(model), ...partLines(model)];
  return `${model.target.id}/${model.check} (${plain(model.store)}): ${stateWords[model.state]}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function facts(model: CapacityModel, zone: string): readonly string[] {
  const { used, limitBytes, usableBytes, usableFraction, forecast, outlook, leadDays, state } = model;
  const when =
    used && (state === "stale" ? used.at.toString().slice(0, 10) : formatIn(used.at, zone, "en", "short-date-time"));
  const rows: (readonly [string, string])[] = [];
  if (used) rows.push(["Used", `${usedText(used.value, limitBytes)}  ${when}`]);
  if (usableBytes !== undefined)
    rows.push(["Usable", `${formatBytes(usableBytes)}, ${percent(usableFraction, 0)} of the limit`]);
  if (limitBytes === undefined) rows.push(["Limit", "not known: set `capacity` in the configuration"]);
  const isFull = isFullNow(model);
  if (forecast.state !== "insufficient") {
    rows.push(["Growth", `${growthText(forecast.growth)} a day${cycleText(forecast.periodDays)}`]);
  } else if (!isFull) rows.push(["Full", "a forecast needs readings of 8 days"]);
  if (isFull) rows.push(["Full", "now"], ["Order by", "now"]);
  else if (outlook) {
    rows.push(["Full", betweenText(outlook)]);
    if (outlook.orderBy)
      rows.push(["Order by", `${orderText(outlook.orderBy)}, ${leadDays} days before the earliest date`]);
  }
  return rows.map(([term, said]) => `${term.padEnd(9)} ${said}`);
}

function usedText(used: number, limit: number | undefined): string {
  if (limit === undefined) return formatBytes(used);
  return `${formatBytes(used)} of ${formatBytes(limit)} (${percent(shareUsed(used, limit), 1)})`;
}

const percent = (ratio: number, digits: number): string => formatRatio(ratio, "en", digits).replace("\u00a0", " ");
const growthText = (bytes: number): string => `${bytes > 0 ? "+" : ""}${formatBytes(bytes)}`;
const cycleText = (days: number | undefined): string =>
  days === undefined ? "" : ` over whole cycles; it is cleaned up every ${Math.round(days)} days`;
const dateText = (date: FullDate): string =>
  date === "beyond" ? "more than 2 years from now" : formatDate(date, "en", "long");
const orderText = (orderBy: NonNullable<Outlook["orderBy"]>): string => (orderBy === "now" ? "now" : dateText(orderBy));

function betweenText({ full: { early, late } }: Outlook): string {
  if (early === "beyond") return dateText(early);
  if (late === "beyond") return `${dateText(early)} at the earliest, or ${dateText(late)}`;
  return `between ${dateText(early)} and ${dateText(late)} (80 % sure)`;
}

function sizeLines({ sizes, recommended, targetDays }: CapacityModel): readonly string[] {
  if (sizes.length === 0) return [];
  const rows = sizes.map((size) => [
    plain(size.name),
    size.fits && size.lastsUntil ? `lasts until ${dateText(size.lastsUntil)}`.replace("until more", "more") : "",
    size.monthly === undefined ? "" : `${money(size.monthly)} a month`,
    extraText(size),
    notes(size, recommended).join(", "),
  ]);
  const isKnown = sizes.some(({ runway }) => runway !== undefined);
  const none = isKnown && recommended === undefined ? [`None of these sizes lasts ${targetDays} days.`] : [];
  return ["Sizes", ...table(rows), ...none];
}

function extraText({ fits, current, extraMonthly, extraPerMonthGained }: SizeOutlook): string {
  if (!fits || current || extraMonthly === undefined) return "";
  const gained = extraPerMonthGained === undefined ? "" : ` (${money(extraPerMonthGained)} for each month gained)`;
  return `${money(extraMonthly)} more${gained}`;
}

function notes(size: SizeOutlook, recommended: string | undefined): readonly string[] {
  return [
    ...(size.current ? ["in use now"] : []),
    ...(size.name === recommended ? ["recommended"] : []),
    ...(size.fits ? [] : ["too small"]),
    ...(size.fits && size.roomToWork === false ? ["no room to rewrite the biggest table"] : []),
  ];
}

const money = (amount: number): string => (Number.isInteger(amount) ? `$${amount}` : `$${amount.toFixed(2)}`);

function partLines({ parts }: CapacityModel): readonly string[] {
  if (parts.length === 0) return [];
  const shown = parts.slice(0, 5);
  const rows = shown.map(({ kind, name, bytes, growthBytesPerDay }) => [
    plain(name),
    kind === "others" ? "" : kind,
    formatBytes(bytes),
    `${growthText(growthBytesPerDay)} a day`,
  ]);
  return [`Growing most, over ${Math.max(...shown.map(({ overDays }) => overDays))} days`, ...table(rows)];
}

/** Names come from watched servers: nothing in them may move the cursor. */
const plain = (name: string): string => plainText(name, 60);

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}

/** Dates as ISO 8601, sizes in bytes; null where it is more than two years away, or not known. */
export function capacityReport(model: CapacityModel) {
  const { target, check, store, state, used, limitBytes, usableBytes, leadDays, forecast, outlook, recommended } =
    model;
  const date = (full: FullDate | undefined) => (full === undefined || full === "beyond" ? null : full.toString());
  return {
    target: target.id,
    check,
    store,
    state,
    asOf: model.now.toString({ smallestUnit: "second" }),
    usedBytes: used?.value ?? null,
    usedAt: used?.at.toString({ smallestUnit: "second" }) ?? null,
    limitBytes: limitBytes ?? null,
    usableBytes: usableBytes ?? null,
    growthBytesPerDay: forecast.state === "insufficient" ? null : forecast.growth,
    full: { early: date(outlook?.full.early), mid: date(outlook?.full.mid), late: date(outlook?.full.late) },
    orderBy: outlook?.orderBy?.toString() ?? null,
    leadDays,
    recommended: recommended ?? null,
    sizes: model.sizes.map(({ lastsUntil, runway, ...size }) => ({ ...size, lastsUntil: date(lastsUntil) })),
    steps:
      forecast.state === "insufficient"
        ? []
        : forecast.steps.map(({ day, size, kind }) => ({ date: date(dateOfDay(day)), bytes: size, kind })),
    parts: model.parts,
  };
}
