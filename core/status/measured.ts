/** Measured time: when at least one of the services that members see was known to be up, degraded or down; and the gaps. */

import type { Interval, OutcomeInterval } from "../confirmation.ts";
import type { CheckState } from "../live-state.ts";
import { isShown, type Target } from "../target.ts";
import type { SettledPast } from "./settled-past.ts";
import { presentTimeline, type Timelines } from "./target-timeline.ts";

/** Oldest first, with room between any two. Yields where it may pause. */
export function* measuredTimes(
  targets: readonly Target[],
  given: {
    readonly timelines: Pick<Timelines, "of">;
    readonly checks: readonly CheckState[];
    readonly span: Interval;
  },
): Generator<void, readonly Interval[]> {
  const { from, to } = given.span;
  const checks = Map.groupBy(given.checks, ({ target }) => target);
  const known: Interval[] = [];
  for (const target of targets.filter(isShown)) {
    yield;
    const stored = given.timelines.of(target);
    const facts = { checks: checks.get(target.id) ?? [], incidents: [] };
    const present = presentTimeline(target, stored, facts, { from: Math.max(from, stored.past.span.to), to });
    known.push(...knownTimes(stored.past), ...present.filter(isKnown));
  }
  return joined(known.filter((interval) => interval.to > from && interval.from < to)).map((interval) => ({
    from: Math.max(from, interval.from),
    to: Math.min(to, interval.to),
  }));
}

const isKnown = ({ outcome }: OutcomeInterval): boolean => outcome !== "unknown";

const knownTimesOf = new WeakMap<SettledPast, readonly Interval[]>();

/** Of a whole past: few intervals, because those of all kinds of outcomes touch each other. */
function knownTimes(past: SettledPast): readonly Interval[] {
  const known = knownTimesOf.get(past) ?? joined([...past.intervals()].filter(isKnown));
  knownTimesOf.set(past, known);
  return known;
}

/** What overlaps or touches becomes one. */
export function joined(intervals: readonly Interval[]): readonly Interval[] {
  const apart: { from: number; to: number }[] = [];
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    const last = apart.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else apart.push({ from, to });
  }
  return apart;
}

/** What of the span none of the intervals covers. @param intervals as `joined` gives them */
export function gaps(intervals: readonly Interval[], span: Interval): readonly Interval[] {
  const within = intervals.filter(({ from, to }) => to > span.from && from < span.to);
  const edges = [span.from, ...within.flatMap(({ from, to }) => [from, to]), span.to];
  return edges.flatMap((from, index) => {
    const to = edges[index + 1];
    return index % 2 === 0 && to !== undefined && to > from ? [{ from, to }] : [];
  });
}
