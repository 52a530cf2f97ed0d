/** The uptime of a target: its timeline over all its checks, its availability and error budget, rounded down. */

import type { Interval, OutcomeInterval } from "../confirmation.ts";
import type { Language } from "../language.ts";
import { formsOf, tagOf } from "../languages/translations.ts";
import type { Outcome } from "../sample.ts";
import type { Transition } from "../store/judgements.ts";
import { type Series, seriesName } from "../store/series.ts";

/** The newest intervals of a series, which are not settled yet and stand in no transition: what `settle` gives. */
export interface UnsettledSeries extends Series {
  readonly intervals: readonly OutcomeInterval[];
}

/** Worst first. A bad result in any check decides; then one that saw the target work; only then that nothing was measured. */
const deciding = ["down", "degraded", "up", "unknown"] as const;

/**
 * What holds for a target whose required checks stand at these outcomes.
 *
 * Down if any is down, degraded if any is degraded. Otherwise up if at least one is known to be up, and unknown only if
 * none is known: unknown means that no verdict can be given. The checks of a target look at the same thing from several
 * sides; an internal error in one of our ten probes does not make us blind, and must not take a working service off the
 * members' page or out of its SLA. What that one check missed is seen in its own timeline. (Internal
 * checks do not count as seeing it work: `targetTimeline` leaves their "up" out.)
 */
export function combine(outcomes: Iterable<Outcome>): Outcome {
  const seen = new Set(outcomes);
  return deciding.find((outcome) => seen.has(outcome)) ?? "unknown";
}

/**
 * The outcome of a target over time, without gaps: `combine` of all its series at every moment.
 * @param transitions of the required checks of one target (or of one check), as the store gives them. A series does not
 *   exist before its first transition; its last outcome goes on until `span.to`, so leave out checks that are no longer
 *   configured.
 * @param unsettled replaces the end of its series.
 * @param span must not reach into the future: nothing is known about it.
 * @param beside intervals of a series, or of a whole timeline, that count like those of the transitions.
 */
export function timeline(
  transitions: readonly Transition[],
  unsettled: readonly UnsettledSeries[],
  span: Interval,
  beside: readonly OutcomeInterval[] = [],
): readonly OutcomeInterval[] {
  return overlay([...beside, ...seriesIntervals(transitions, unsettled, span.to)], deciding, span);
}

function seriesIntervals(
  transitions: readonly Transition[],
  unsettled: readonly UnsettledSeries[],
  until: number,
): readonly OutcomeInterval[] {
  const changes = new Map<string, Change[]>();
  const of = (series: Series) => {
    const key = seriesName(series);
    const found = changes.get(key) ?? [];
    changes.set(key, found);
    return found;
  };
  // Where both know of the same moment, the transition comes last and stays: it is settled.
  for (const series of unsettled)
    of(series).push(...series.intervals.map(({ from, outcome }) => ({ at: from, outcome })));
  for (const transition of transitions) {
    of(transition).push({ at: transition.at.epochMilliseconds, outcome: transition.outcome });
  }
  return [...changes.values()].flatMap((series) => {
    const ordered = series.toSorted((a, b) => a.at - b.at);
    return ordered.map(({ at, outcome }, index) => ({ from: at, to: ordered[index + 1]?.at ?? until, outcome }));
  });
}

interface Change {
  readonly at: number;
  readonly outcome: Outcome;
}

/** One layer over the whole span: at every moment the first of `precedence` that holds there, or unknown. */
function overlay<Kind extends string>(
  intervals: readonly (Interval & { readonly outcome: Kind })[],
  precedence: readonly Kind[],
  span: Interval,
): readonly (Interval & { readonly outcome: Kind | "unknown" })[] {
  const edges = intervals
    .map((interval) => ({ ...interval, from: Math.max(interval.from, span.from), to: Math.min(interval.to, span.to) }))
    .filter(({ from, to }) => from < to)
    .flatMap(({ from, to, outcome }) => [
      { at: from, outcome, add: 1 },
      { at: to, outcome, add: -1 },
    ])
    .sort((a, b) => a.at - b.at);
  const holding = new Map<Kind, number>();
  const layer: { from: number; to: number; outcome: Kind | "unknown" }[] = [];
  let from = span.from;
  const closeAt = (to: number) => {
    if (to <= from) return;
    const outcome = precedence.find((kind) => (holding.get(kind) ?? 0) > 0) ?? "unknown";
    const last = layer.at(-1);
    if (last?.outcome === outcome) last.to = to;
    else layer.push({ from, to, outcome });
    from = to;
  };
  for (const { at, outcome, add } of edges) {
    closeAt(at);
    holding.set(outcome, (holding.get(outcome) ?? 0) + add);
  }
  closeAt(span.to);
  return layer;
}

/** How a span was spent, in seconds, and what follows from it. Ratios are 0..1, null where there is nothing to divide by. */
export interface Account {
  readonly total: number;
  /** Announced before it began; left out of everything below. */
  readonly maintenance: number;
  readonly unknown: number;
  readonly down: number;
  /** Counts as up, and is listed apart. */
  readonly degraded: number;
  /** Measured, outside maintenance. */
  readonly known: number;
  readonly uptime: number | null;
  /** The measured share of the time outside maintenance. */
  readonly coverage: number | null;
  /** The uptime if the target was down, or up, whenever it was not measured. */
  readonly worst: number | null;
  readonly best: number | null;
  /** Seconds that may be down, and what is left of them: negative when overspent. Null without a goal. */
  readonly budget: number | null;
  readonly remaining: number | null;
  /** 1 spends the budget exactly; infinite when the goal is 100 % and something failed. */
  readonly burn: number | null;
}

const accounted = ["maintenance", "down", "degraded", "unknown", "up"] as const;

/**
 * How much of a time was spent in each outcome, in milliseconds: whole ones add up exactly, where seconds with fractions
 * would be a little more or less than their span.
 */
export type Spent = Readonly<Record<(typeof accounted)[number], number>>;

/**
 * How a span was spent. Moments without an interval were not measured; where intervals overlap, maintenance wins over
 * down, down over degraded, that over unknown, and unknown over up.
 * @param maintenance effective windows: announced before they began, clipped to what was announced and what happened.
 */
export function spentIn(
  span: Interval,
  intervals: readonly OutcomeInterval[],
  maintenance: readonly Interval[] = [],
): Spent {
  const windows = maintenance.map(({ from, to }) => ({ from, to, outcome: "maintenance" as const }));
  const spent = { maintenance: 0, down: 0, degraded: 0, unknown: 0, up: 0 };
  for (const { from, to, outcome } of overlay([...intervals, ...windows], accounted, span)) {
    spent[outcome] += to - from;
  }
  return spent;
}

export const added = (a: Spent, b: Spent): Spent => ({
  maintenance: a.maintenance + b.maintenance,
  down: a.down + b.down,
  degraded: a.degraded + b.degraded,
  unknown: a.unknown + b.unknown,
  up: a.up + b.up,
});

export function account(spent: Spent, goal?: number): Account {
  const total = spent.maintenance + spent.down + spent.degraded + spent.unknown + spent.up;
  const promised = total - spent.maintenance;
  const known = promised - spent.unknown;
  return {
    total: total / 1000,
    maintenance: spent.maintenance / 1000,
    unknown: spent.unknown / 1000,
    down: spent.down / 1000,
    degraded: spent.degraded / 1000,
    known: known / 1000,
    uptime: share(known - spent.down, known),
    coverage: share(known, promised),
    worst: share(known - spent.down, promised),
    best: share(promised - spent.down, promised),
    ...errorBudget(promised / 1000, spent.down / 1000, known / 1000, goal),
  };
}

function errorBudget(promised: number, down: number, known: number, goal: number | undefined) {
  if (goal === undefined) return { budget: null, remaining: null, burn: null };
  const budget = promised * (1 - goal);
  return { budget, remaining: budget - down, burn: burnRate(share(down, known), goal) };
}

function burnRate(failed: number | null, goal: number): number | null {
  if (failed === null || failed === 0) return failed;
  return failed / (1 - goal);
}

const share = (part: number, whole: number): number | null =>
  whole > 0 ? Math.min(1, Math.max(0, part / whole)) : null;

/**
 * A share as a percentage, rounded down: 0.999996 is "99.999 %", and less than 1 is never "100.000 %". Null is "no data".
 * The space before the sign does not break.
 */
export function formatRatio(ratio: number | null, language: Language, digits = 3): string {
  if (ratio === null || Number.isNaN(ratio)) return formsOf(language).noData;
  const whole = 10 ** (digits + 2);
  // 0.57 x 100 is 56.99999999999999 in floating point; 14 digits are more than was measured.
  const units = Math.floor(Number((ratio * whole).toPrecision(14)));
  const shown = (ratio < 1 ? Math.min(units, whole - 1) : units) / 10 ** digits;
  return `${numberFormat(language, digits).format(shown)}\u00a0%`;
}

/** Formats are dear to make and cheap to use. */
const numberFormats = new Map<string, Intl.NumberFormat>();

function numberFormat(language: Language, digits: number): Intl.NumberFormat {
  const name = `${language} ${digits}`;
  const made =
    numberFormats.get(name) ??
    new Intl.NumberFormat(tagOf(language), { minimumFractionDigits: digits, maximumFractionDigits: digits });
  numberFormats.set(name, made);
  return made;
}
