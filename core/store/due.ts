/**
 * Due rows: what is to be done at a moment, about what and for whom. Whoever does it takes the row by compare-and-set, in the
 * transaction that writes what it causes and when it is due again.
 */
import type { Planned } from "../escalation.ts";

/** The steps of an escalation today; reminders, digests and hand-overs are kinds of their own. */
export type DueKind = "escalation";

export interface Due extends Planned {
  readonly kind: DueKind;
  /** What it is about: of an escalation the number of its incident. */
  readonly subject: string;
  /** For whom; empty where that is worked out when it is done. */
  readonly for: string;
  /** What is to be done, in a word of its kind: it differs where the same moment means something else by now. */
  readonly state: string;
}

export interface DueStore {
  /** The earliest first. */
  next(kind: DueKind, limit: number): Promise<readonly Due[]>;
}
