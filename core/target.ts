/** Targets and checks: what is watched and how, the objective (SLO) of each target, and the plan for its capacity. */
import type { Localised } from "./language.ts";
import type { CheckKey } from "./sample.ts";
import type { Threshold } from "./threshold.ts";

/** A goal for the share of good time over a window: 0.999 over 30 days. */
interface Objective {
  /** 0..1 */
  readonly goal: number;
  readonly overSeconds: number;
}

/** One configured use of a probe on a target. */
export interface Check {
  readonly target: string;
  readonly id: string;
  readonly probe: string;
  readonly everySeconds: number;
  readonly timeoutSeconds: number;
  /** False: measured and shown to TechOps, but it neither makes the target down nor opens an outage. */
  readonly required: boolean;
  /** Its probe looks at what is internal: beside checks of the service itself, its "up" does not speak for the service. */
  readonly internal?: true;
  readonly confirm: ConfirmationSettings;
  /** Checks whose failure explains a failure of this one: then it is recorded, and nobody is told a second time. */
  readonly dependsOn?: readonly CheckKey[];
  /** Levels of readings at which somebody is told. */
  readonly thresholds: readonly Threshold[];
  /** Parsed by the probe's own schema. */
  readonly options: unknown;
}

/** How a change is made sure of before anybody is told. */
export interface ConfirmationSettings {
  /** Bad results in a row that make it true (invariant 2: 3). */
  readonly failures: number;
  /** Seconds from the end of a bad try to the next. */
  readonly retrySeconds: number;
  /** Good results in a row that end it. */
  readonly successes: number;
  /** Seconds from the end of a good try to the next while recovering. */
  readonly recoverySeconds: number;
}

/** A size on offer for a store. */
export interface PlanSize {
  readonly name: string;
  readonly bytes: number;
  /** Price a month, in the organisation's currency. */
  readonly monthly?: number;
}

/** Something that fills: a database cluster, a disk. */
export interface CapacityPlan {
  /** The check whose `storage_used_bytes` readings tell how full it is. */
  readonly check: string;
  /** Absent: whatever the check's newest `storage_limit_bytes` says (a file system knows its own size). */
  readonly limitBytes?: number;
  /** Share of the limit that can really be used before the host stops writes (0.90). */
  readonly usableFraction: number;
  readonly leadDays: number;
  readonly sizes: readonly PlanSize[];
}

/** Something members would miss: "Mastodon", "Podcasts", "the database". */
export interface Target {
  readonly id: string;
  readonly name: Localised;
  /** Shown on the members' page. */
  readonly public: boolean;
  readonly url?: string;
  readonly objective?: Objective;
  /** Not in service yet: shown to TechOps, never checked, never paged about. */
  readonly planned: boolean;
  readonly checks: readonly Check[];
  readonly capacity: readonly CapacityPlan[];
}

/** Members see it on their pages. */
export const isShown = (target: Pick<Target, "public" | "planned">): boolean => target.public && !target.planned;
