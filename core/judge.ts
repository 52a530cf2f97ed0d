/** What the recorder asks the judge about every sample: does it open, change or end an incident? The alerts answer it. */

import type { Confirmation, ConfirmedChange, Interval } from "./confirmation.ts";
import type { Incident } from "./incident.ts";
import type { Sample } from "./sample.ts";
import type { Changes } from "./store/changes.ts";
import type { Check } from "./target.ts";

/** One sample of one check, and what it confirmed. */
export interface JudgedSample {
  readonly sample: Sample;
  readonly check: Check;
  /** With this sample taken into account. */
  readonly confirmation: Confirmation;
  /** The outcome that was confirmed or ended by this sample. */
  readonly change?: ConfirmedChange;
  /** A run of bad results that ended here without being confirmed. */
  readonly blip?: Interval;
}

export interface SampleJudge {
  /**
   * Called once for each sample, in order, and never for a sample that is replayed after a restart.
   * @returns what is to be written in the same transaction as the sample.
   */
  consider(event: JudgedSample): Changes | undefined;
  /**
   * Called after each transaction that changed incidents, when it is durable.
   * @param opened the incidents it opened, with their numbers.
   * @returns what follows from that and is to be written next.
   */
  committed(opened: readonly Incident[]): Changes | undefined;
}
