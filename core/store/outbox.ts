/** The outbox: notices wait here, are leased to a channel for a delivery, and stay with what became of them. */
import type { Notice } from "../channel.ts";

export interface NoticeStatus extends Notice {
  readonly state: "pending" | "sending" | "sent" | "superseded" | "dropped";
  readonly attempts: number;
  readonly lastError?: string;
  readonly sentAt?: Temporal.Instant;
}

/** What became of an attempt. */
export type Settled =
  | { readonly state: "sent"; readonly at: Temporal.Instant }
  /** Untried: it was claimed too early, and that was no attempt. */
  | { readonly state: "pending"; readonly retryAt: Temporal.Instant; readonly error: string; readonly untried?: true }
  | { readonly state: "dropped"; readonly error: string };

export interface Outbox {
  /** All notices of an incident, oldest first. */
  of(incident: number): Promise<readonly NoticeStatus[]>;
  /** Newest first, for the practice page and the team. */
  recent(limit: number): Promise<readonly NoticeStatus[]>;
  /** How many wait to be sent, or are on their way. */
  pending(): Promise<number>;
  /** Due notices of one channel, now marked `sending` until `leaseSeconds` from now; an expired lease is due again. */
  claim(channel: string, now: Temporal.Instant, limit: number, leaseSeconds: number): Promise<readonly NoticeStatus[]>;
  settle(key: string, result: Settled): Promise<void>;
}
