/** The model of the history page: past incidents and upgrades month by month, and which time was not measured. */

import type { Interval } from "../confirmation.ts";
import type { IncidentStatus } from "../incident.ts";
import type { Target } from "../target.ts";
import { startOfDay, wallTime } from "../time-zone.ts";
import type { Annotation } from "../upgrade.ts";
import { gaps } from "./measured.ts";
import { type PastEvent, pastEvents, upgradesOf } from "./past-events.ts";
import { forMembers, forMembersOf } from "./status.ts";

export interface HistoryInput {
  /** When all this was read. */
  readonly now: Temporal.Instant;
  readonly zone: string;
  readonly targets: readonly Target[];
  /** All that are open, and those resolved since `historyBegin`. */
  readonly incidents: readonly IncidentStatus[];
  /** Of incidents that began before this not all are known; absent when all are. */
  readonly completeSince?: Temporal.Instant;
  readonly annotations: readonly Annotation[];
  /** Since `historyBegin`, as core/status/measured.ts gives it. */
  readonly measured: readonly Interval[];
}

export interface HistoryModel {
  readonly now: Temporal.Instant;
  /** Newest first; empty as long as nothing is recorded. */
  readonly months: readonly MonthHistory[];
  /** The oldest thing we know; absent when there is more than the months show. */
  readonly oldest?: Temporal.Instant;
}

export interface MonthHistory {
  /** Its first day. */
  readonly first: Temporal.PlainDate;
  /** Newest first. */
  readonly events: readonly PastEvent[];
  /** An incident of an earlier month went on in this one. */
  readonly continued: boolean;
  /** Of the time since our records begin, and up to now. */
  readonly isMeasured: boolean;
  readonly unmeasuredSeconds: number;
}

const shownMonths = 12;
/** More than anybody reads; the page stays bounded in a year that was nothing but trouble. */
const mostIncidents = 200;
const mostUpgrades = 100;
/** A restart leaves a gap of seconds, which tells nobody anything. */
const shortGapMs = 600_000;

/** How far back it goes: the running month and the eleven before it. */
export function historyBegin(now: Temporal.Instant, zone: string): Temporal.Instant {
  return startOfDay(firstOfMonth(now, zone).subtract({ months: shownMonths - 1 }), zone);
}

export function historyModel(input: HistoryInput): HistoryModel {
  const { now, zone, targets } = input;
  const isForMembers = forMembersOf(targets);
  const all = input.incidents
    .filter(({ incident }) => isForMembers(incident))
    .map(forMembers)
    .toSorted((a, b) => Temporal.Instant.compare(b.incident.startedAt, a.incident.startedAt));
  const shown = all.slice(0, mostIncidents);
  const completeSince = shown.length < all.length ? shown.at(-1)?.incident.startedAt : input.completeSince;
  const events = pastEvents(shown, upgradesOf(targets, input.annotations).slice(0, mostUpgrades));
  const oldest = earliest([...instants(input.measured.slice(0, 1)), ...events.map(({ at }) => at)]);
  if (!oldest) return { now, months: [] };
  const begin = historyBegin(now, zone);
  const months = civilMonths(latest([oldest, begin, ...(completeSince ? [completeSince] : [])]), now, zone)
    .map((month) => monthHistory(month, { events, incidents: all, measured: input.measured, oldest, now }))
    // Of a month that is not known as a whole, what is known may be told, but not that there was nothing.
    .filter(
      ({ first, events }) => isKnown(first, zone, completeSince) || events.some(({ kind }) => kind === "incident"),
    );
  const isAll = completeSince === undefined && isBefore(begin, oldest);
  return { now, months, ...(isAll && { oldest }) };
}

interface CivilMonth {
  readonly first: Temporal.PlainDate;
  readonly from: Temporal.Instant;
  /** The first moment of the next one. */
  readonly to: Temporal.Instant;
}

function monthHistory(
  { first, from, to }: CivilMonth,
  known: {
    readonly events: readonly PastEvent[];
    readonly incidents: readonly IncidentStatus[];
    readonly measured: readonly Interval[];
    readonly oldest: Temporal.Instant;
    readonly now: Temporal.Instant;
  },
): MonthHistory {
  const span = {
    from: latest([from, known.oldest]).epochMilliseconds,
    to: Math.min(to.epochMilliseconds, known.now.epochMilliseconds),
  };
  const unmeasured = gaps(known.measured, span);
  return {
    first,
    events: known.events.filter(({ at }) => !isBefore(at, from) && isBefore(at, to)),
    continued: known.incidents.some(({ incident }) => {
      const over = incident.state === "resolved" && !isBefore(from, incident.resolvedAt);
      return isBefore(incident.startedAt, from) && !over;
    }),
    isMeasured: total(unmeasured) < span.to - span.from,
    unmeasuredSeconds: total(unmeasured.filter((gap) => gap.to - gap.from >= shortGapMs)) / 1000,
  };
}

/** Every month of the calendar that has a part in [from, to], newest first. */
function civilMonths(from: Temporal.Instant, to: Temporal.Instant, zone: string): readonly CivilMonth[] {
  const months: CivilMonth[] = [];
  let first = firstOfMonth(from, zone);
  let start = startOfDay(first, zone);
  while (!isBefore(to, start)) {
    const next = first.add({ months: 1 });
    const end = startOfDay(next, zone);
    months.unshift({ first, from: start, to: end });
    first = next;
    start = end;
  }
  return months;
}

const firstOfMonth = (at: Temporal.Instant, zone: string): Temporal.PlainDate =>
  wallTime(at, zone).toPlainDate().with({ day: 1 });

const isBefore = (a: Temporal.Instant, b: Temporal.Instant): boolean => Temporal.Instant.compare(a, b) < 0;

const isKnown = (first: Temporal.PlainDate, zone: string, completeSince: Temporal.Instant | undefined): boolean =>
  completeSince === undefined || !isBefore(startOfDay(first, zone), completeSince);

const earliest = (moments: readonly Temporal.Instant[]): Temporal.Instant | undefined =>
  moments.toSorted(Temporal.Instant.compare)[0];

const latest = (moments: readonly [Temporal.Instant, ...Temporal.Instant[]]): Temporal.Instant =>
  moments.reduce((last, moment) => (isBefore(last, moment) ? moment : last));

const instants = (intervals: readonly Interval[]): readonly Temporal.Instant[] =>
  intervals.map(({ from }) => Temporal.Instant.fromEpochMilliseconds(from));

const total = (intervals: readonly Interval[]): number => intervals.reduce((sum, { from, to }) => sum + to - from, 0);
