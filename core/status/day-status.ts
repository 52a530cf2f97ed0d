/** The days of a target: how each civil day was spent, those that are over worked out once, and its timeline in short. */
import type { Interval, OutcomeInterval } from "../confirmation.ts";
import type { Outcome } from "../sample.ts";
import type { CivilDay } from "../time-zone.ts";
import type { SettledPast } from "./settled-past.ts";

export interface DayStatus {
  readonly date: Temporal.PlainDate;
  /** What the bar says: the worst that was, `unknown` when less than half of it was measured and nothing was bad. */
  readonly shown: Outcome;
  readonly seconds: Readonly<Record<Outcome, number>>;
}

/** What a timeline says in short. Times are epoch milliseconds. */
export interface TimelineSummary {
  readonly spent: Readonly<Record<Outcome, number>>;
  /** When something was known for the first time. */
  readonly begun: number | undefined;
  readonly last: OutcomeInterval | undefined;
  readonly lastKnown: OutcomeInterval | undefined;
  /** Times in which we did not measure are no change: what counts is the last thing known before and after. */
  readonly lastChange: { readonly at: number; readonly to: Outcome } | undefined;
}

const noSummary: TimelineSummary = {
  spent: { up: 0, degraded: 0, down: 0, unknown: 0 },
  begun: undefined,
  last: undefined,
  lastKnown: undefined,
  lastChange: undefined,
};

/** @param before of what came right before these intervals. */
export function summaryOf(intervals: readonly OutcomeInterval[], before = noSummary): TimelineSummary {
  const spent = { ...before.spent };
  let { begun, last, lastKnown, lastChange } = before;
  for (const interval of intervals) {
    const { from, to, outcome } = interval;
    spent[outcome] += to - from;
    last = last?.outcome === outcome ? { ...last, to } : interval;
    if (outcome === "unknown") continue;
    begun ??= from;
    if (lastKnown && lastKnown.outcome !== outcome) lastChange = { at: from, to: outcome };
    lastKnown = interval;
  }
  return { spent, begun, last, lastKnown, lastChange };
}

/** The days that lie in the settled past as a whole. */
interface SettledDays {
  readonly days: readonly DayStatus[];
  readonly summary: TimelineSummary;
  readonly until: number;
}

const daysOfPasts = new WeakMap<SettledPast, SettledDays & { readonly calendar: readonly CivilDay[] }>();

/** Worked out once for each past and calendar. @param calendar oldest first, from `begin` on; the last day is today. */
export function settledDays(past: SettledPast, calendar: readonly CivilDay[], begin: number): SettledDays {
  const known = daysOfPasts.get(past);
  if (known?.calendar === calendar) return known;
  const over = calendar.slice(0, -1).filter(({ to }) => to.epochMilliseconds <= past.span.to);
  const until = over.at(-1)?.to.epochMilliseconds ?? begin;
  const intervals = [...past.intervals({ from: begin, to: until })];
  const summary = summaryOf(intervals);
  const days = daysOf(over, intervals, { begun: summary.begun ?? until, now: until });
  const settled = { days, summary, until, calendar };
  daysOfPasts.set(past, settled);
  return settled;
}

/** @param begun when something was known for the first time: before that there was nothing to record. */
export function daysOf(
  calendar: readonly CivilDay[],
  intervals: readonly OutcomeInterval[],
  { begun, now }: { readonly begun: number; readonly now: number },
): readonly DayStatus[] {
  let next = 0;
  return calendar.map((day) => {
    const span = { from: day.from.epochMilliseconds, to: Math.min(now, day.to.epochMilliseconds) };
    const milliseconds = { up: 0, degraded: 0, down: 0, unknown: 0 };
    while ((intervals[next]?.to ?? Number.POSITIVE_INFINITY) <= span.from) next++;
    for (let index = next; index < intervals.length; index++) {
      const interval = intervals[index];
      if (!interval || interval.from >= span.to) break;
      milliseconds[interval.outcome] += overlap(interval, span);
    }
    const recorded = Math.max(0, span.to - Math.max(span.from, begun));
    return {
      date: day.date,
      shown: shownOutcome(milliseconds, recorded),
      seconds: {
        up: milliseconds.up / 1000,
        degraded: milliseconds.degraded / 1000,
        down: milliseconds.down / 1000,
        unknown: milliseconds.unknown / 1000,
      },
    };
  });
}

function shownOutcome(milliseconds: Readonly<Record<Outcome, number>>, recorded: number): Outcome {
  if (milliseconds.down > 0) return "down";
  if (milliseconds.degraded > 0) return "degraded";
  return milliseconds.up > 0 && milliseconds.up * 2 >= recorded ? "up" : "unknown";
}

function overlap(a: Interval, b: Interval): number {
  return Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from));
}
