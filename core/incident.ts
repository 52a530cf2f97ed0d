/** Incidents: a time of trouble with a beginning, updates and an end; open, acknowledged or resolved. */
import type { Localised } from "./language.ts";

/** What goes on together is one incident: all outage checks of a target, or one threshold rule of a check. */
export interface IncidentFacts {
  /** Counts up from 1; people say "number 42". */
  readonly id: number;
  /** At most one incident that is not resolved has this key: `mastodon` or `mastodon/queues:latency`. */
  readonly key: string;
  readonly kind: "outage" | "threshold";
  readonly target: string;
  /** The checks that are in trouble now or were during this incident. */
  readonly checks: readonly string[];
  readonly impact: "down" | "degraded" | "none";
  readonly urgency: "page" | "ticket";
  readonly title: Localised;
  /** For members; what they notice. */
  readonly explanation: Localised;
  /** For the person on call: the reason of the confirming try. */
  readonly reason: string;
  readonly runbook: string;
  /** Start of the first bad try. */
  readonly startedAt: Temporal.Instant;
  readonly confirmedAt: Temporal.Instant;
}

/** It ended and came back soon after: one incident goes on, and its end is held back until it has been quiet for a while. */
export interface Flapping {
  /** How often it came back; at least 1. */
  readonly relapses: number;
  /** It is well since then, for now; absent while it is in trouble. */
  readonly quietSince?: Temporal.Instant;
}

export type Incident = IncidentFacts & { readonly flapping?: Flapping } & (
    | { readonly state: "open" }
    | { readonly state: "acknowledged"; readonly by: string; readonly acknowledgedAt: Temporal.Instant }
    | {
        readonly state: "resolved";
        readonly resolvedAt: Temporal.Instant;
        readonly by?: string;
        readonly acknowledgedAt?: Temporal.Instant;
      }
  );

/** One line in the life of an incident: confirmed, another check joined, acknowledged, resolved. Newest last. */
export interface IncidentUpdate {
  readonly incident: number;
  readonly at: Temporal.Instant;
  readonly kind: "confirmed" | "joined" | "acknowledged" | "resolved" | "note";
  readonly text: Localised;
  /** Shown on the members' page. */
  readonly public: boolean;
}

/** An incident as a page shows it, with what was said about it. */
export interface IncidentStatus {
  readonly incident: Incident;
  /** Oldest first. */
  readonly updates: readonly IncidentUpdate[];
}
