/**
 * When rows that are due come up, counted on the monotonic clock: setting the wall clock neither hastens nor delays an
 * escalation. The store keeps wall times; they are translated here once, when a row is first seen.
 */
import type { Clock } from "../../core/clock.ts";
import type { Due } from "../../core/store/due.ts";
import { WallClock } from "../wall-clock.ts";

interface Entry {
  readonly due: Due;
  /** Monotonic. It may lie in the past: then what follows from it is late by as much. */
  readonly atSeconds: number;
  /** It was reckoned from what was measured last, because the clock was behind that. */
  readonly isBehind?: true;
}

/** A row that was planned so long before was planned by another clock. */
const plausibleSeconds = 2 * 86_400;

export class DueSteps {
  readonly #clock: Clock;
  readonly #lastKnown: Temporal.Instant;
  #entries: ReadonlyMap<string, Entry> = new Map();
  readonly #wall: WallClock;

  /** @param lastKnown when anything was measured last, by an earlier process: by its clock it was no earlier than that. */
  constructor(clock: Clock, lastKnown: Temporal.Instant) {
    this.#clock = clock;
    this.#lastKnown = lastKnown;
    this.#wall = new WallClock(clock);
  }

  /** @param rows all that are planned, as they stand. */
  learn(rows: readonly Due[]): void {
    const isJump = this.#wall.moved() !== 0;
    const entries = rows.map((due): [string, Entry] => {
      const known = this.#entries.get(nameOf(due));
      return [nameOf(due), known && isSame(known.due, due) ? this.#corrected(known) : this.#entry(due, known, isJump)];
    });
    this.#entries = new Map(entries);
  }

  /** What is to be done now, the earliest first. */
  due(): readonly Due[] {
    const now = this.#clock.monotonicSeconds();
    const ready = [...this.#entries.values()].filter(({ atSeconds }) => atSeconds <= now);
    return ready.toSorted((a, b) => a.atSeconds - b.atSeconds).map(({ due }) => due);
  }

  /** Seconds until something is; undefined when nothing is planned. */
  nextIn(): number | undefined {
    const moments = [...this.#entries.values()].map(({ atSeconds }) => atSeconds);
    return moments.length > 0 ? Math.max(0, Math.min(...moments) - this.#clock.monotonicSeconds()) : undefined;
  }

  #entry(due: Due, known: Entry | undefined, isJump: boolean): Entry {
    const missing = signedSeconds(this.#clock.now(), this.#lastKnown);
    const measured = signedSeconds(due.plannedAt, this.#lastKnown);
    if (known || missing <= 0 || measured < 0 || measured > plausibleSeconds) {
      return { due, atSeconds: this.#place(due, known, isJump) };
    }
    const left = signedSeconds(this.#lastKnown, due.dueAt);
    return { due, atSeconds: this.#clock.monotonicSeconds() + left, isBehind: true };
  }

  /** Where the clock has learned the time, the moment that was planned is right, unless it would be put off. */
  #corrected(entry: Entry): Entry {
    const { due, atSeconds, isBehind } = entry;
    if (!isBehind || signedSeconds(this.#clock.now(), this.#lastKnown) > 0) return entry;
    const left = signedSeconds(this.#clock.now(), due.dueAt);
    return { due, atSeconds: Math.min(atSeconds, this.#clock.monotonicSeconds() + left) };
  }

  #place({ plannedAt, dueAt }: Due, known: Entry | undefined, isJump: boolean): number {
    const distance = signedSeconds(plannedAt, dueAt);
    // It follows from what was just done: whatever the clock on the wall says by now, their distance is what counts.
    if (known?.due.dueAt.equals(plannedAt)) return known.atSeconds + distance;
    // It comes in place of what was planned, reckoned from the same moment.
    if (known?.due.plannedAt.equals(plannedAt)) return known.atSeconds + signedSeconds(known.due.dueAt, dueAt);
    const left = signedSeconds(this.#clock.now(), dueAt);
    // The clock was set around the time it was written: only the distance can be believed. It is never longer than that.
    return this.#clock.monotonicSeconds() + (isJump ? distance : Math.min(left, distance));
  }
}

const nameOf = ({ kind, subject, for: whom }: Due): string => JSON.stringify([kind, subject, whom]);

const isSame = (a: Due, b: Due): boolean => a.dueAt.equals(b.dueAt) && a.state === b.state;

/** Less than 0 where `to` is the earlier one. */
const signedSeconds = (from: Temporal.Instant, to: Temporal.Instant): number =>
  (to.epochMilliseconds - from.epochMilliseconds) / 1000;
