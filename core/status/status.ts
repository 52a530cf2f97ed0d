/** The model of the status page, of what members are told: from targets, live states, transitions and incidents. */

import { type Interval, type OutcomeInterval, settle } from "../confirmation.ts";
import type { Incident, IncidentStatus } from "../incident.ts";
import type { Localised } from "../language.ts";
import type { CheckState } from "../live-state.ts";
import type { Outcome } from "../sample.ts";
import { worstOf } from "../severity.ts";
import type { Transition } from "../store/judgements.ts";
import type { CheckRef } from "../store/series.ts";
import { isShown, type Target } from "../target.ts";
import type { CivilDay } from "../time-zone.ts";
import type { Annotation } from "../upgrade.ts";
import { type Upgrade, upgradesOf } from "./past-events.ts";
import { type ResidencyStatus, residencyStatus } from "./residency.ts";
import { type Account, account, timeline } from "./uptime.ts";

export interface StatusInput {
  readonly now: Temporal.Instant;
  readonly targets: readonly Target[];
  readonly checks: readonly CheckState[];
  /** Of the whole span of `days`, with the ones in force at its beginning; oldest first. */
  readonly transitions: readonly Transition[];
  /** All that are open, and those resolved lately; newest first. */
  readonly incidents: readonly IncidentStatus[];
  /** Other recent events, such as upgrades. */
  readonly annotations: readonly Annotation[];
  /** Civil days of the organisation, oldest first; the last one is today. */
  readonly days: readonly CivilDay[];
}

export interface StatusModel {
  readonly now: Temporal.Instant;
  /** When a service that is shown here was last measured. */
  readonly checkedAt?: Temporal.Instant;
  readonly overall: Overall;
  readonly targets: readonly TargetStatus[];
  /** Newest first. */
  readonly open: readonly IncidentStatus[];
  readonly recent: readonly IncidentStatus[];
  readonly upgrades: readonly Upgrade[];
  readonly lastChange?: LastChange;
  /** Where all this is hosted, when somebody wanted members to know and it is known. */
  readonly residency?: ResidencyStatus;
}

/** `empty`: nothing is shown to members; `new`: not one result yet. */
interface Overall {
  readonly state: Outcome | "empty" | "new";
  /** The targets that are in that state, unless it is `up`. */
  readonly affected: readonly Localised[];
  readonly total: number;
}

interface LastChange {
  readonly at: Temporal.Instant;
  readonly target: Localised;
  readonly to: Outcome;
}

export interface TargetStatus {
  readonly id: string;
  readonly name: Localised;
  readonly url?: string;
  readonly outcome: Outcome;
  /** Since when it stands at `outcome`; absent when that is longer than the days shown, or when nothing is known. */
  readonly since?: Temporal.Instant;
  /** What members notice, where somebody or something said so. */
  readonly explanation?: Localised;
  /** Not one result so far. */
  readonly isNew: boolean;
  readonly days: readonly DayStatus[];
  readonly account: Account;
}

export interface DayStatus {
  readonly date: Temporal.PlainDate;
  /** What the bar says: the worst that was, `unknown` when less than half of it was measured and nothing was bad. */
  readonly shown: Outcome;
  readonly seconds: Readonly<Record<Outcome, number>>;
}

const recentDays = 14;
/** Of a month full of small troubles the newest say enough; the first view must stay small. */
const recentLimit = 20;
/** A server that tells another version every hour fills no page. */
const upgradeLimit = 5;

export function statusModel(input: StatusInput): StatusModel {
  const shown = input.targets.filter(isShown);
  const incidents = input.incidents.filter(({ incident }) => isForMembers(incident, shown)).map(forMembers);
  const transitions = Map.groupBy(input.transitions, (transition) => transition.target);
  const histories = shown.map((target) => {
    const own = incidents.filter(({ incident }) => incident.target === target.id);
    return history(target, transitions.get(target.id) ?? [], own, input);
  });
  const targets = histories.map(({ status }) => status);
  const checkedAt = latest(histories.flatMap(({ measured }) => measured));
  const lastChange = newestChange(histories);
  const residency = residencyStatus(input);
  const since = input.now.subtract({ hours: 24 * recentDays });
  return {
    now: input.now,
    overall: overall(targets),
    targets,
    open: incidents.filter(({ incident }) => incident.state !== "resolved"),
    recent: incidents.filter(({ incident }) => resolvedAfter(incident, since)).slice(0, recentLimit),
    upgrades: upgradesOf(shown, input.annotations)
      .filter(({ at }) => Temporal.Instant.compare(at, since) >= 0)
      .slice(0, upgradeLimit),
    ...(checkedAt && { checkedAt }),
    ...(lastChange && { lastChange }),
    ...(residency && { residency }),
  };
}

/** Down before degraded before not measured; one service that fails is the sentence, however many work. */
function overall(targets: readonly TargetStatus[]): Overall {
  const total = targets.length;
  if (total === 0) return { state: "empty", affected: [], total };
  if (targets.every((target) => target.isNew)) return { state: "new", affected: [], total };
  const measured = targets.filter((target) => !target.isNew);
  const state = worstOf(measured.map(({ outcome }) => outcome)) ?? "up";
  const affected = measured.filter((target) => target.outcome === state).map((target) => target.name);
  return { state, affected: state === "up" ? [] : affected, total };
}

interface History {
  readonly status: TargetStatus;
  readonly intervals: readonly OutcomeInterval[];
  readonly measured: readonly number[];
}

function history(
  target: Target,
  transitions: readonly Transition[],
  incidents: readonly IncidentStatus[],
  input: StatusInput,
): History {
  const now = input.now.epochMilliseconds;
  const span = { from: Math.min(now, input.days[0]?.from.epochMilliseconds ?? now), to: now };
  const required = requiredChecks(target);
  const states = input.checks.filter((state) => state.target === target.id && required.has(state.check));
  const settled = transitions.filter((transition) => required.has(transition.check));
  const intervals = targetTimeline(target, {
    transitions: settled,
    checks: states,
    incidents: incidents.map(({ incident }) => incident),
    span,
  });
  const last = intervals.at(-1);
  const outcome = last?.outcome ?? "unknown";
  const explanation = outcome === "up" ? undefined : explanationOf(outcome, incidents, states);
  return {
    intervals,
    measured: measurements(states, intervals),
    status: {
      id: target.id,
      name: target.name,
      ...(target.url !== undefined && { url: target.url }),
      outcome,
      ...(last && last.from > span.from && { since: instant(last.from) }),
      ...(explanation && { explanation }),
      isNew: outcome === "unknown" && isNew(speakingChecks(target), settled, states),
      days: days(intervals, input.days, now),
      account: account(intervals, { span }),
    },
  };
}

function isNew(speaking: ReadonlySet<string>, settled: readonly Transition[], states: readonly CheckState[]): boolean {
  const isHeard = ({ check }: CheckRef) => speaking.has(check);
  return !settled.some(isHeard) && states.filter(isHeard).every((state) => state.confirmation.lastAt === null);
}

/**
 * How a target stood over time: its required checks, up to now, and what its incidents add to them.
 * @param given may hold more than what belongs to the target; `span.to` must not be in the future.
 */
export function targetTimeline(
  target: Target,
  given: {
    readonly transitions: readonly Transition[];
    readonly checks: readonly CheckState[];
    readonly incidents: readonly Incident[];
    readonly span: Interval;
  },
): readonly OutcomeInterval[] {
  const required = requiredChecks(target);
  const speaking = speakingChecks(target);
  const isOurs = (of: CheckRef) => of.target === target.id && required.has(of.check);
  const said = <Told extends { readonly outcome: Outcome }>(check: string, told: Told): Told =>
    told.outcome === "up" && !speaking.has(check) ? { ...told, outcome: "unknown" } : told;
  const unsettled = given.checks.filter(isOurs).map(({ target, check, vantagePoint, confirmation }) => {
    const everySeconds = required.get(check)?.everySeconds ?? 60;
    const intervals = settle(confirmation, given.span.to, everySeconds).map((interval) => said(check, interval));
    return { target, check, vantagePoint, intervals };
  });
  const transitions = given.transitions.filter(isOurs).map((transition) => said(transition.check, transition));
  const own = given.incidents.filter((incident) => incident.target === target.id);
  return timeline([...transitions, ...own.flatMap(incidentInterval)], unsettled, given.span);
}

const requiredChecks = (target: Target) =>
  new Map(target.checks.filter((check) => check.required).map((check) => [check.id, check]));

/** Those that may say that the target works: all that look at it, or, of a database or a disk, those that look into it. */
function speakingChecks(target: Target): ReadonlySet<string> {
  const required = target.checks.filter((check) => check.required);
  const external = required.filter((check) => !check.internal);
  return new Set((external.length > 0 ? external : required).map(({ id }) => id));
}

/** The interval of an incident as transitions: a stuck queue makes its service degraded although every request is answered. */
function incidentInterval(incident: Incident): readonly Transition[] {
  if (incident.kind !== "threshold" || incident.impact === "none") return [];
  const series = { target: incident.target, check: `incident ${incident.id}`, vantagePoint: "" };
  const begun = { ...series, at: incident.startedAt, outcome: incident.impact };
  if (incident.state !== "resolved") return [begun];
  // After its end the incident says nothing about the service: the checks do.
  return [begun, { ...series, at: incident.resolvedAt, outcome: "unknown" }];
}

/** Words of the incident that makes it so, else those of the check that saw it. */
function explanationOf(
  outcome: Outcome,
  incidents: readonly IncidentStatus[],
  states: readonly CheckState[],
): Localised | undefined {
  const open = incidents.find(({ incident }) => incident.state !== "resolved" && incident.impact === outcome);
  if (open) return open.incident.explanation;
  return states.find(({ last }) => last?.outcome === outcome && last.explanation)?.last?.explanation;
}

function days(intervals: readonly OutcomeInterval[], calendar: StatusInput["days"], now: number): readonly DayStatus[] {
  const begun = intervals.find((interval) => interval.outcome !== "unknown")?.from ?? now;
  let next = 0;
  return calendar.map((day) => {
    const span = { from: day.from.epochMilliseconds, to: Math.min(now, day.to.epochMilliseconds) };
    const milliseconds = { up: 0, degraded: 0, down: 0, unknown: 0 };
    while ((intervals[next]?.to ?? Number.POSITIVE_INFINITY) <= span.from) next++;
    for (let index = next; index < intervals.length; index++) {
      const interval = intervals[index];
      if (!interval || interval.from >= span.to) break;
      milliseconds[interval.outcome] += overlap(interval, span);
    }
    const recorded = Math.max(0, span.to - Math.max(span.from, begun));
    return {
      date: day.date,
      shown: shownOutcome(milliseconds, recorded),
      seconds: {
        up: milliseconds.up / 1000,
        degraded: milliseconds.degraded / 1000,
        down: milliseconds.down / 1000,
        unknown: milliseconds.unknown / 1000,
      },
    };
  });
}

function shownOutcome(milliseconds: Readonly<Record<Outcome, number>>, recorded: number): Outcome {
  if (milliseconds.down > 0) return "down";
  if (milliseconds.degraded > 0) return "degraded";
  return milliseconds.up > 0 && milliseconds.up * 2 >= recorded ? "up" : "unknown";
}

function overlap(a: Interval, b: Interval): number {
  return Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from));
}

/** Beginnings of the newest runs that measured something; without any, the end of the last stretch that is known. */
function measurements(states: readonly CheckState[], intervals: readonly OutcomeInterval[]): readonly number[] {
  const runs = states
    .map(({ last, confirmation }) => {
      if (last) return last.outcome === "unknown" ? null : last.at.epochMilliseconds;
      return confirmation.lastKnown ? confirmation.lastAt : null;
    })
    .filter((at) => at !== null);
  if (runs.length > 0) return runs;
  return intervals
    .filter((interval) => interval.outcome !== "unknown")
    .slice(-1)
    .map((interval) => interval.to);
}

/** Times in which we did not measure are no change: what counts is the last thing known before and after. */
function newestChange(histories: readonly History[]): LastChange | undefined {
  const changes = histories.flatMap(({ status, intervals }) => {
    const known = intervals.filter((interval) => interval.outcome !== "unknown");
    const index = known.findLastIndex((interval, at) => at > 0 && interval.outcome !== known[at - 1]?.outcome);
    const change = known[index];
    return change ? [{ at: instant(change.from), target: status.name, to: change.outcome }] : [];
  });
  return changes.toSorted((a, b) => Temporal.Instant.compare(b.at, a.at))[0];
}

/** How bad an open incident is for members now: an outage may have become less than it was at its worst. */
export function presentImpact(
  { kind, target, impact }: Pick<Incident, "kind" | "target" | "impact">,
  targets: readonly Pick<TargetStatus, "id" | "outcome">[],
): Outcome {
  if (impact === "none") return "unknown";
  const isEased = kind === "outage" && targets.some(({ id, outcome }) => id === target && outcome === "degraded");
  return isEased ? "degraded" : impact;
}

/** Something they can notice, on a target that they are shown. */
export function isForMembers(incident: Incident, targets: readonly Target[]): boolean {
  const target = targets.find(({ id }) => id === incident.target);
  return incident.impact !== "none" && target !== undefined && isShown(target);
}

function resolvedAfter(incident: Incident, moment: Temporal.Instant): boolean {
  return incident.state === "resolved" && Temporal.Instant.compare(incident.resolvedAt, moment) >= 0;
}

/** Without the notes of the team. */
export function forMembers({ incident, updates }: IncidentStatus): IncidentStatus {
  return { incident, updates: updates.filter((update) => update.public) };
}

function latest(moments: readonly number[]): Temporal.Instant | undefined {
  return moments.length === 0 ? undefined : instant(Math.max(...moments));
}

const instant = (milliseconds: number): Temporal.Instant => Temporal.Instant.fromEpochMilliseconds(milliseconds);
