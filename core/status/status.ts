/** The model of the status page, of what members are told: from targets, live states, transitions and incidents. */

import type { Incident, IncidentStatus } from "../incident.ts";
import type { Localised } from "../language.ts";
import type { CheckState } from "../live-state.ts";
import type { Outcome } from "../sample.ts";
import { worstOf } from "../severity.ts";
import { isShown, type Target } from "../target.ts";
import type { CivilDay } from "../time-zone.ts";
import type { Annotation } from "../upgrade.ts";
import { type DayStatus, daysOf, settledDays, summaryOf, type TimelineSummary } from "./day-status.ts";
import { type Upgrade, upgradesOf } from "./past-events.ts";
import { type ResidencyStatus, residencyStatus } from "./residency.ts";
import { isRequired, isSpeaking, presentTimeline, type Timelines, withIncidents } from "./target-timeline.ts";
import { type Account, account } from "./uptime.ts";

export interface StatusInput {
  readonly now: Temporal.Instant;
  readonly targets: readonly Target[];
  readonly checks: readonly CheckState[];
  /** Back to the first of the `days`, or further. */
  readonly timelines: Pick<Timelines, "of">;
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

const recentDays = 14;
/** Of a month full of small troubles the newest say enough; the first view must stay small. */
const recentLimit = 20;
/** A server that tells another version every hour fills no page. */
const upgradeLimit = 5;

/** Yields where it may pause. */
export function* statusModel(input: StatusInput): Generator<void, StatusModel> {
  const shown = input.targets.filter(isShown);
  const isForMembers = forMembersOf(shown);
  const incidents = input.incidents.filter(({ incident }) => isForMembers(incident)).map(forMembers);
  const incidentsOf = Map.groupBy(incidents, ({ incident }) => incident.target);
  const checksOf = Map.groupBy(input.checks, ({ target }) => target);
  const histories: History[] = [];
  for (const target of shown) {
    yield;
    histories.push(history(target, checksOf.get(target.id) ?? [], incidentsOf.get(target.id) ?? [], input));
  }
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
  readonly summary: TimelineSummary;
  readonly measured: readonly number[];
}

function history(
  target: Target,
  checks: readonly CheckState[],
  incidents: readonly IncidentStatus[],
  input: StatusInput,
): History {
  const states = checks.filter(({ check }) => isRequired(target, check));
  const { isHeard, days, summary } = targetDays(target, states, incidents, input);
  const { last, spent } = summary;
  const outcome = last?.outcome ?? "unknown";
  const explanation = outcome === "up" ? undefined : explanationOf(outcome, incidents, states);
  return {
    summary,
    measured: measurements(states, summary),
    status: {
      id: target.id,
      name: target.name,
      ...(target.url !== undefined && { url: target.url }),
      outcome,
      ...(last && last.from > beginOf(input) && { since: instant(last.from) }),
      ...(explanation && { explanation }),
      isNew: outcome === "unknown" && !isHeard && states.every((state) => isUnheard(target, state)),
      days,
      account: account({ ...spent, maintenance: 0 }),
    },
  };
}

/** The days that are over were worked out before, today is worked out now. */
function targetDays(
  target: Target,
  checks: readonly CheckState[],
  incidents: readonly IncidentStatus[],
  input: StatusInput,
) {
  const now = input.now.epochMilliseconds;
  const own = incidents.map(({ incident }) => incident);
  const stored = input.timelines.of(target);
  const past = withIncidents(stored.past, own);
  const settled = settledDays(past, input.days, beginOf(input));
  const present = { from: Math.max(settled.until, past.span.to), to: now };
  const intervals = [
    ...past.intervals({ from: settled.until, to: Math.min(now, past.span.to) }),
    ...presentTimeline(target, stored, { checks, incidents: own }, present),
  ];
  const summary = summaryOf(intervals, settled.summary);
  const today = daysOf(input.days.slice(settled.days.length), intervals, { begun: summary.begun ?? now, now });
  return { isHeard: stored.isHeard, days: [...settled.days, ...today], summary };
}

/** Of the first day, in epoch milliseconds. */
const beginOf = ({ now, days }: StatusInput): number =>
  Math.min(now.epochMilliseconds, days[0]?.from.epochMilliseconds ?? now.epochMilliseconds);

const isUnheard = (target: Target, { check, confirmation }: CheckState): boolean =>
  !isSpeaking(target, check) || confirmation.lastAt === null;

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

/** Beginnings of the newest runs that measured something; without any, the end of the last stretch that is known. */
function measurements(states: readonly CheckState[], { lastKnown }: TimelineSummary): readonly number[] {
  const runs = states
    .map(({ last, confirmation }) => {
      if (last) return last.outcome === "unknown" ? null : last.at.epochMilliseconds;
      return confirmation.lastKnown ? confirmation.lastAt : null;
    })
    .filter((at) => at !== null);
  if (runs.length > 0) return runs;
  return lastKnown ? [lastKnown.to] : [];
}

function newestChange(histories: readonly History[]): LastChange | undefined {
  const changes = histories.flatMap(({ status, summary: { lastChange } }) =>
    lastChange ? [{ at: instant(lastChange.at), target: status.name, to: lastChange.to }] : [],
  );
  return changes.toSorted((a, b) => Temporal.Instant.compare(b.at, a.at))[0];
}

/** How bad an open incident is for members now: an outage may have become less than it was at its worst, or be well for now. */
export function presentImpact(
  { kind, target, impact, flapping }: Pick<Incident, "kind" | "target" | "impact" | "flapping">,
  targets: readonly Pick<TargetStatus, "id" | "outcome">[],
): Outcome {
  if (impact === "none") return "unknown";
  if (flapping?.quietSince) return "up";
  const isEased = kind === "outage" && targets.some(({ id, outcome }) => id === target && outcome === "degraded");
  return isEased ? "degraded" : impact;
}

/** Those are for members that they can notice, on a target that they are shown. */
export function forMembersOf(targets: readonly Target[]): (incident: Incident) => boolean {
  const shown = new Set(targets.filter(isShown).map(({ id }) => id));
  return ({ impact, target }) => impact !== "none" && shown.has(target);
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
