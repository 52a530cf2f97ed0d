/** The outbox: notices wait here, are claimed by name for a delivery, and stay with what became of them. */
import type { Notice } from "../notice.ts";

export interface NoticeStatus extends Notice {
  readonly state: "pending" | "sending" | "sent" | "superseded" | "dropped";
  readonly attempts: number;
  /** How many copies may have arrived: all that left whole and were not refused. */
  readonly copies: number;
  /** What the channel said, as it said it: a stranger's words. */
  readonly lastError?: string;
  /** Of one that is to be sent: not before, unless the clock was set. Of one on its way: when somebody else may take it. */
  readonly dueAt: Temporal.Instant;
  readonly sentAt?: Temporal.Instant;
}

/** Never more leave than that: after as many without an answer the notice stays where it is, as not confirmed. */
export const mostCopies = 3;
/** It may leave, if its channel is there: a retry that waits for its next try has been due all the while. */
export const mayLeave = ({ state, copies }: Pick<NoticeStatus, "state" | "copies">): boolean =>
  state === "sending" || (state === "pending" && copies < mostCopies);

export const notConfirmed = `not confirmed: it was sent ${mostCopies} times, and nobody answered whether it was taken`;

/** One that is handed out to be delivered. */
export interface ClaimedNotice extends NoticeStatus {
  /** What its channel handed back for the last one of this thread to this addressee. */
  readonly reference?: string;
}

export interface Claim {
  /** Who delivers them: the same after a restart, and whatever is renamed in the configuration. */
  readonly by: string;
  readonly now: Temporal.Instant;
  readonly limit: number;
  readonly leaseSeconds: number;
}

/** What became of an attempt. */
export type Settled =
  | { readonly state: "sent"; readonly at: Temporal.Instant; readonly reference?: string }
  /** Untried: it was claimed too early, and that was no attempt. */
  | ({ readonly state: "pending"; readonly retryAt: Temporal.Instant; readonly untried?: true } & Failure)
  | ({ readonly state: "dropped" } & Failure);

interface Failure {
  readonly error: string;
  /** The copy that was counted in this attempt was refused, and counts no more. */
  readonly copyRefused?: true;
}

export interface Outbox {
  /** All notices of an incident, oldest first. */
  of(incident: number): Promise<readonly NoticeStatus[]>;
  /** Newest first, for the practice page and the team. */
  recent(limit: number): Promise<readonly NoticeStatus[]>;
  /**
   * What is to be sent or is on its way, the oldest first. Nothing in the outbox is only planned: a step of an escalation
   * is written here when its time has come.
   */
  unsent(limit: number): Promise<readonly NoticeStatus[]>;
  /**
   * Due notices of one channel, the least tried first, now marked `sending` until `leaseSeconds` from now; an expired lease
   * is due again.
   */
  claim(channel: string, claim: Claim): Promise<readonly ClaimedNotice[]>;
  /**
   * Notes that one more copy may arrive, before the last byte of it leaves: what nobody answers is bounded by that.
   * @returns false where none may leave any more.
   */
  countCopy(key: string): Promise<boolean>;
  /** @param attempt which one: what a later one has taken over is settled by that, except that what went out is sent. */
  settle(key: string, attempt: number, result: Settled): Promise<void>;
  /**
   * At a start: what this name held when it ended, and what it was trying again, is due now; so is what nobody holds any
   * more. What others hold stays theirs.
   */
  takeOver(by: string, now: Temporal.Instant): Promise<void>;
}
