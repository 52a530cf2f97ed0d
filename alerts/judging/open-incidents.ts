/**
 * The incidents that are going on, kept in step with the store. An incident has no number until its opening is
 * committed; what happens to it in between waits here and follows right after.
 */

import type { Escalation, News } from "../../core/escalation.ts";
import type { Flapping, Incident, IncidentFacts } from "../../core/incident.ts";
import type { CheckKey } from "../../core/sample.ts";
import { type Changes, mergeChanges } from "../../core/store/changes.ts";
import type { IncidentChange } from "../../core/store/incidents.ts";
import { type Beginning, newsWithoutTries } from "../escalation/transitions.ts";

type Facts = Omit<IncidentFacts, "id">;

/** One incident that is not resolved, as the judge sees it. */
export interface Tracked {
  /** Facts as they stand now; `checks` and `impact` only ever grow. */
  facts: Facts;
  /** What is told of it now. */
  news: News;
  /** Label sets of a threshold that were told in this incident. */
  readonly labels: Set<string>;
  /** Title at its opening: it makes the subject of the thread, which stays the same. */
  readonly openingTitle: Facts["title"];
  /** As this process has it written; who acknowledged it is known in the store only. */
  escalation: Beginning;
  /** The check whose failure explains all that is wrong here, told before that or not. */
  rootCause: CheckKey | undefined;
  /** When it was last found down, by this process. */
  downAt?: Temporal.Instant;
  /** Milliseconds by which it was dated back because the clock was behind when this process began: 0, or less. */
  datedBack: number;
  /** When all that went down with it are named: next, or for the last time. */
  rollAt?: Temporal.Instant | undefined;
  /** Once it is over, though that may not be written yet. */
  resolvedAt?: Temporal.Instant | undefined;
  /** Monotonic seconds: when this process found it over. */
  overSeconds?: number;
  /** Where it comes and goes. */
  flapping?: Flapping | undefined;
  /** Monotonic seconds: since when it is well for now, as far as that can be proven. */
  quietFrom?: number | undefined;
  id: number | undefined;
}

type Follow = (id: number) => Changes;
type Join = Extract<IncidentChange, { change: "join" }>;

/** A line in the record of an incident, and what changes with it. */
export interface Line extends Omit<Join, "change" | "id" | "check" | "impact"> {
  /** The first one of the incident where none is named. */
  readonly check?: string;
}

export interface Past {
  readonly tracked: Tracked;
  readonly resolvedAt: Temporal.Instant;
  /** The clock was set since; what the store has of its beginning is by the clock of then. */
  readonly isRedated?: true;
}

export class Incidents {
  readonly #open = new Map<string, Tracked>();
  /** Openings handed out and not yet committed, with what is to follow them. */
  readonly #awaited = new Map<string, { readonly tracked: Tracked; readonly follow: Follow[] }>();
  readonly #past = new Map<string, Past>();

  constructor(open: readonly Incident[], past: readonly Incident[], escalations: readonly Escalation[]) {
    const known = new Map(escalations.map((escalation) => [escalation.incident, escalation]));
    for (const incident of open) this.#open.set(incident.key, trackedOf(incident, known.get(incident.id)));
    for (const incident of past) {
      if (incident.state === "resolved") this.#remember(trackedOf(incident, undefined), incident.resolvedAt);
    }
  }

  get(key: string): Tracked | undefined {
    return this.#open.get(key);
  }

  all(): readonly Tracked[] {
    return [...this.#open.values()];
  }

  /** The last incident of this key that is over. */
  past(key: string): Past | undefined {
    return this.#past.get(key);
  }

  open(tracked: Tracked, change: Extract<IncidentChange, { change: "open" }>): Changes {
    const { key } = tracked.facts;
    this.#open.set(key, tracked);
    const changes: Changes = { incidents: [change] };
    const earlier = this.#awaited.get(key);
    if (earlier) return this.#later(earlier.follow, () => this.#await(key, tracked, changes));
    return this.#await(key, tracked, changes);
  }

  /** Something that needs the number of the incident: now if it has one, after its opening otherwise. */
  follow(tracked: Tracked, follow: Follow): Changes {
    if (tracked.id !== undefined) return follow(tracked.id);
    const awaited = [...this.#awaited.values()].find((candidate) => candidate.tracked === tracked);
    // An opening that waits itself for an earlier incident of the same key: queue behind it, in order.
    const queue = awaited?.follow ?? this.#awaited.get(tracked.facts.key)?.follow ?? [];
    return this.#later(queue, () => (tracked.id === undefined ? this.follow(tracked, follow) : follow(tracked.id)));
  }

  /** The wall clock was set by so many milliseconds. */
  redatePast(milliseconds: number): void {
    const later = (at: Temporal.Instant) => at.add({ milliseconds });
    for (const [key, { tracked, resolvedAt }] of this.#past) {
      const { startedAt, confirmedAt } = tracked.facts;
      tracked.facts = { ...tracked.facts, startedAt: later(startedAt), confirmedAt: later(confirmedAt) };
      this.#past.set(key, { tracked, resolvedAt: later(resolvedAt), isRedated: true });
    }
  }

  record(tracked: Tracked, line: (id: number) => Line): Changes {
    const { impact, checks } = tracked.facts;
    const [check = ""] = checks;
    return this.follow(tracked, (id) => ({ incidents: [{ change: "join", id, check, impact, ...line(id) }] }));
  }

  close(tracked: Tracked, resolvedAt: Temporal.Instant, follow: Follow): Changes {
    const { key } = tracked.facts;
    if (this.#open.get(key) === tracked) this.#open.delete(key);
    tracked.resolvedAt = resolvedAt;
    this.#past.set(key, { tracked, resolvedAt });
    return this.follow(tracked, follow);
  }

  /** It is not over after all. */
  reopen(tracked: Tracked, follow: Follow): Changes {
    const { key } = tracked.facts;
    this.#open.set(key, tracked);
    this.#past.delete(key);
    tracked.resolvedAt = undefined;
    return this.follow(tracked, follow);
  }

  committed(opened: readonly Incident[]): Changes {
    const parts: Changes[] = [];
    for (const { key, id } of opened) {
      const awaited = this.#awaited.get(key);
      if (!awaited) continue;
      this.#awaited.delete(key);
      awaited.tracked.id = id;
      for (const follow of awaited.follow) parts.push(follow(id));
    }
    return mergeChanges(parts);
  }

  #await(key: string, tracked: Tracked, changes: Changes): Changes {
    this.#awaited.set(key, { tracked, follow: [] });
    return changes;
  }

  #later(queue: Follow[], follow: Follow): Changes {
    queue.push(follow);
    return {};
  }

  #remember(tracked: Tracked, resolvedAt: Temporal.Instant): void {
    const { key } = tracked.facts;
    const known = this.#past.get(key);
    if (!known || Temporal.Instant.compare(known.resolvedAt, resolvedAt) <= 0)
      this.#past.set(key, { tracked, resolvedAt });
  }
}

function trackedOf({ id, flapping, ...facts }: Incident, known: Escalation | undefined): Tracked {
  const escalation = beginningOf(known);
  return {
    facts,
    news: known?.news ?? newsWithoutTries(facts),
    labels: new Set(),
    openingTitle: facts.title,
    escalation,
    rootCause: escalation.state === "inhibited" ? escalation.by : undefined,
    flapping,
    datedBack: 0,
    id,
  };
}

/** Of one that reached nobody, because nobody was to be told, nobody has been told either. */
function beginningOf(escalation: Escalation | undefined): Beginning {
  if (escalation?.state === "waiting" || escalation?.state === "inhibited") return escalation;
  const isTold = escalation && (escalation.state !== "told" || escalation.told.steps > 0 || escalation.next);
  return isTold ? { state: "told" } : { state: "inhibited", by: undefined };
}
