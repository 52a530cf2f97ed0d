/** The live state of every check, from memory: for /metrics, the status page and the schedule. */

import type { Confirmation } from "./confirmation.ts";
import type { Sample } from "./sample.ts";

export interface CheckState {
  readonly target: string;
  readonly check: string;
  readonly vantagePoint: string;
  readonly confirmation: Confirmation;
  /** The newest sample, also of an earlier process, and also while it waits to be stored; absent before the first. */
  readonly last?: Sample;
}

export interface Live {
  /** How many times an outcome changed, of any check, or the list of checks itself: as long as it is the same, so are they. */
  readonly moves: number;
  /** How many times settled transitions were stored, of any check: as long as it is the same, so is what is stored of them. */
  readonly stored: number;
  /** One entry for each configured check, in the order of the configuration. */
  checks(): readonly CheckState[];
}
