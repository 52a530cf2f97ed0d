/** Services with a past, told in a few words, for tests of what members see. */

import { type Confirmation, currentOutcome, noConfirmation } from "../../core/confirmation.ts";
import type { Incident, IncidentFacts, IncidentStatus, IncidentUpdate } from "../../core/incident.ts";
import { type Localised, sameInAll } from "../../core/language.ts";
import type { CheckState, Live } from "../../core/live-state.ts";
import { confirmedText, outageExplanation, outageTitle, recoveredText } from "../../core/member-texts.ts";
import type { Contact, Organisation } from "../../core/organisation.ts";
import type { Outcome } from "../../core/sample.ts";
import { type StatusInput, type StatusModel, statusModel } from "../../core/status/status.ts";
import {
  nothingStored,
  settledMoment,
  settledUpTo,
  type Timelines,
  withTransitions,
} from "../../core/status/target-timeline.ts";
import type { Transition } from "../../core/store/judgements.ts";
import { seriesName } from "../../core/store/series.ts";
import type { Check, Target } from "../../core/target.ts";
import { type CivilDay, civilDays } from "../../core/time-zone.ts";
import type { Annotation } from "../../core/upgrade.ts";
import type { RecordStore } from "../../dashboards/members/records.ts";
import type { TimelineParts } from "../../reports/timelines.ts";

export const vancouver = "America/Vancouver";

export const cosocial: Organisation = {
  name: sameInAll("CoSocial"),
  url: "https://cosocial.example",
  languages: ["en", "fr"],
  timeZone: vancouver,
};

export const contractor: Contact = {
  id: "contractor",
  name: "Robin Contractor",
  timeZone: "America/Toronto",
  email: "oncall@example.org",
  addresses: { email: "oncall@example.org" },
};

/** What happened to a service: so many seconds ago it came to stand at this outcome. Oldest first. */
export type Past = readonly (readonly [secondsAgo: number, outcome: Outcome])[];

export interface Service {
  readonly target: Target;
  readonly past: Past;
  /** When it was last looked at; null when never. */
  readonly lastSecondsAgo: number | null;
}

export const daySeconds = 86_400;

export function service(
  id: string,
  past: Past,
  options: {
    name?: string | Localised;
    lastSecondsAgo?: number | null;
    target?: Partial<Target>;
    checks?: string[];
  } = {},
): Service {
  const { name = id, lastSecondsAgo = 12, target, checks = ["web"] } = options;
  return {
    target: {
      id,
      name: typeof name === "string" ? sameInAll(name) : name,
      public: true,
      planned: false,
      url: `https://${id}.example`,
      checks: checks.map((check) => aCheck(id, check)),
      capacity: [],
      ...target,
    },
    past,
    lastSecondsAgo: past.length === 0 ? null : lastSecondsAgo,
  };
}

export function aCheck(target: string, id: string, options: Partial<Check> = {}): Check {
  return {
    target,
    id,
    probe: "http",
    everySeconds: 60,
    timeoutSeconds: 10,
    required: true,
    confirm: { failures: 3, retrySeconds: 20, successes: 2, recoverySeconds: 20 },
    thresholds: [],
    options: {},
    ...options,
  };
}

/** Everything `statusModel` needs, with transitions as the store would give them. */
export interface Scene extends Omit<StatusInput, "timelines"> {
  readonly transitions: readonly Transition[];
}

export function scene(now: Temporal.Instant, services: readonly Service[]): Scene {
  return {
    now,
    targets: services.map(({ target }) => target),
    checks: services.flatMap((one) => statesOf(one, now)),
    transitions: services.flatMap((one) => transitionsOf(one, now)),
    incidents: [],
    annotations: [],
    days: ninetyDays(now),
  };
}

/** As the program has it: the days before today are settled wherever they can be. */
export function modelOf(input: Scene): StatusModel {
  return atOnce(statusModel({ ...input, timelines: timelinesOf(input) }));
}

export function timelinesOf({ transitions, checks, days, now }: Scene): Pick<Timelines, "of"> {
  const begin = now.epochMilliseconds - 400 * daySeconds * 1000;
  return {
    of(target) {
      const own = transitions.filter((transition) => transition.target === target.id);
      const settled = settledMoment(
        target,
        checks.filter((state) => state.target === target.id),
      );
      const until = days.findLast(({ from }) => from.epochMilliseconds <= settled)?.from.epochMilliseconds ?? begin;
      return settledUpTo(withTransitions(target, nothingStored, own), { from: begin, to: until });
    },
  };
}

/** Without a pause. */
export function atOnce<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

function ninetyDays(now: Temporal.Instant, zone = vancouver): readonly CivilDay[] {
  return civilDays(zone, now.subtract({ hours: 89 * 24 }), now.add({ milliseconds: 1 })).slice(-90);
}

export function ago(now: Temporal.Instant, seconds: number): Temporal.Instant {
  return now.subtract({ milliseconds: Math.round(seconds * 1000) });
}

function transitionsOf({ target, past }: Service, now: Temporal.Instant): readonly Transition[] {
  return target.checks.flatMap((check) =>
    past.map(([seconds, outcome]) => ({
      target: target.id,
      check: check.id,
      vantagePoint: "toronto",
      at: ago(now, seconds),
      outcome,
    })),
  );
}

function statesOf({ target, past, lastSecondsAgo }: Service, now: Temporal.Instant): readonly CheckState[] {
  const outcome = past.at(-1)?.[1] ?? "unknown";
  return target.checks.map((check) => {
    const series = { target: target.id, check: check.id, vantagePoint: "toronto" };
    if (lastSecondsAgo === null) return { ...series, confirmation: noConfirmation };
    const at = ago(now, lastSecondsAgo);
    return {
      ...series,
      confirmation: confirmationAt(at.epochMilliseconds, outcome),
      last: { ...series, at, durationSeconds: 0.2, outcome },
    };
  });
}

function confirmationAt(at: number, outcome: Outcome): Confirmation {
  const level = (on: boolean) => ({ on, run: 0, runStart: 0 });
  return {
    lastAt: at,
    lastKnown: outcome !== "unknown",
    settledUntil: at,
    degraded: level(outcome === "degraded" || outcome === "down"),
    down: level(outcome === "down"),
  };
}

/** An outage of a service as the judge would have opened it. */
export function outage(
  now: Temporal.Instant,
  id: number,
  { target }: Service,
  options: { startedSecondsAgo: number; resolvedSecondsAgo?: number; by?: string; facts?: Partial<IncidentFacts> },
): IncidentStatus {
  const { startedSecondsAgo, resolvedSecondsAgo, by, facts = {} } = options;
  const impact = facts.impact ?? "down";
  const confirmedAt = ago(now, startedSecondsAgo - 50);
  const explanation = facts.explanation ?? outageExplanation(target.name, impact);
  const common: IncidentFacts = {
    id,
    key: target.id,
    kind: "outage",
    target: target.id,
    checks: ["web"],
    impact,
    urgency: "page",
    title: outageTitle(target.name, impact),
    explanation,
    reason: "connected in 12 ms, then no answer within 10 s",
    runbook: "https://status.example/runbooks/service-down",
    startedAt: ago(now, startedSecondsAgo),
    confirmedAt,
    ...facts,
  };
  const updates: IncidentUpdate[] = [
    { incident: id, at: confirmedAt, kind: "confirmed", text: confirmedText(explanation), public: true },
  ];
  if (resolvedSecondsAgo !== undefined) {
    const resolvedAt = ago(now, resolvedSecondsAgo);
    const text = recoveredText(target.name, impact, startedSecondsAgo - resolvedSecondsAgo);
    updates.push({ incident: id, at: resolvedAt, kind: "resolved", text, public: true });
    return { incident: { ...common, state: "resolved", resolvedAt }, updates };
  }
  if (by === undefined) return { incident: { ...common, state: "open" }, updates };
  const acknowledgedAt = ago(now, startedSecondsAgo - 180);
  const text = { en: "Someone on our team is working on it.", fr: "Une personne de notre équipe s’en occupe." };
  updates.push({ incident: id, at: acknowledgedAt, kind: "acknowledged", text, public: true });
  return { incident: { ...common, state: "acknowledged", by, acknowledgedAt }, updates };
}

export function liveOf(checks: () => readonly CheckState[]): Live {
  let [moves, stored, outcomes] = [0, 0, ""];
  return {
    checks,
    /** Whoever sets the scene says nothing: there may always be more. */
    get stored() {
      return stored++;
    },
    get moves() {
      const now = checks()
        .map(({ confirmation }) => currentOutcome(confirmation))
        .join();
      if (now !== outcomes) moves++;
      outcomes = now;
      return moves;
    },
  };
}

/** What the pages read of a store, from memory. */
export function recordsOf(given: {
  transitions: readonly Transition[];
  incidents: readonly IncidentStatus[];
  annotations: readonly Annotation[];
}) {
  const reads = { transitions: 0, wholePasts: 0, incidents: 0, incidentUpdates: 0, annotations: 0 };
  const store: RecordStore & TimelineParts["store"] = {
    judgements: {
      async transitions(_span, filter) {
        reads.transitions++;
        const after = filter?.after ?? new Map<string, number>();
        if (after.size === 0) reads.wholePasts++;
        return given.transitions.filter((one) => one.at.epochMilliseconds > (after.get(seriesName(one)) ?? -1));
      },
    },
    incidents: {
      async list({ open, after = 0 }) {
        reads.incidents++;
        const all: readonly Incident[] = given.incidents.map(({ incident }) => incident).filter(({ id }) => id > after);
        return open ? all.filter((incident) => incident.state !== "resolved") : all;
      },
      async get(id) {
        return given.incidents.find(({ incident }) => incident.id === id)?.incident;
      },
      async updates(id) {
        reads.incidentUpdates++;
        return given.incidents.find(({ incident }) => incident.id === id)?.updates ?? [];
      },
    },
    annotations: {
      async list() {
        reads.annotations++;
        return given.annotations;
      },
    },
  };
  return { store, reads, given };
}
