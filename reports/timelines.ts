/**
 * The stored timelines of all targets, kept in memory for the members' pages and the target metrics: a year of transitions
 * is read once a day, and in between only what was stored since; what lies before today is worked out once.
 */
import { type Clock, farFuture } from "../core/clock.ts";
import type { CheckState, Live } from "../core/live-state.ts";
import { historyBegin } from "../core/status/history.ts";
import {
  nothingStored,
  type StoredTimeline,
  settledMoment,
  settledUpTo,
  type Timelines,
  timelineRules,
  withTransitions,
} from "../core/status/target-timeline.ts";
import type { JudgementStore, Transition } from "../core/store/judgements.ts";
import { seriesName } from "../core/store/series.ts";
import type { Target } from "../core/target.ts";
import { pause } from "../core/time-slices.ts";
import { startOfDay, wallTime } from "../core/time-zone.ts";

export interface TimelineParts {
  readonly store: { readonly judgements: Pick<JudgementStore, "transitions"> };
  readonly live: Pick<Live, "checks" | "stored">;
  readonly clock: Clock;
  /** As the last reload left them. */
  readonly targets: () => readonly Target[];
  /** Of the organisation, whose days are shown. */
  readonly timeZone: () => string;
}

export const openTimelines = (parts: TimelineParts): Timelines => new KeptTimelines(parts);

interface Kept {
  /** What it was read for: where this differs it is read again. */
  readonly rules: string;
  /** Monotonic seconds. */
  readonly readAt: number;
  readonly timeline: StoredTimeline;
  /** Of each series the newest transition that was read, by `seriesName`. */
  readonly newest: ReadonlyMap<string, number>;
}

/** What one refresh looks at. */
interface Moment {
  readonly now: Temporal.Instant;
  readonly zone: string;
  /** The beginning of the day, in epoch milliseconds. */
  readonly today: number;
  /** How far back anybody looks, in epoch milliseconds. */
  readonly begin: number;
  readonly watched: readonly Target[];
  readonly checks: ReadonlyMap<string, readonly CheckState[]>;
}

/** Whatever else may have changed in the store is found after a day. */
const rereadSeconds = 86_400;
/** So many targets are read at once where nothing is known of them. */
const readAtOnce = 10;
/** Windows of the target metrics; an objective may look back further. */
const longestWindowSeconds = 90 * 86_400;

class KeptTimelines implements Timelines {
  readonly #parts: TimelineParts;
  readonly #kept = new Map<string, Kept>();
  #refreshing: Promise<void> = Promise.resolve();
  /** What of `Live.stored` has surely been read; none after a failure, and while something stored is ahead of the clock. */
  #read = Number.NaN;
  /** Something was left out because it is ahead of the clock, which was set back. */
  #isAhead = false;

  constructor(parts: TimelineParts) {
    this.#parts = parts;
  }

  /** One after the other: whoever asks now gets what is stored now. */
  refresh(): Promise<void> {
    this.#refreshing = this.#refreshing.catch(() => {}).then(() => this.#refresh());
    return this.#refreshing;
  }

  of(target: Target): StoredTimeline {
    const kept = this.#kept.get(target.id);
    return kept?.rules === rulesFor(target, this.#parts.timeZone()) ? kept.timeline : nothingStored;
  }

  async #refresh(): Promise<void> {
    const moment = this.#moment();
    const { stored } = this.#parts.live;
    // Whatever the store is asked keeps its reading thread there.
    const isRead = stored === this.#read;
    this.#read = Number.NaN;
    this.#isAhead = false;
    const late = isRead ? new Set() : await this.#readNewer(moment);
    const unread: Target[] = [];
    for (const target of moment.watched) {
      await pause();
      if (late.has(target.id) || !this.#moveOn(target, moment)) unread.push(target);
    }
    for (let next = 0; next < unread.length; next += readAtOnce) {
      await this.#readWhole(unread.slice(next, next + readAtOnce), moment);
    }
    const ids = new Set(moment.watched.map(({ id }) => id));
    for (const id of this.#kept.keys()) if (!ids.has(id)) this.#kept.delete(id);
    if (!this.#isAhead) this.#read = stored;
  }

  #moment(): Moment {
    const { clock, live, targets, timeZone } = this.#parts;
    const now = clock.now();
    const zone = timeZone();
    const watched = targets().filter(({ planned }) => !planned);
    const objectives = watched.map(({ objective }) => objective?.overSeconds ?? 0);
    const longest = Math.max(longestWindowSeconds, ...objectives) * 1000;
    const begin = Math.min(now.epochMilliseconds - longest, historyBegin(now, zone).epochMilliseconds);
    const checks = Map.groupBy(live.checks(), ({ target }) => target);
    return { now, zone, today: dayBegin(now.epochMilliseconds, zone), begin, watched, checks };
  }

  /** What was stored of the targets that are known. @returns those of which something is older than what is settled. */
  async #readNewer(moment: Moment): Promise<ReadonlySet<string>> {
    const known = moment.watched.filter(({ id }) => this.#kept.has(id));
    const late = new Set<string>();
    const after = new Map([...this.#kept.values()].flatMap(({ newest }) => [...newest]));
    for (const [target, newer] of await this.#transitions(known, moment, after)) {
      const kept = this.#kept.get(target.id);
      if (!kept || newer.length === 0) continue;
      const { past } = kept.timeline;
      if (newer.some(({ at }) => at.epochMilliseconds < past.span.to)) late.add(target.id);
      else {
        const newest = new Map([...kept.newest, ...newestOf(newer)]);
        this.#kept.set(target.id, { ...kept, timeline: withTransitions(target, kept.timeline, newer), newest });
      }
    }
    return late;
  }

  /** Where a day is over, its past goes on to the next one. @returns false when it has to be read as a whole. */
  #moveOn(target: Target, moment: Moment): boolean {
    const kept = this.#kept.get(target.id);
    if (kept?.rules !== rulesFor(target, moment.zone)) return false;
    const { span } = kept.timeline.past;
    const until = settledUntil(target, moment);
    const isOld = this.#parts.clock.monotonicSeconds() - kept.readAt >= rereadSeconds;
    if (isOld || span.from > moment.begin || span.to > until) return false;
    if (until > span.to) {
      const timeline = settledUpTo(kept.timeline, { from: moment.begin, to: until });
      this.#kept.set(target.id, { ...kept, timeline });
    }
    return true;
  }

  async #readWhole(targets: readonly Target[], moment: Moment): Promise<void> {
    const readAt = this.#parts.clock.monotonicSeconds();
    for (const [target, transitions] of await this.#transitions(targets, moment, new Map())) {
      const settled = { from: moment.begin, to: settledUntil(target, moment) };
      const timeline = settledUpTo(withTransitions(target, nothingStored, transitions), settled);
      const newest = newestOf(transitions);
      this.#kept.set(target.id, { rules: rulesFor(target, moment.zone), readAt, timeline, newest });
    }
  }

  async #transitions(
    targets: readonly Target[],
    { now, begin }: Moment,
    after: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<Target, readonly Transition[]>> {
    const span = { from: Temporal.Instant.fromEpochMilliseconds(begin), to: farFuture };
    const filter = { targets: targets.map(({ id }) => id), after };
    const found = targets.length === 0 ? [] : await this.#parts.store.judgements.transitions(span, filter);
    const begun = found.filter(({ at }) => at.epochMilliseconds < now.epochMilliseconds);
    if (begun.length < found.length) this.#isAhead = true;
    const byTarget = Map.groupBy(begun, ({ target }) => target);
    return new Map(targets.map((target) => [target, byTarget.get(target.id) ?? []]));
  }
}

/** @param transitions oldest first. */
const newestOf = (transitions: readonly Transition[]): ReadonlyMap<string, number> =>
  new Map(transitions.map((transition) => [seriesName(transition), transition.at.epochMilliseconds]));

/** The beginning of a day before which nothing of this target may change any more. */
function settledUntil(target: Target, { now, zone, today, begin, checks }: Moment): number {
  const settled = Math.min(now.epochMilliseconds, settledMoment(target, checks.get(target.id) ?? []));
  return Math.max(begin, settled >= today ? today : dayBegin(settled, zone));
}

function dayBegin(moment: number, zone: string): number {
  const day = wallTime(Temporal.Instant.fromEpochMilliseconds(moment), zone).toPlainDate();
  return startOfDay(day, zone).epochMilliseconds;
}

const rulesFor = (target: Target, zone: string): string => `${zone} ${timelineRules(target)}`;
