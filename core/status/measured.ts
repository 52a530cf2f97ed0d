/** Measured time: when at least one of the services that members see was known to be up, degraded or down; and the gaps. */

import type { Interval } from "../confirmation.ts";
import type { CheckState } from "../live-state.ts";
import type { Transition } from "../store/judgements.ts";
import { isShown, type Target } from "../target.ts";
import { targetTimeline } from "./status.ts";

/** Oldest first, with room between any two. */
export function measuredTimes(
  targets: readonly Target[],
  given: {
    readonly transitions: readonly Transition[];
    readonly checks: readonly CheckState[];
    readonly span: Interval;
  },
): readonly Interval[] {
  const transitions = Map.groupBy(given.transitions, ({ target }) => target);
  const known = targets.filter(isShown).flatMap((target) => {
    const own = transitions.get(target.id) ?? [];
    const intervals = targetTimeline(target, { ...given, transitions: own, incidents: [] });
    return intervals.filter(({ outcome }) => outcome !== "unknown");
  });
  return joined(known);
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
