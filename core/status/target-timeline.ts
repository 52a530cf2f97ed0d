/**
 * How a target stood over time: its required checks and what its incidents add to them. What is stored of it is kept as a
 * settled past and the transitions since then, so that only the newest day has to be worked out again and again.
 */
import { type Interval, type OutcomeInterval, settle } from "../confirmation.ts";
import type { Incident } from "../incident.ts";
import type { CheckState } from "../live-state.ts";
import type { Outcome } from "../sample.ts";
import type { Transition } from "../store/judgements.ts";
import { type Series, seriesName } from "../store/series.ts";
import type { Check, Target } from "../target.ts";
import { noPast, SettledPast } from "./settled-past.ts";
import { timeline } from "./uptime.ts";

/** What is stored of the timeline of one target. */
export interface StoredTimeline {
  readonly past: SettledPast;
  /** Since the end of the past, with those in force there. */
  readonly recent: readonly Transition[];
  /** A check that may say that the target works has said something. */
  readonly isHeard: boolean;
}

/** The stored timelines of all targets, read once for whoever needs them. */
export interface Timelines {
  /** Reads what was stored since the last time. Throws what the store throws; what was known by then stays known. */
  refresh(): Promise<void>;
  /** Of a target that was not there at the last refresh nothing is known. */
  of(target: Target): StoredTimeline;
}

export const nothingStored: StoredTimeline = { past: noPast, recent: [], isHeard: false };

/** Of a target whose checks differ in this the timeline is another one. */
export const timelineRules = (target: Target): string => rulesOf(target).name;

/** With transitions that were stored after those that are known; none may lie in the settled past. */
export function withTransitions(target: Target, known: StoredTimeline, newer: readonly Transition[]): StoredTimeline {
  const { required, speaking } = rulesOf(target);
  const ours = newer.filter(({ check }) => required.has(check));
  return {
    past: known.past,
    recent: [...known.recent, ...ours.map((transition) => said(speaking, transition.check, transition))],
    isHeard: known.isHeard || ours.some(({ check }) => speaking.has(check)),
  };
}

/**
 * Its past reaches from `from` to `until` now: before that nothing may change any more.
 * @param from not before the beginning of the past that is known.
 */
export function settledUpTo({ past, recent, isHeard }: StoredTimeline, { from, to }: Interval): StoredTimeline {
  const begin = Math.max(past.span.to, from);
  const next = timeline(recent, [], { from: begin, to }, []);
  const older = past.intervals({ from, to: begin });
  return { past: new SettledPast({ from, to }, joined([...older, ...next])), recent: since(to, recent), isHeard };
}

/** Two that follow each other at the same outcome are one. */
function joined(intervals: readonly OutcomeInterval[]): readonly OutcomeInterval[] {
  return intervals.filter(({ outcome }, index) => outcome !== intervals[index - 1]?.outcome);
}

/** Those from `moment` on, and of each series the one in force then. */
function since(moment: number, transitions: readonly Transition[]): readonly Transition[] {
  const inForce = new Map<string, Transition>();
  const later: Transition[] = [];
  for (const transition of transitions) {
    const at = transition.at.epochMilliseconds;
    const name = seriesName(transition);
    if (at > moment) later.push(transition);
    else if (at >= (inForce.get(name)?.at.epochMilliseconds ?? at)) inForce.set(name, transition);
  }
  return [...inForce.values(), ...later];
}

/** The moment up to which all required checks of a target are settled; infinite when none has been looked at. */
export function settledMoment(target: Target, checks: readonly CheckState[]): number {
  const { required } = rulesOf(target);
  const moments = checks.flatMap((state) =>
    required.has(state.check) && state.confirmation.settledUntil !== null ? [state.confirmation.settledUntil] : [],
  );
  return Math.min(...moments, Number.POSITIVE_INFINITY);
}

/** What is known of a target beside what is stored of its timeline: its own check states and its own incidents. */
export interface PresentFacts {
  readonly checks: readonly CheckState[];
  readonly incidents: readonly Incident[];
}

/** From the end of the settled past, or a later moment, up to now. */
export function presentTimeline(
  target: Target,
  { recent }: Pick<StoredTimeline, "recent">,
  { checks, incidents }: PresentFacts,
  span: Interval,
): readonly OutcomeInterval[] {
  if (span.from >= span.to) return [];
  const { required, speaking } = rulesOf(target);
  const unsettled = checks.flatMap(({ check, vantagePoint, confirmation }) => {
    const everySeconds = required.get(check)?.everySeconds;
    if (everySeconds === undefined) return [];
    const intervals = settle(confirmation, span.to, everySeconds).map((interval) => said(speaking, check, interval));
    return [{ target: target.id, check, vantagePoint, intervals }];
  });
  return timeline([...recent, ...incidents.flatMap(incidentTransitions)], unsettled, span);
}

const pastWithIncidents = new WeakMap<SettledPast, { readonly of: string; readonly past: SettledPast }>();

/** The same past where no incident says anything about it. */
export function withIncidents(past: SettledPast, incidents: readonly Incident[]): SettledPast {
  const told = incidents
    .filter(({ startedAt }) => startedAt.epochMilliseconds < past.span.to)
    .flatMap(incidentTransitions);
  if (told.length === 0) return past;
  const of = JSON.stringify(told.map(({ check, at, outcome }) => [check, at.epochMilliseconds, outcome]));
  const known = pastWithIncidents.get(past);
  if (known?.of === of) return known.past;
  const joined = new SettledPast(past.span, timeline(told, [], past.span, [...past.intervals()]));
  pastWithIncidents.set(past, { of, past: joined });
  return joined;
}

interface Rules {
  readonly name: string;
  /** By id. */
  readonly required: ReadonlyMap<string, Check>;
  /** Those that may say that the target works: all that look at it, or, of a database or a disk, those that look into it. */
  readonly speaking: ReadonlySet<string>;
}

const rulesOfTargets = new WeakMap<Target, Rules>();

function rulesOf(target: Target): Rules {
  const known = rulesOfTargets.get(target);
  if (known) return known;
  const required = target.checks.filter((check) => check.required);
  const external = required.filter((check) => !check.internal);
  const speaking = external.length > 0 ? external : required;
  const ids = (checks: readonly Check[]) => checks.map(({ id }) => id);
  const rules = {
    name: JSON.stringify([ids(required), ids(speaking)]),
    required: new Map(required.map((check) => [check.id, check])),
    speaking: new Set(ids(speaking)),
  };
  rulesOfTargets.set(target, rules);
  return rules;
}

export const isRequired = (target: Target, check: string): boolean => rulesOf(target).required.has(check);

/** Whether a check may say that the target works. */
export const isSpeaking = (target: Target, check: string): boolean => rulesOf(target).speaking.has(check);

/** What does not look at the target itself is silent where it says "up". */
const said = <Told extends { readonly outcome: Outcome }>(
  speaking: ReadonlySet<string>,
  check: string,
  told: Told,
): Told => (told.outcome === "up" && !speaking.has(check) ? { ...told, outcome: "unknown" } : told);

/** The interval of an incident as transitions: a stuck queue makes its service degraded although every request is answered. */
function incidentTransitions(incident: Incident): readonly Transition[] {
  if (incident.kind !== "threshold" || incident.impact === "none") return [];
  const series: Series = { target: incident.target, check: `incident ${incident.id}`, vantagePoint: "" };
  const begun = { ...series, at: incident.startedAt, outcome: incident.impact };
  if (incident.state !== "resolved") return [begun];
  // After its end the incident says nothing about the service: the checks do.
  return [begun, { ...series, at: incident.resolvedAt, outcome: "unknown" }];
}
