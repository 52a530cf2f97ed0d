/** What was judged of samples and is kept: confirmations of checks, their settled transitions, states of thresholds. */

import type { Confirmation } from "../confirmation.ts";
import type { Outcome } from "../sample.ts";
import type { ThresholdState } from "../threshold.ts";
import type { Series } from "./series.ts";

/** From `at` on the check stood at `outcome`, until its next transition. Only what is settled: it never changes again. */
export interface Transition extends Series {
  readonly at: Temporal.Instant;
  readonly outcome: Outcome;
}

/**
 * A confirmation with everything up to `confirmation.lastAt` taken into account. It is written when something is pending
 * or has changed, and now and then; after a restart the samples since then are replayed.
 */
export interface StoredConfirmation extends Series {
  readonly confirmation: Confirmation;
}

export interface StoredThreshold extends Series {
  /** Threshold id, and the labels of the reading it watches, as canonical JSON. */
  readonly threshold: string;
  readonly labels: string;
  readonly state: ThresholdState;
}

/** What of the transitions is asked for. */
interface TransitionFilter {
  /** Ids of targets. */
  readonly targets: readonly string[];
  /** Of a series that is named here (`seriesName`) only those after this moment, in epoch milliseconds, however old. */
  readonly after: ReadonlyMap<string, number>;
}

export interface JudgementStore {
  confirmations(): Promise<readonly StoredConfirmation[]>;
  thresholds(): Promise<readonly StoredThreshold[]>;
  /** All transitions in the span and, for each series, the one in force at its beginning; oldest first. */
  transitions(
    span: { from: Temporal.Instant; to: Temporal.Instant },
    filter?: TransitionFilter,
  ): Promise<readonly Transition[]>;
}
