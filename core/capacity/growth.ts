/** The growth of a disk so far: one value a day, the change of each day, and steps (imports, clean-ups) that are no growth. */
import { median, weightedMedian } from "./statistics.ts";

/** `day` counts UTC days from any origin; fractions of it are readings during the day. */
export interface DayValue {
  readonly day: number;
  readonly value: number;
}

/** From one kept day to the next. */
export interface Increment {
  /** The day it arrived at. */
  readonly day: number;
  /** Days it took: more than 1 where readings are missing. */
  readonly gap: number;
  readonly change: number;
  /** Change a day. */
  readonly rate: number;
}

/** A sudden change that is not counted as growth. */
export interface StepChange {
  readonly day: number;
  /** Beyond the usual growth of that time. */
  readonly size: number;
  /** `excursion`: came and went within days (a spike, a wrong reading). */
  readonly kind: "excursion" | "clean-up" | "import";
}

const windowDays = 180;
/** How many times the usual scatter makes a step, and the smallest one, as a share of the level. */
const stepScatter = 8;
const stepFloor = 0.01;
/** An excursion is back within this many days. */
const excursionDays = 5;
/** More clean-ups or imports than this are not exceptions any more but how this disk lives. */
const exceptions = 2;

/** One value for each day that has readings, their median, of the last 180 days; readings that cannot be are dropped. */
export function dailyValues(readings: readonly DayValue[]): readonly DayValue[] {
  const days = new Map<number, number[]>();
  for (const { day, value } of readings) {
    if (!Number.isFinite(day) || !Number.isFinite(value) || value <= 0) continue;
    const values = days.get(Math.floor(day)) ?? [];
    values.push(value);
    days.set(Math.floor(day), values);
  }
  const series = [...days].map(([day, values]) => ({ day, value: median(values) })).sort((a, b) => a.day - b.day);
  const last = series.at(-1)?.day ?? 0;
  return series.filter(({ day }) => day > last - windowDays);
}

export function increments(series: readonly DayValue[]): readonly Increment[] {
  return series.slice(1).map(({ day, value }, index) => {
    const before = series[index] ?? { day, value };
    const gap = day - before.day;
    const change = value - before.value;
    return { day, gap, change, rate: change / gap };
  });
}

/** An increment that is too large to be growth. */
interface Candidate {
  readonly index: number;
  readonly increment: Increment;
  /** What it has beyond the usual growth of its days. */
  readonly excess: number;
}

/** Clean-ups at regular distances (a nightly purge, a monthly one): the disk is a sawtooth. */
export interface Recurrence {
  readonly periodDays: number;
  /** Index of the increment of each clean-up. */
  readonly drops: readonly number[];
}

export interface Steps {
  readonly excluded: ReadonlyMap<number, StepChange>;
  readonly recurrence?: Recurrence;
}

/** Tells growth from what only looks like it. Keys of `excluded` are indices into `rises`. */
export function findSteps(rises: readonly Increment[], level: number): Steps {
  const usual = weightedMedian(rises.map(({ rate, gap }) => ({ value: rate, weight: gap })));
  const scatter =
    1.4826 *
    weightedMedian(rises.map(({ rate, gap }) => ({ value: Math.abs(rate - usual) * Math.sqrt(gap), weight: 1 })));
  /** The largest excess over so many days that is still growth. */
  const tolerance = (days: number) => Math.max(stepScatter * scatter * Math.sqrt(days), stepFloor * Math.abs(level));
  const candidates = rises
    .map((increment, index) => ({ index, increment, excess: increment.change - usual * increment.gap }))
    .filter(({ excess, increment }) => Math.abs(excess) > tolerance(increment.gap));
  const excursions = findExcursions(candidates, tolerance);
  const lasting = candidates.filter((candidate) => !excursions.has(candidate));
  const drops = lasting.filter(({ excess }) => excess < 0);
  const jumps = lasting.filter(({ excess }) => excess > 0);
  const recurrence = findRecurrence(drops, rises.at(-1)?.day ?? 0);
  const excluded = [
    ...asSteps([...excursions], "excursion"),
    ...(recurrence || drops.length > exceptions ? [] : asSteps(drops, "clean-up")),
    ...(jumps.length > exceptions ? [] : asSteps(jumps, "import")),
  ].sort(([a], [b]) => a - b);
  return { excluded: new Map(excluded), ...(recurrence && { recurrence }) };
}

function asSteps(
  candidates: readonly Candidate[],
  kind: StepChange["kind"],
): readonly (readonly [number, StepChange])[] {
  return candidates.map(({ index, increment: { day }, excess }) => [index, { day, size: excess, kind }] as const);
}

/** Steps that cancel each other out within a few days: a WAL spike, a glitch, a stale reading. */
function findExcursions(candidates: readonly Candidate[], tolerance: (days: number) => number): ReadonlySet<Candidate> {
  const used = new Set<Candidate>();
  for (const [position, first] of candidates.entries()) {
    if (used.has(first)) continue;
    let total = first.excess;
    const chain = [first];
    for (const next of candidates.slice(position + 1)) {
      if (used.has(next) || next.increment.day - first.increment.day > excursionDays) break;
      total += next.excess;
      chain.push(next);
      const days = next.increment.day - (first.increment.day - first.increment.gap);
      if (Math.abs(total) > Math.max(tolerance(days), 0.2 * Math.abs(first.excess))) continue;
      for (const step of chain) used.add(step);
      break;
    }
  }
  return used;
}

function findRecurrence(drops: readonly Candidate[], lastDay: number): Recurrence | undefined {
  if (drops.length < 3) return undefined;
  const days = drops.map(({ increment }) => increment.day);
  const gaps = days.slice(1).map((day, index) => day - (days[index] ?? day));
  const periodDays = median(gaps);
  const regular = Math.max(...gaps) <= 1.6 * periodDays && Math.min(...gaps) >= 0.4 * periodDays;
  const goesOn = lastDay - (days.at(-1) ?? 0) <= 1.6 * periodDays;
  return periodDays >= 2 && regular && goesOn ? { periodDays, drops: drops.map(({ index }) => index) } : undefined;
}
