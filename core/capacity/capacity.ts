/** The capacity model of one store: how long it lasts, when a bigger one must be ordered, and which one. */

import type { Localised } from "../language.ts";
import type { CapacityPlan } from "../target.ts";
import { daysToFull, type Forecast, forecast, type KnownForecast } from "./forecast.ts";
import { dateOfDay, epochDay, type FullDate, fromToday, fullDate, newestDay, type Point } from "./full-date.ts";
import type { DayValue } from "./growth.ts";
import { recommend, type SizeOutlook, sizeOutlooks, targetDays } from "./sizes.ts";
import { biggestTable, type PartGrowth, partGrowths, type StorePart } from "./table-growth.ts";

type PlainDate = Temporal.PlainDate;

export interface CapacityInput {
  readonly target: { readonly id: string; readonly name: Localised };
  readonly plan: CapacityPlan;
  /** What the readings call it; the same check may have had another one before. */
  readonly store: string;
  /** Bytes used, one value a day, oldest first. */
  readonly daily: readonly Point[];
  /** The newest reading; absent when there is none of the last 36 hours. */
  readonly newest?: Point;
  /** The newest limit that was read, for plans that do not name one. */
  readonly measuredLimitBytes?: number;
  readonly parts: readonly StorePart[];
  readonly now: Temporal.Instant;
}

/**
 * page: writes may stop within days; order: time to order a bigger one; plan: within a quarter; calm: neither;
 * stale: no reading of the last 36 hours; insufficient: fewer than 8 days of readings, or no limit known.
 */
export type CapacityState = "page" | "order" | "plan" | "calm" | "stale" | "insufficient";

export interface CapacityModel {
  readonly target: CapacityInput["target"];
  readonly check: string;
  readonly store: string;
  readonly now: Temporal.Instant;
  readonly state: CapacityState;
  /** The newest reading there is, however old. */
  readonly used?: Point;
  readonly limitBytes?: number;
  /** What can really be used before the host stops writes. */
  readonly usableBytes?: number;
  readonly usableFraction: number;
  readonly leadDays: number;
  /** In days since 1970. */
  readonly forecast: Forecast;
  /** Absent while nothing can be said. */
  readonly outlook?: Outlook;
  readonly sizes: readonly SizeOutlook[];
  /** The cheapest size that lasts `targetDays` and leaves room to work; absent when none does or nothing is known. */
  readonly recommended?: string;
  readonly targetDays: number;
  /** What grew most first. */
  readonly parts: readonly PartGrowth[];
}

/** When the usable part is full. */
export interface Outlook {
  readonly growthBytesPerDay: number;
  /** The newest day the forecast knows. */
  readonly asOf: PlainDate;
  /** Days from today, 80 % of the time between `early` and `late`. */
  readonly days: { readonly early: number; readonly mid: number; readonly late: number };
  readonly full: { readonly early: FullDate; readonly mid: FullDate; readonly late: FullDate };
  /** The last day to order a bigger one so that it is there in time; absent when that is more than two years away. */
  readonly orderBy?: PlainDate | "now";
}

const planWithinDays = 90;
const pageWithinDays = 3;
/** This close to where the host stops writes, somebody is woken. */
const pageMargin = 0.02;
/** How many days back the rule that needs two looks is followed. */
const remembered = 30;

export function capacityModel(input: CapacityInput): CapacityModel {
  const { plan, now } = input;
  const today = epochDay(now);
  // The wall clock may once have been ahead: what was written then is not the newest.
  const daily = input.daily.filter(({ at }) => epochDay(at) <= today);
  const readings = daily.map(({ at, value }) => ({ day: epochDay(at), value }));
  const found = forecast(readings);
  const used = input.newest ?? daily.at(-1);
  const limitBytes = plan.limitBytes ?? input.measuredLimitBytes;
  const usableBytes = limitBytes === undefined ? undefined : limitBytes * plan.usableFraction;
  const outlook =
    found.state === "insufficient" || usableBytes === undefined
      ? undefined
      : outlookOf(found, usableBytes, plan, today);
  const parts = partGrowths(input.parts);
  const sizes = sizeOutlooks(plan, { found, used: used?.value, limitBytes, today, biggestTable: biggestTable(parts) });
  const recommended = recommend(sizes);
  return {
    target: input.target,
    check: plan.check,
    store: input.store,
    now,
    state: stateOf({ input, readings, usableBytes, limitBytes, outlook, today }),
    ...(used && { used }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(usableBytes !== undefined && { usableBytes }),
    usableFraction: plan.usableFraction,
    leadDays: plan.leadDays,
    forecast: found,
    ...(outlook && { outlook }),
    sizes,
    ...(recommended && { recommended: recommended.name }),
    targetDays,
    parts,
  };
}

/** Whatever the forecast says, which looks at whole days: this much is used at this moment. */
export const isFullNow = ({ used, usableBytes }: Pick<CapacityModel, "used" | "usableBytes">): boolean =>
  used !== undefined && usableBytes !== undefined && used.value >= usableBytes;

/** To the tenth of a percent that is shown, as sizes are rounded: rounded down as uptime is, it would promise room. */
export const shareUsed = (used: number, limitBytes: number): number => Math.round((1000 * used) / limitBytes) / 1000;

function outlookOf(found: KnownForecast, usableBytes: number, plan: CapacityPlan, today: number): Outlook {
  const days = fromToday(daysToFull(found, usableBytes), found, today);
  return {
    growthBytesPerDay: found.growth,
    asOf: dateOfDay(newestDay(found)),
    days,
    full: { early: fullDate(today, days.early), mid: fullDate(today, days.mid), late: fullDate(today, days.late) },
    ...(Number.isFinite(days.early) && { orderBy: orderBy(today, Math.floor(days.early) - plan.leadDays) }),
  };
}

function orderBy(today: number, slackDays: number): PlainDate | "now" {
  return slackDays <= 0 ? "now" : dateOfDay(today + slackDays);
}

interface StateInput {
  readonly input: CapacityInput;
  readonly readings: readonly DayValue[];
  readonly usableBytes: number | undefined;
  readonly limitBytes: number | undefined;
  readonly outlook: Outlook | undefined;
  readonly today: number;
}

function stateOf({ input, readings, usableBytes, limitBytes, outlook, today }: StateInput): CapacityState {
  if (!input.newest && readings.length > 0) return "stale";
  if (!input.newest || usableBytes === undefined || limitBytes === undefined) return "insufficient";
  if (input.newest.value >= usableBytes - pageMargin * limitBytes) return "page";
  if (!outlook) return "insufficient";
  const looks = earlyEdges(readings, usableBytes, today);
  if (looks.length >= 2 && looks.slice(-2).every((early) => early <= pageWithinDays)) return "page";
  if (orderIsDue(looks, input.plan.leadDays)) return "order";
  return outlook.days.early <= planWithinDays ? "plan" : "calm";
}

/** The early edge as it stood on each of the last days, as far as there was one; oldest first. */
function earlyEdges(readings: readonly DayValue[], usableBytes: number, today: number): readonly number[] {
  return Array.from({ length: remembered }, (_, index) => today - remembered + 1 + index).flatMap((day) => {
    const found = forecast(readings.filter((reading) => reading.day <= day));
    return found.state === "insufficient" ? [] : fromToday(daysToFull(found, usableBytes), found, day).early;
  });
}

/**
 * True from the second look in a row within lead time and a week, until the second in a row beyond lead time and two
 * weeks: one odd reading neither raises nor clears it.
 */
function orderIsDue(earlyEdges: readonly number[], leadDays: number): boolean {
  let due = false;
  let against = 0;
  for (const early of earlyEdges) {
    const other = due ? early > leadDays + 14 : early <= leadDays + 7;
    against = other ? against + 1 : 0;
    if (against < 2) continue;
    due = !due;
    against = 0;
  }
  return due;
}
