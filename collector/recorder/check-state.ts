/**
 * The state of one check as samples come in: its confirmed outcome, which of its transitions are settled, its newest
 * sample.
 */

import {
  type Advance,
  advance,
  type Confirmation,
  currentOutcome,
  noConfirmation,
  type OutcomeInterval,
  pending,
  resultOf,
} from "../../core/confirmation.ts";
import type { CheckState } from "../../core/live-state.ts";
import type { Outcome, Sample } from "../../core/sample.ts";
import type { StoredConfirmation, Transition } from "../../core/store/judgements.ts";
import type { Series } from "../../core/store/series.ts";
import type { Check } from "../../core/target.ts";

/** A confirmation is written at least this often, so that a restart has little to replay. */
export const confirmationEverySeconds = 3600;

/** What one sample adds to the history. */
export interface Recorded {
  readonly advance: Advance;
  /** The outcome that holds now is another one. */
  readonly moved: boolean;
  readonly transitions: readonly Transition[];
  readonly confirmation?: StoredConfirmation;
}

export class SeriesState {
  #check: Check;
  readonly #series: Series;
  #confirmation: Confirmation = noConfirmation;
  #last: Sample | undefined;
  /** The last transition that was decided on. */
  #lastTransition: { readonly at: number; readonly outcome: Outcome } | undefined;
  /** Something was open at the last sample: whatever comes next is written too. */
  #unsettled = true;
  /** Monotonic seconds at which the confirmation is written anyway. */
  #confirmationDue: number;

  constructor(check: Check, vantagePoint: string, confirmationDue: number) {
    this.#check = check;
    this.#series = { target: check.target, check: check.id, vantagePoint };
    this.#confirmationDue = confirmationDue;
  }

  get check(): Check {
    return this.#check;
  }

  get confirmation(): Confirmation {
    return this.#confirmation;
  }

  configure(check: Check): void {
    this.#check = check;
  }

  /** What an earlier process left. */
  resume(from: {
    readonly confirmation?: Confirmation;
    readonly transition?: Transition;
    readonly last?: Sample;
  }): void {
    if (from.confirmation) {
      this.#confirmation = from.confirmation;
      this.#unsettled = isUnsettled(from.confirmation);
    }
    if (from.transition)
      this.#lastTransition = { at: from.transition.at.epochMilliseconds, outcome: from.transition.outcome };
    this.#last = from.last;
  }

  /** Samples between this confirmation and `last` changed nothing, or it would have been written again. */
  skipTo(last: Sample | undefined): void {
    const { lastAt, settledUntil } = this.#confirmation;
    const at = last?.at.epochMilliseconds;
    if (at === undefined || lastAt === null || settledUntil === null || at <= lastAt || this.#unsettled) return;
    this.#confirmation = { ...this.#confirmation, lastAt: at, settledUntil: Math.max(settledUntil, at) };
  }

  /** @param now monotonic seconds. */
  record(sample: Sample, now: number): Recorded {
    const { confirm, everySeconds } = this.#check;
    const advanced = advance(this.#confirmation, resultOf(sample), { ...confirm, everySeconds });
    const transitions = this.#newTransitions(advanced.settled);
    const moved = currentOutcome(advanced.confirmation) !== currentOutcome(this.#confirmation);
    const open = isUnsettled(advanced.confirmation) || moved || transitions.length > 0;
    const write = open || this.#unsettled || now >= this.#confirmationDue;
    if (write) this.#confirmationDue = now + confirmationEverySeconds;
    this.#confirmation = advanced.confirmation;
    this.#unsettled = open;
    this.#last = sample;
    return {
      advance: advanced,
      moved,
      transitions,
      ...(write && { confirmation: { ...this.#series, confirmation: advanced.confirmation } }),
    };
  }

  snapshot(): CheckState {
    return { ...this.#series, confirmation: this.#confirmation, ...(this.#last && { last: this.#last }) };
  }

  /** A stretch that differs from the one before it begins with a transition; what is written is never written again. */
  #newTransitions(settled: readonly OutcomeInterval[]): readonly Transition[] {
    const transitions: Transition[] = [];
    for (const { from, outcome } of settled) {
      if (this.#lastTransition && (outcome === this.#lastTransition.outcome || from <= this.#lastTransition.at))
        continue;
      this.#lastTransition = { at: from, outcome };
      transitions.push({ ...this.#series, at: Temporal.Instant.fromEpochMilliseconds(from), outcome });
    }
    return transitions;
  }
}

/** What the next sample makes of it cannot be worked out from the samples alone, or soon leads to a change. */
const isUnsettled = (confirmation: Confirmation): boolean =>
  pending(confirmation) !== undefined || confirmation.unmeasured !== undefined;
