/**
 * The state of one check as samples come in: its confirmed outcome, which of its transitions are settled, its newest
 * sample.
 */

import {
  type Advance,
  advance,
  currentOutcome,
  noVerdict,
  type OutcomeInterval,
  pending,
  type Verdict,
} from "../../core/confirmation.ts";
import type { CheckState } from "../../core/live-state.ts";
import type { Outcome, Sample } from "../../core/sample.ts";
import type { StoredVerdict, Transition } from "../../core/store/judgements.ts";
import type { Series } from "../../core/store/series.ts";
import type { Check } from "../../core/target.ts";

/** A verdict is written at least this often, so that a restart has little to replay. */
export const verdictEverySeconds = 3600;

/** What one sample adds to the books. */
export interface Recorded {
  readonly advance: Advance;
  readonly transitions: readonly Transition[];
  readonly verdict?: StoredVerdict;
}

export class SeriesState {
  #check: Check;
  readonly #series: Series;
  #verdict: Verdict = noVerdict;
  #last: Sample | undefined;
  /** The last transition that was decided on. */
  #turned: { readonly at: number; readonly outcome: Outcome } | undefined;
  /** Something was open at the last sample: whatever comes next is written too. */
  #unsettled = true;
  /** Monotonic seconds at which the verdict is written anyway. */
  #verdictDue: number;

  constructor(check: Check, vantagePoint: string, verdictDue: number) {
    this.#check = check;
    this.#series = { target: check.target, check: check.id, vantagePoint };
    this.#verdictDue = verdictDue;
  }

  get check(): Check {
    return this.#check;
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  configure(check: Check): void {
    this.#check = check;
  }

  /** What an earlier process left. */
  resume(from: { readonly verdict?: Verdict; readonly turned?: Transition; readonly last?: Sample }): void {
    if (from.verdict) {
      this.#verdict = from.verdict;
      this.#unsettled = pending(from.verdict) !== undefined;
    }
    if (from.turned) this.#turned = { at: from.turned.at.epochMilliseconds, outcome: from.turned.outcome };
    this.#last = from.last;
  }

  /** Samples between this verdict and `last` changed nothing, or it would have been written again. */
  skipTo(last: Sample | undefined): void {
    const { lastAt, settledUntil } = this.#verdict;
    const at = last?.at.epochMilliseconds;
    if (at === undefined || lastAt === null || settledUntil === null || at <= lastAt || this.#unsettled) return;
    this.#verdict = { ...this.#verdict, lastAt: at, settledUntil: Math.max(settledUntil, at) };
  }

  /** @param now monotonic seconds. */
  record(sample: Sample, now: number): Recorded {
    const { confirm, everySeconds } = this.#check;
    const { outcome, sinceLastSeconds } = sample;
    const at = sample.at.epochMilliseconds;
    const advanced = advance(this.#verdict, { at, outcome, sinceLastSeconds }, { ...confirm, everySeconds });
    const transitions = this.#turns(advanced.settled);
    const moved = currentOutcome(advanced.verdict) !== currentOutcome(this.#verdict);
    const open = pending(advanced.verdict) !== undefined || moved || transitions.length > 0;
    const write = open || this.#unsettled || now >= this.#verdictDue;
    if (write) this.#verdictDue = now + verdictEverySeconds;
    this.#verdict = advanced.verdict;
    this.#unsettled = open;
    this.#last = sample;
    return {
      advance: advanced,
      transitions,
      ...(write && { verdict: { ...this.#series, verdict: advanced.verdict } }),
    };
  }

  snapshot(): CheckState {
    return { ...this.#series, verdict: this.#verdict, ...(this.#last && { last: this.#last }) };
  }

  /** A stretch that differs from the one before it begins with a transition; what is written is never written again. */
  #turns(settled: readonly OutcomeInterval[]): readonly Transition[] {
    const transitions: Transition[] = [];
    for (const { from, outcome } of settled) {
      if (this.#turned && (outcome === this.#turned.outcome || from <= this.#turned.at)) continue;
      this.#turned = { at: from, outcome };
      transitions.push({ ...this.#series, at: Temporal.Instant.fromEpochMilliseconds(from), outcome });
    }
    return transitions;
  }
}
