/**
 * The forecast when something will be full: step-aware drift. Growth is the weighted mean of recent daily increments
 * without one-off steps; its uncertainty is measured by how well the same method would have done on the past.
 * docs/forecast.md
 */
import {
  type DayValue,
  dailyValues,
  findSteps,
  type Increment,
  increments,
  type Recurrence,
  type StepChange,
} from "./growth.ts";
import { median, rootMeanSquare, sum, variance } from "./statistics.ts";

/** The level `days` from the newest reading: the middle, and the standard deviation of what may come. */
interface PathPoint {
  readonly days: number;
  readonly mid: number;
  readonly deviation: number;
}

export type Forecast =
  /** Fewer than 8 days of readings: nothing can be said yet. */
  | { readonly state: "insufficient"; readonly series: readonly DayValue[] }
  | {
      readonly state: "drift" | "recurrent";
      /** The daily values it is made from. */
      readonly series: readonly DayValue[];
      /** The newest daily value. */
      readonly level: number;
      /** Growth a day, over whole cycles when recurrent. */
      readonly growth: number;
      /** Days between clean-ups of a recurrent disk. */
      readonly periodDays?: number;
      /** 1 to 730 days ahead. */
      readonly path: readonly PathPoint[];
      /** What was not counted as growth, for a person to explain. It is assumed that no more of them come. */
      readonly steps: readonly StepChange[];
    };

export type KnownForecast = Exclude<Forecast, { readonly state: "insufficient" }>;

const horizonDays = 730;
/** Half of an increment's weight is gone after so many days. */
const halfLifeDays = 21;
const leastDays = 8;
const leastSpanDays = 7;
const leastIncrements = 5;
/** What is never known about growth, as a share of it. */
const growthDoubt = 0.12;
const leastBacktests = 7;
/** Normal quantiles; the second is a little wide because rare things are less normal. */
export const quantile80 = 1.2816;
export const quantile95 = 2.33;

/** @param readings any number a day, in any order. */
export function forecast(readings: readonly DayValue[]): Forecast {
  const series = dailyValues(readings);
  const first = series[0];
  const last = series.at(-1);
  if (!first || !last || series.length < leastDays || last.day - first.day < leastSpanDays) {
    return { state: "insufficient", series };
  }
  const rises = increments(series);
  const { excluded, recurrence } = findSteps(rises, last.value);
  const steps = [...excluded.values()];
  if (recurrence) {
    const cycle = sawtooth(series, rises, recurrence);
    return { state: "recurrent", series, level: last.value, steps, periodDays: recurrence.periodDays, ...cycle };
  }
  const kept = rises.filter((_, index) => !excluded.has(index));
  if (kept.length < leastIncrements) return { state: "insufficient", series };
  return { state: "drift", series, level: last.value, steps, ...drift(kept, last.value) };
}

/** Steady growth: the newest level and the drift on top of it. */
function drift(kept: readonly Increment[], level: number): Pick<KnownForecast, "growth" | "path"> {
  const states = weightedGrowth(kept);
  const now = states.at(-1) ?? start;
  const deviation = spread(kept, states);
  return {
    growth: now.growth,
    path: ahead((days) => ({ mid: level + now.growth * days, deviation: deviation(days) })),
  };
}

/** What the first k increments say; excluded ones take no time and no room. */
interface GrowthState {
  readonly days: number;
  readonly level: number;
  readonly growth: number;
  readonly weights: number;
  readonly weightedRates: number;
  readonly squaredWeights: number;
}
const start: GrowthState = { days: 0, level: 0, growth: 0, weights: 0, weightedRates: 0, squaredWeights: 0 };

/** State k of n + 1: after k increments. Weights halve every 21 days, so each state follows from the one before. */
function weightedGrowth(kept: readonly Increment[]): readonly GrowthState[] {
  const states = [start];
  let state = start;
  for (const { gap, rate } of kept) {
    const fade = 2 ** (-gap / halfLifeDays);
    const weights = state.weights * fade + gap;
    const weightedRates = state.weightedRates * fade + gap * rate;
    state = {
      days: state.days + gap,
      level: state.level + gap * rate,
      growth: weightedRates / weights,
      weights,
      weightedRates,
      squaredWeights: state.squaredWeights * fade ** 2 + gap ** 2,
    };
    states.push(state);
  }
  return states;
}

/** How far off the drift may be after so many days. */
function spread(kept: readonly Increment[], states: readonly GrowthState[]): (days: number) => number {
  const now = states.at(-1) ?? start;
  const average = now.level / now.days;
  const scatter = Math.sqrt(
    sum(kept.map(({ gap, rate }) => gap * (rate - average) ** 2)) / Math.max(1, kept.length - 1),
  );
  const independent = now.weights ** 2 / now.squaredWeights;
  const base = (days: number) => Math.sqrt(days * scatter ** 2 + (days * scatter) ** 2 / independent);
  const measured = backtested(states);
  return (days) => {
    const past = measured ? Math.max(measured(days), base(days)) : 1.5 * base(days);
    return Math.hypot(past, growthDoubt * now.growth * days);
  };
}

/** The errors this method made on the past of the same disk, a week and four weeks ahead; undefined when too few. */
function backtested(states: readonly GrowthState[]): ((days: number) => number) | undefined {
  const week = backtestErrors(states, 7);
  const month = backtestErrors(states, 28);
  if (month.length < leastBacktests) return undefined;
  const weekError = rootMeanSquare(week);
  const monthError = rootMeanSquare(month);
  const slope = weekError === 0 || monthError === 0 ? 0.8 : Math.log(monthError / weekError) / Math.log(4);
  const exponent = Math.min(1, Math.max(0.6, slope));
  return (days) => monthError * (days / 28) ** exponent;
}

function backtestErrors(states: readonly GrowthState[], ahead: number): readonly number[] {
  const end = states.at(-1)?.days ?? 0;
  const errors: number[] = [];
  let upper = 0;
  for (const { days, level, growth } of states) {
    const then = days + ahead;
    if (days < 14 || then > end) continue;
    while ((states[upper]?.days ?? end) < then) upper++;
    errors.push(levelAt(states, upper, then) - level - growth * ahead);
  }
  return errors;
}

/** The level at a moment between two states. @param upper the first state at or after it. */
function levelAt(states: readonly GrowthState[], upper: number, days: number): number {
  const after = states[upper] ?? start;
  const before = states[upper - 1] ?? after;
  if (after.days === before.days) return after.level;
  return before.level + ((after.level - before.level) * (days - before.days)) / (after.days - before.days);
}

/** A disk that is cleaned up again and again: growth from trough to trough, and a tooth on top of it. */
function sawtooth(
  series: readonly DayValue[],
  rises: readonly Increment[],
  { periodDays, drops }: Recurrence,
): Pick<KnownForecast, "growth" | "path"> {
  const recent = drops.slice(-7);
  const troughs = recent.flatMap((index) => series[index + 1] ?? []);
  const given = recent.flatMap((index) => rises[index]?.change ?? []).map((change) => -change);
  const last = series.at(-1) ?? { day: 0, value: 0 };
  const [first = last, trough = last] = [troughs[0], troughs.at(-1)];
  const growth = slope(first, trough);
  const gross = median(given) / periodDays + growth;
  const next = Math.max(periodDays - (last.day - trough.day), 1);
  const mid = (days: number) => {
    if (days < next) return last.value + gross * days;
    const cycles = Math.floor((days - next) / periodDays);
    return trough.value + growth * periodDays * (cycles + 1) + gross * (days - next - cycles * periodDays);
  };
  const cycles = troughs.slice(1).map((point, index) => slope(troughs[index] ?? point, point));
  const betweenCycles = variance(cycles, cycles.length - 1);
  const betweenTeeth = variance(given, given.length);
  const deviation = (days: number) =>
    Math.sqrt(
      days * periodDays * betweenCycles +
        (days ** 2 * betweenCycles) / cycles.length +
        betweenTeeth +
        (growthDoubt * growth * days) ** 2,
    );
  return { growth, path: ahead((days) => ({ mid: mid(days), deviation: deviation(days) })) };
}

const slope = (from: DayValue, to: DayValue): number => (to.value - from.value) / (to.day - from.day);

function ahead(at: (days: number) => Omit<PathPoint, "days">): readonly PathPoint[] {
  return Array.from({ length: horizonDays }, (_, index) => ({ days: index + 1, ...at(index + 1) }));
}

/** Days from the newest reading until a size is reached; `Infinity` is "not within two years". */
export interface DaysToFull {
  readonly mid: number;
  /** It will take longer than `early` and less than `late` with 80, or 95, per cent confidence. */
  readonly early80: number;
  readonly late80: number;
  readonly early95: number;
  readonly late95: number;
}

export function daysToFull({ level, path }: Pick<KnownForecast, "level" | "path">, capacity: number): DaysToFull {
  const reached = (quantile: number) => {
    if (level >= capacity) return 0;
    let before = level;
    for (const { days, mid, deviation } of path) {
      const value = mid + quantile * deviation;
      if (value >= capacity) return days - 1 + (capacity - before) / (value - before);
      before = value;
    }
    return Number.POSITIVE_INFINITY;
  };
  return {
    mid: reached(0),
    early80: reached(quantile80),
    late80: reached(-quantile80),
    early95: reached(quantile95),
    late95: reached(-quantile95),
  };
}
