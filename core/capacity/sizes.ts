/** Sizes on offer: how long each would last, its extra price, and the recommended one, the cheapest that is enough. */

import type { CapacityPlan, PlanSize } from "../target.ts";
import { daysToFull, type Forecast } from "./forecast.ts";
import { type FullDate, fromToday, fullDate } from "./full-date.ts";

export interface SizeOutlook {
  readonly name: string;
  readonly bytes: number;
  readonly monthly?: number;
  /** The one in use now. */
  readonly current: boolean;
  /** Too small for what is there, or smaller than what we have: hosts only ever grow. */
  readonly fits: boolean;
  /** Days from today until its usable part is full: the middle, and the early edge. */
  readonly runway?: { readonly mid: number; readonly early: number };
  readonly lastsUntil?: FullDate;
  /** More than now, each month. */
  readonly extraMonthly?: number;
  /** That, for each month that it lasts longer than what we have; absent when it cannot be divided. */
  readonly extraPerMonthGained?: number;
  /** Room to rewrite the biggest table; absent when its size is not known. */
  readonly roomToWork?: boolean;
}

/** A size is enough when it lasts this long. */
export const targetDays = 270;
const daysInMonth = 365.25 / 12;

export interface SizeInput {
  readonly found: Forecast;
  readonly used: number | undefined;
  readonly limitBytes: number | undefined;
  readonly today: number;
  readonly biggestTable: number | undefined;
}

export function sizeOutlooks(plan: CapacityPlan, input: SizeInput): readonly SizeOutlook[] {
  const sizes = plan.sizes.toSorted((a, b) => a.bytes - b.bytes);
  const current = sizes.find(({ bytes }) => bytes === input.limitBytes);
  const now = current && sizeOutlook(current, plan, input);
  return sizes.map((size) => {
    const outlook = sizeOutlook(size, plan, input);
    return size === current ? { ...outlook, current: true } : { ...outlook, ...compared(outlook, now) };
  });
}

function sizeOutlook(
  size: PlanSize,
  plan: CapacityPlan,
  { found, used, limitBytes, today, biggestTable }: SizeInput,
): SizeOutlook {
  const usable = size.bytes * plan.usableFraction;
  const fits = size.bytes >= (limitBytes ?? 0) && (used === undefined || used < usable);
  const days = found.state === "insufficient" ? undefined : fromToday(daysToFull(found, usable), found, today);
  return {
    name: size.name,
    bytes: size.bytes,
    ...(size.monthly !== undefined && { monthly: size.monthly }),
    current: false,
    fits,
    ...(days && { runway: { mid: days.mid, early: days.early }, lastsUntil: fullDate(today, days.early) }),
    ...(biggestTable !== undefined && used !== undefined && { roomToWork: usable - used >= 2 * biggestTable }),
  };
}

function compared(
  size: SizeOutlook,
  now: SizeOutlook | undefined,
): Pick<SizeOutlook, "extraMonthly" | "extraPerMonthGained"> {
  if (size.monthly === undefined || now?.monthly === undefined) return {};
  const extraMonthly = size.monthly - now.monthly;
  const gained = ((size.runway?.mid ?? Number.NaN) - (now.runway?.mid ?? Number.NaN)) / daysInMonth;
  return { extraMonthly, ...(Number.isFinite(gained) && gained > 0 && { extraPerMonthGained: extraMonthly / gained }) };
}

/** The cheapest that lasts long enough; where prices are missing, the smallest. */
export function recommend(sizes: readonly SizeOutlook[]): SizeOutlook | undefined {
  const enough = sizes.filter(
    ({ fits, runway, roomToWork }) =>
      fits && roomToWork !== false && runway !== undefined && runway.early >= targetDays,
  );
  if (enough.some(({ monthly }) => monthly === undefined)) return enough[0];
  return enough.toSorted((a, b) => (a.monthly ?? 0) - (b.monthly ?? 0))[0];
}
