/** Incidents as they are kept, with their updates, and what can be changed of them in a commit. */
import type { Incident, IncidentFacts, IncidentUpdate } from "../incident.ts";
import type { Escalate, Escalated } from "./escalations.ts";

/** A line in the record of an incident that is named elsewhere. */
type Update = Omit<IncidentUpdate, "incident">;

type Raised = Pick<IncidentFacts, "urgency" | "title" | "explanation" | "reason" | "runbook">;

export type IncidentChange =
  /** Refused (nothing of this change is written) when an incident with this key is not yet resolved. */
  | {
      readonly change: "open";
      readonly facts: Omit<IncidentFacts, "id">;
      readonly update: Update;
      /** Called inside the transaction with the number the incident got. Pure, as `Escalate` is. */
      escalate(id: number): Escalated;
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
      readonly raised?: Raised;
      /** What members read from now on, also where it became less bad: the impact never shrinks. */
      readonly words?: Pick<IncidentFacts, "title" | "explanation">;
      /** Ignored when somebody has acknowledged it. */
      readonly unlessAcknowledged?: true;
      readonly update: Update;
      readonly escalate?: Escalate;
    }
  /** It came back soon after its end, and goes on from there: told by these facts. Ignored when it is not resolved. */
  | {
      readonly change: "reopen";
      readonly id: number;
      readonly check: string;
      readonly impact: IncidentFacts["impact"];
      readonly raised: Raised;
      readonly update: Update;
      readonly escalate: Escalate;
    }
  /**
   * One that comes and goes is well for now, since that moment; or in trouble once more, where there is none. Ignored when
   * it is resolved.
   */
  | {
      readonly change: "quiet";
      readonly id: number;
      readonly since: Temporal.Instant | undefined;
      /** What members read from now on. */
      readonly words?: Pick<IncidentFacts, "title" | "explanation">;
      readonly update: Update;
      readonly escalate: Escalate;
    }
  /** The wall clock was set: its moments as the clock now counts. Ignored when the incident is resolved. */
  | {
      readonly change: "redate";
      readonly id: number;
      readonly startedAt: Temporal.Instant;
      readonly confirmedAt: Temporal.Instant;
      /** Where it is well for now. */
      readonly quietSince: Temporal.Instant | undefined;
      readonly escalate?: Escalate;
    }
  /** Ignored when it is already resolved. */
  | {
      readonly change: "resolve";
      readonly id: number;
      readonly at: Temporal.Instant;
      readonly update: Update;
      readonly escalate: Escalate;
    };

export interface IncidentFilter {
  readonly open?: boolean;
  /** Those that were not over before this moment. */
  readonly since?: Temporal.Instant;
  readonly kind?: IncidentFacts["kind"];
  /** Those with a larger number: they were opened later. */
  readonly after?: number;
  readonly limit?: number;
}

export interface IncidentStore {
  /** Newest first. */
  list(filter: IncidentFilter): Promise<readonly Incident[]>;
  get(id: number): Promise<Incident | undefined>;
  /** Oldest first. */
  updates(id: number): Promise<readonly IncidentUpdate[]>;
  /**
   * Open → acknowledged, with its update; its escalation ends with that, and what is unsent of later steps is superseded.
   * @returns false when somebody was first or it is resolved.
   */
  acknowledge(id: number, by: string, at: Temporal.Instant, update: Update): Promise<boolean>;
}
