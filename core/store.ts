/**
 * What is kept, and the only place where the parts meet. SQLite today; a PostgreSQL store must pass the same contract
 * (test/helpers/store-contract.ts). Truth is in samples, readings, transitions, incidents and notices; hours and days
 * are derived from them and can be derived again.
 */
import type { Notice } from "./channel.ts";
import type { HeartbeatState, StoredHeartbeat } from "./heartbeat.ts";
import type { Incident, IncidentFacts, IncidentUpdate } from "./incident.ts";
import type { Outcome, Sample } from "./sample.ts";
import type { ThresholdState } from "./threshold.ts";
import type { Annotation } from "./upgrade.ts";
import type { Verdict } from "./verdict.ts";

type Instant = Temporal.Instant;

export interface CheckRef {
  readonly target: string;
  readonly check: string;
}
export interface Series extends CheckRef {
  readonly vantagePoint: string;
}

/** Everything that one transaction writes. Nothing of it is visible before, all of it after. */
export interface Changes {
  readonly samples?: readonly Sample[];
  readonly transitions?: readonly Transition[];
  readonly verdicts?: readonly StoredVerdict[];
  readonly thresholds?: readonly StoredThreshold[];
  readonly incidents?: readonly IncidentChange[];
  readonly notices?: readonly Notice[];
  readonly annotations?: readonly Annotation[];
}

/** From `at` on the check stood at `outcome`, until its next transition. Only what is settled: it never changes again. */
export interface Transition extends Series {
  readonly at: Instant;
  readonly outcome: Outcome;
}

/**
 * A verdict with everything up to `verdict.lastAt` taken into account. It is written when something is pending or has
 * changed, and now and then; after a restart the samples since then are replayed.
 */
export interface StoredVerdict extends Series {
  readonly verdict: Verdict;
}

export interface StoredThreshold extends Series {
  /** Threshold id, and the labels of the reading it watches, as canonical JSON. */
  readonly threshold: string;
  readonly labels: string;
  readonly state: ThresholdState;
}

export type IncidentChange =
  /** Refused (nothing of this change is written) when an incident with this key is not yet resolved. */
  | {
      readonly change: "open";
      readonly facts: Omit<IncidentFacts, "id">;
      readonly update: Omit<IncidentUpdate, "incident">;
      /** Called inside the transaction with the number the incident got. */
      notices(id: number): readonly Notice[];
    }
  /** Another check, or more impact; ignored when the incident is resolved. */
  | {
      readonly change: "join";
      readonly id: number;
      readonly check: string;
      readonly impact: IncidentFacts["impact"];
      /**
       * It became worse: these facts replace the old ones, and an acknowledged incident is open again, because what was
       * acknowledged was less than this.
       */
      readonly raised?: Pick<IncidentFacts, "urgency" | "title" | "explanation" | "reason" | "runbook">;
      /** What members read from now on, also where it became less bad: the impact never shrinks. */
      readonly words?: Pick<IncidentFacts, "title" | "explanation">;
      /** Ignored when somebody has acknowledged it. */
      readonly unlessAcknowledged?: true;
      readonly update: Omit<IncidentUpdate, "incident">;
      readonly notices?: NoticesAnew;
    }
  /** Ignored when it is already resolved. */
  | {
      readonly change: "resolve";
      readonly id: number;
      readonly at: Instant;
      readonly update: Omit<IncidentUpdate, "incident">;
      readonly notices: NoticesAnew;
    };

/** Called inside the transaction with all notices of an incident as they stand: which no longer count, and which are new. */
export type NoticesAnew = (existing: readonly NoticeStatus[]) => {
  /** Keys; those that were sent stay as they are. */
  readonly supersede: readonly string[];
  readonly add: readonly Notice[];
};

export interface NoticeStatus extends Notice {
  readonly state: "pending" | "sending" | "sent" | "superseded" | "dropped";
  readonly attempts: number;
  readonly lastError?: string;
  readonly sentAt?: Instant;
}

/** Samples of one check summed over an hour or a day. */
export interface Rollup extends CheckRef {
  readonly from: Instant;
  readonly seconds: Readonly<Record<Outcome, number>>;
  readonly runs: number;
  /** Runs with outcome down, confirmed or not. */
  readonly failures: number;
  /** Log-bucketed total durations of the runs that were up or degraded: core/histogram.ts. */
  readonly latency: Uint8Array;
}

export interface ReadingSeries extends CheckRef {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly { readonly at: Instant; readonly value: number }[];
}

export interface Store extends AsyncDisposable {
  /** One transaction; resolves when it is durable, with the incidents that were opened. */
  commit(changes: Changes): Promise<{ readonly opened: readonly Incident[] }>;

  verdicts(): Promise<readonly StoredVerdict[]>;
  thresholds(): Promise<readonly StoredThreshold[]>;
  /** Samples of all checks that began after `at`, oldest first. */
  samplesSince(at: Instant): Promise<readonly Sample[]>;
  /** The newest sample of each check, with its readings. */
  latestSamples(): Promise<readonly Sample[]>;
  /** Newest first. */
  samples(of: CheckRef, span: { from: Instant; to: Instant; limit: number }): Promise<readonly Sample[]>;
  /** All transitions in the span and, for each series, the one in force at its beginning; oldest first. */
  transitions(span: { from: Instant; to: Instant }): Promise<readonly Transition[]>;
  /** Whole hours (UTC) or days (UTC) that begin in the span; the running one included. */
  rollups(of: CheckRef, per: "hour" | "day", span: { from: Instant; to: Instant }): Promise<readonly Rollup[]>;
  /** Series of one metric. A day's value is the median of its readings, an hour's their mean, dated to its beginning. */
  readings(
    of: { readonly metric: string; readonly target?: string; readonly check?: string },
    per: "raw" | "hour" | "day",
    span: { from: Instant; to: Instant },
  ): Promise<readonly ReadingSeries[]>;

  /** What happened in the span and explains the figures; oldest first. With a limit, the newest of them. */
  annotations(span: { from: Instant; to: Instant; limit?: number }): Promise<readonly Annotation[]>;

  /** Newest first. */
  incidents(filter: {
    readonly open?: boolean;
    readonly since?: Instant;
    readonly limit?: number;
  }): Promise<readonly Incident[]>;
  incident(id: number): Promise<Incident | undefined>;
  /** Oldest first. */
  incidentUpdates(id: number): Promise<readonly IncidentUpdate[]>;
  /**
   * Open → acknowledged, with its update; escalations and reminders that are still unsent are superseded.
   * @returns false when somebody was first or it is resolved.
   */
  acknowledge(id: number, by: string, at: Instant, update: Omit<IncidentUpdate, "incident">): Promise<boolean>;

  noticesOf(incident: number): Promise<readonly NoticeStatus[]>;
  /** Newest first, for the practice page and the team. */
  recentNotices(limit: number): Promise<readonly NoticeStatus[]>;
  /** Due notices of one channel, now marked `sending` until `leaseSeconds` from now; an expired lease is due again. */
  claimNotices(channel: string, now: Instant, limit: number, leaseSeconds: number): Promise<readonly NoticeStatus[]>;
  /** When the next pending notice of this channel is due, or its lease ends. */
  nextNoticeAt(channel: string): Promise<Instant | undefined>;
  /** What became of an attempt. */
  settleNotice(
    key: string,
    result:
      | { readonly state: "sent"; readonly at: Instant }
      /** Untried: it was claimed too early, and that was no attempt. */
      | { readonly state: "pending"; readonly retryAt: Instant; readonly error: string; readonly untried?: true }
      | { readonly state: "dropped"; readonly error: string },
  ): Promise<void>;
  outboxPending(): Promise<number>;

  /** What each job that calls us said last. */
  heartbeats(): Promise<readonly StoredHeartbeat[]>;
  /** In place of what was known of that job; durable when it resolves. */
  keepHeartbeat(of: CheckRef, state: HeartbeatState): Promise<void>;
  /** Nothing happens where nothing was known. */
  forgetHeartbeat(of: CheckRef): Promise<void>;

  /** True the first time a token id is used; remembered until `expires`. */
  useOnce(token: string, expires: Instant): Promise<boolean>;
  /** A random 32-byte key, made on first use and kept: signs links and cookies. */
  signingKey(name: string): Promise<Uint8Array>;
  audit(entry: {
    readonly at: Instant;
    readonly who: string;
    readonly did: string;
    readonly detail?: string;
  }): Promise<void>;

  /** Derives hours and days, compresses and trims; cheap when there is nothing to do. Call it every few minutes. */
  maintain(now: Instant): Promise<void>;
  /** A consistent copy while everything goes on. Never overwrites. */
  backup(file: string): Promise<void>;
}
