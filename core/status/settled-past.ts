/**
 * The settled past of a target: its timeline up to a moment before which nothing changes any more, kept in little memory,
 * so that what follows from it is worked out once.
 */
import type { Interval, OutcomeInterval } from "../confirmation.ts";
import type { Outcome } from "../sample.ts";
import type { Spent } from "./uptime.ts";

/** Never changed: what goes on is another one, so that whatever was worked out of this one can be kept beside it. */
export class SettledPast {
  readonly span: Interval;
  /** Where its intervals begin, oldest first; each goes on to the next one. */
  readonly #starts: Float64Array;
  readonly #outcomes: readonly Outcome[];

  /** @param intervals cover the span without gaps, as `timeline` gives them. */
  constructor(span: Interval, intervals: readonly OutcomeInterval[]) {
    this.span = span;
    this.#starts = Float64Array.from(intervals, ({ from }) => from);
    this.#outcomes = intervals.map(({ outcome }) => outcome);
  }

  /** How it stood within this stretch, as far as it reaches, oldest first; nothing is known of what came before it. */
  *intervals(within: Interval = this.span): Generator<OutcomeInterval> {
    const begin = Math.min(this.span.from, within.to);
    if (within.from < begin) yield { from: within.from, to: begin, outcome: "unknown" };
    for (let index = this.#indexAt(within.from); index < this.#starts.length; index++) {
      const from = Math.max(this.#starts[index] ?? 0, within.from);
      const to = Math.min(this.#starts[index + 1] ?? this.span.to, within.to);
      if (from >= within.to) return;
      if (from < to) yield { from, to, outcome: this.#outcomes[index] ?? "unknown" };
    }
  }

  /** How the time within this stretch was spent. */
  spent(within: Interval): Spent {
    const spent = { maintenance: 0, down: 0, degraded: 0, unknown: 0, up: 0 };
    for (const { from, to, outcome } of this.intervals(within)) spent[outcome] += to - from;
    return spent;
  }

  /** Of the last interval that begins at this moment or before; the first one where there is none. */
  #indexAt(moment: number): number {
    let [low, high] = [0, this.#starts.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= moment) low = middle;
      else high = middle;
    }
    return low;
  }
}

export const noPast = new SettledPast({ from: Number.NEGATIVE_INFINITY, to: Number.NEGATIVE_INFINITY }, []);
