/** Findings, readings and samples: what a probe says of a check, and what is kept of it. */
import type { Localised } from "./language.ts";

/** `unknown` means we failed to measure. It is never counted as an outage, and never as uptime. */
export const outcomes = ["up", "degraded", "down", "unknown"] as const;
export type Outcome = (typeof outcomes)[number];

/** One number with a metric name, in base units (seconds, bytes, ratios). */
export interface Reading {
  readonly metric: string;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export const phaseNames = ["resolve", "connect", "tls", "processing", "transfer", "total"] as const;
export type PhaseName = (typeof phaseNames)[number];
/** Seconds spent in each phase that was reached. */
export type Phases = Readonly<Partial<Record<PhaseName, number>>>;

export interface Finding {
  readonly outcome: Outcome;
  /** One short, safe sentence for the person on call, without a final full stop: "answered 502". */
  readonly reason?: string;
  /** The same for members, who are no engineers. */
  readonly explanation?: Localised;
  readonly readings?: readonly Reading[];
  /** The page in docs/runbooks/ that helps best, where it is not the usual one of the probe. */
  readonly runbook?: string;
  /** What was seen, as plain text; the collector keeps the first 2 kB. */
  readonly evidence?: string;
  /** Defaults to the phases of the first request of the run. */
  readonly phases?: Phases;
}

/** A finding with its check, vantage point, time and duration: the only thing stored raw. */
export interface Sample extends Finding {
  readonly target: string;
  readonly check: string;
  readonly vantagePoint: string;
  /** When the run began. */
  readonly at: Temporal.Instant;
  readonly durationSeconds: number;
  /** Monotonic seconds since the previous run of this check began, when that was in the same process. */
  readonly sinceLastSeconds?: number;
  /** Only of `unknown`: our own connection was good, so it was the service that did not let itself be measured. Not stored. */
  readonly connected?: true;
  /** To which the name of its first connection led. Not stored. */
  readonly addresses?: readonly string[];
  /** The worst delay of the event loop while this was measured; above 0.02 the phases are unsure. */
  readonly loopDelaySeconds?: number;
}

/** `mastodon/web`: names one check everywhere (store, logs, command line). */
export type CheckKey = `${string}/${string}`;
export const checkKey = (of: { readonly target: string; readonly check: string }): CheckKey =>
  `${of.target}/${of.check}`;
