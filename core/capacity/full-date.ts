/** The date when something is full: days and dates of a forecast, counted in UTC as the days of the store are. */
import type { DaysToFull, Forecast } from "./forecast.ts";

export interface Point {
  readonly at: Temporal.Instant;
  readonly value: number;
}

/** A day, or more than two years from now. */
export type FullDate = Temporal.PlainDate | "beyond";

/** Days since 1970. */
export const epochDay = (at: Temporal.Instant): number => Math.floor(at.epochMilliseconds / 86_400_000);

export function dateOfDay(day: number): Temporal.PlainDate {
  return Temporal.PlainDate.from("1970-01-01").add({ days: Math.floor(day) });
}

/** The day of the newest reading; forecasts count from it. */
export const newestDay = (found: Forecast): number => found.series.at(-1)?.day ?? 0;

/** Days from today instead; what should have been full already is full now. */
export function fromToday(full: DaysToFull, found: Forecast, today: number): Record<"early" | "mid" | "late", number> {
  const shift = (days: number) => Math.max(0, days - (today - newestDay(found)));
  return { early: shift(full.early80), mid: shift(full.mid), late: shift(full.late80) };
}

export function fullDate(today: number, days: number): FullDate {
  return Number.isFinite(days) ? dateOfDay(today + days) : "beyond";
}
