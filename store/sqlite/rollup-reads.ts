/** Reads hourly and daily rollups of one check: rows where they are derived, else transitions and the head block. */
import type { Outcome } from "../../core/sample.ts";
import type { CheckRef } from "../../core/store/series.ts";
import type { Connection } from "./connection.ts";
import type { HourSum } from "./head-block.ts";
import { isDerivedDay, stepsOf } from "./rollup-progress.ts";
import { added, isEmpty, lastHourOf, noSums, readSums, type Sums } from "./rollup-sums.ts";
import { maybeNumeric } from "./rows.ts";
import { farFuture, hoursIn, type Per, type Span, slotFrom, slotOf, startOfHour, startOfSlot } from "./slot-keys.ts";
import { statement } from "./statements.ts";
import { type StoredTransition, spentInHour, transitionsOf } from "./transitions.ts";

interface RunningSeries {
  readonly series: number;
  readonly newest: number | undefined;
  /** What no row of `hour` has counted yet, by hour. */
  readonly sums: readonly (readonly [hour: number, sum: HourSum])[];
}

export interface RollupQuery extends Span {
  readonly running: readonly RunningSeries[];
  readonly per: Per;
  readonly derivedUntil: number;
  /** How many steps of derivation `running` knows of. */
  readonly steps: number;
}

/** Samples of one check summed over an hour or a day. */
export interface Rollup extends CheckRef {
  readonly from: Temporal.Instant;
  readonly seconds: Readonly<Record<Outcome, number>>;
  readonly runs: number;
  /** Runs with outcome down, confirmed or not. */
  readonly failures: number;
  /** Log-bucketed total durations of the runs that were up or degraded: core/histogram.ts. */
  readonly latency: Uint8Array;
}

export interface Slot {
  readonly at: number;
  readonly sums: Sums;
}

/**
 * Several places of one check are averaged where they overlap.
 * @returns undefined when hours were derived since the query was made: ask again, with what the head block holds now.
 */
export function rollups(connection: Connection, of: RollupQuery): readonly Slot[] | undefined {
  if (stepsOf(connection) !== of.steps) return undefined;
  const slots = of.running.flatMap((series) => seriesSlots(connection, series, of));
  return [...Map.groupBy(slots, ({ at }) => at)]
    .sort(([a], [b]) => a - b)
    .map(([at, places]) => ({ at, sums: within(added(places.map(({ sums }) => sums)), startOfSlot(1, of.per)) }));
}

function seriesSlots(connection: Connection, running: RunningSeries, of: RollupQuery): readonly Slot[] {
  const hour = hourReader(connection, running, of.derivedUntil);
  const last = Math.floor(Math.max(lastHourOf(running.newest), of.derivedUntil) / hoursIn[of.per]);
  const first = Math.min(
    firstSlot(connection, of.per) ?? last,
    Math.floor(Math.min(hour.first, firstSlot(connection, "hour") ?? hour.first) / hoursIn[of.per]),
  );
  const slots: Slot[] = [];
  const end = Math.min(slotFrom(of.to, of.per), last + 1);
  for (let slot = Math.max(slotFrom(of.from, of.per), first); slot < end; slot++) {
    const sums = of.per === "hour" ? hour.read(slot) : readDay(connection, running.series, slot, of, hour.read);
    if (sums) slots.push({ at: startOfSlot(slot, of.per), sums });
  }
  return slots;
}

/** A finished day is a row; one that is running, or must be derived again, is the sum of its hours. */
function readDay(
  connection: Connection,
  series: number,
  day: number,
  of: { readonly derivedUntil: number },
  readHour: (hour: number) => Sums | undefined,
): Sums | undefined {
  if (isDerivedDay(connection, day, series, of.derivedUntil)) return readSums(connection, "day", day, series);
  const hours = Array.from({ length: 24 }, (_, index) => readHour(day * 24 + index)).filter((sums) => !!sums);
  return hours.length > 0 ? added(hours) : undefined;
}

/** Reads an hour: its row, or the transitions where there is none yet, and what was counted since. */
function hourReader(connection: Connection, { series, newest, sums }: RunningSeries, derivedUntil: number) {
  const counts = new Map(sums);
  const first = Math.min(derivedUntil, ...counts.keys());
  let recent: readonly StoredTransition[] | undefined;
  const read = (hour: number): Sums | undefined => {
    const row = readSums(connection, "hour", hour, series);
    const count = counts.get(hour);
    if (hour < derivedUntil) return count ? added([row ?? noSums, { ...noSums, ...count }]) : row;
    recent ??= transitionsOf(connection, series, { from: startOfHour(derivedUntil), to: farFuture });
    const counted = added([row ?? noSums, { ...noSums, ...count }]);
    const running = { ...counted, spent: spentInHour(recent, hour, newest) };
    return isEmpty(running) ? undefined : running;
  };
  return { first, read };
}

const oldest = {
  hour: statement("select min(id) as id from hour"),
  day: statement("select min(id) as id from day"),
};

/** The first slot that has a row. */
function firstSlot(connection: Connection, per: Per): number | undefined {
  const row = connection.get(oldest[per]);
  const key = row && maybeNumeric(row, "id");
  return key === undefined ? undefined : slotOf(key);
}

/** Two places that watched the same hour make one hour, not two: the time is scaled down to the slot. */
function within(sums: Sums, slotMilliseconds: number): Sums {
  const total = sums.spent.reduce((sum, time) => sum + time, 0);
  if (total <= slotMilliseconds) return sums;
  return { ...sums, spent: sums.spent.map((time) => (time * slotMilliseconds) / total) };
}
