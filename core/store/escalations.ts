/** Escalations as they are kept, and what changes of them inside a commit: always together with the notices it causes. */

import type { Escalation } from "../escalation.ts";
import type { Incident } from "../incident.ts";
import type { Notice } from "../notice.ts";
import type { Due } from "./due.ts";
import type { NoticeStatus } from "./outbox.ts";

/** All that is decided from, as it stands inside the transaction. */
export interface EscalationBefore {
  readonly incident: Incident;
  readonly escalation: Escalation | undefined;
  /** Of the incident, oldest first. */
  readonly notices: readonly NoticeStatus[];
}

export interface Escalated {
  /** As it stands from now on; absent: as it stood. */
  readonly escalation?: Escalation;
  /** Keys of notices that no longer count; those that were sent stay as they are. */
  readonly supersede?: readonly string[];
  readonly add?: readonly Notice[];
}

/** Called inside the transaction. Pure: it may be called again, when the transaction has to be run again. */
export type Escalate = (before: EscalationBefore) => Escalated;

export interface EscalationChange {
  readonly incident: number;
  /** The row that called for it: nothing is written where somebody took it first, or where it was moved since. */
  readonly taking?: Due;
  readonly escalate: Escalate;
}

export interface EscalationStore {
  of(incident: number): Promise<Escalation | undefined>;
  /** Of all incidents that are not resolved. */
  open(): Promise<readonly Escalation[]>;
}
