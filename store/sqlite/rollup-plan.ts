/**
 * Computes hourly and daily rollups from samples and transitions, and packs the samples of each hour. It only plans what is to
 * be written; rollup-derivation.ts writes it.
 */

import type { Connection } from "./connection.ts";
import { counted, type HourSum } from "./head-block.ts";
import { type Block, pack } from "./packed-block.ts";
import { added, isEmpty, noSums, readSums, type Sums } from "./rollup-sums.ts";
import type { StoredSample } from "./sample-bytes.ts";
import { joined, packedHour, sampleHours } from "./sample-reads.ts";
import { seriesOf, slotOf, startOfHour } from "./slot-keys.ts";
import { statement } from "./statements.ts";
import { type StoredTransition, spentInHour, transitionsOf } from "./transitions.ts";
import { oldestUnpackedHour, unpackedSamples, unpackedSeries } from "./unpacked-batch.ts";

/** Mean or median by id of the reading series. */
export type ValuesById = readonly (readonly [id: number, value: number])[];

export interface SeriesHour {
  readonly series: number;
  readonly hour: number;
  readonly sums: Sums;
  readonly packed?: { readonly block: Block; readonly lastAt: number; readonly readings: ValuesById };
}

/** Each series with the time of its newest sample: nothing after that has been measured. */
export type Newest = readonly (readonly [series: number, at: number])[];

/** What one step may write: an hour of 500 checks, or a month of one. */
const mostAtOnce = 500;

/**
 * Hours of all series from `from` on, at most until `end`.
 * @returns `next`: the first hour that is not planned here.
 */
export function planHours(
  connection: Connection,
  { from, end, newest }: { readonly from: number; readonly end: number; readonly newest: Newest },
): { readonly hours: readonly SeriesHour[]; readonly next: number } {
  const planned: SeriesHour[] = [];
  let hour = from;
  while (hour < end && planned.length < mostAtOnce) {
    const found = planHour(connection, hour, newest, { late: false });
    planned.push(...found);
    // Skips hours in which nothing was measured.
    hour = found.length > 0 ? hour + 1 : Math.min(end, oldestUnpackedHour(connection, hour + 1) ?? end);
  }
  return { hours: planned, next: hour };
}

/** Samples that came into an hour after it was derived. */
export function planLateHour(
  connection: Connection,
  { hour, newest }: { readonly hour: number; readonly newest: Newest },
): { readonly hours: readonly SeriesHour[] } {
  return { hours: planHour(connection, hour, newest, { late: true }) };
}

/** One hour of all series, or (`late`) only of those that have unpacked samples in it. */
function planHour(
  connection: Connection,
  hour: number,
  newest: Newest,
  { late }: { readonly late: boolean },
): readonly SeriesHour[] {
  const span = { from: startOfHour(hour), to: startOfHour(hour + 1) };
  const newestOf = new Map(newest);
  const here = { from: hour, to: hour };
  const series = new Set([...unpackedSeries(connection, hour), ...(late ? [] : newestOf.keys())]);
  return chunks([...series], seriesAtOnce).flatMap((some) => {
    const chunk = new Set(some);
    const unpacked = Map.groupBy(
      unpackedSamples(connection, here, (one) => chunk.has(one)),
      (sample) => sample.series,
    );
    return some.flatMap((one) => {
      const spent = spentInHour(transitionsOf(connection, one, span), hour, newestOf.get(one));
      return planSeriesHour(connection, hour, one, spent, unpacked.get(one) ?? []) ?? [];
    });
  });
}

/** All samples of an hour at once would need memory that is then never given back. */
const seriesAtOnce = 50;

const chunks = <T>(all: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));

function planSeriesHour(
  connection: Connection,
  hour: number,
  series: number,
  spent: readonly number[],
  unpacked: readonly StoredSample[],
): SeriesHour | undefined {
  const packed = unpacked.length > 0 ? packedHour(connection, hour, series, { details: true }) : [];
  const samples = joined(packed, unpacked);
  // Where the samples are gone, or never were there (practice data), the sums are kept and added to; else all are counted again.
  const before = packed.length === 0 ? (readSums(connection, "hour", hour, series) ?? noSums) : noSums;
  const sums = { ...samples.reduce<HourSum>(counted, before), spent };
  if (samples.length === 0) return isEmpty(sums) ? undefined : { series, hour, sums };
  const lastAt = samples.at(-1)?.at ?? startOfHour(hour);
  const block = pack(samples, startOfHour(hour));
  return { series, hour, sums, packed: { block, lastAt, readings: perReading([samples], mean) } };
}

const mostHoursAtOnce = 500;

/** Hours whose transitions came after they were derived: only the time spent changes. */
export function planStaleHours(
  connection: Connection,
  stale: {
    readonly series: number;
    readonly from: number;
    readonly until: number;
    readonly newest: number | undefined;
  },
): { readonly hours: readonly SeriesHour[]; readonly next: number | undefined } {
  const { series, from, newest } = stale;
  const until = Math.min(stale.until, from + mostHoursAtOnce);
  const all = transitionsOf(connection, series, { from: startOfHour(from), to: startOfHour(until) });
  const hours: SeriesHour[] = [];
  for (let hour = from; hour < until; hour++) {
    const before = readSums(connection, "hour", hour, series);
    const sums = { ...(before ?? noSums), spent: spentInHour(relevant(all, hour), hour, newest) };
    if (before || !isEmpty(sums)) hours.push({ series, hour, sums });
  }
  return { hours, next: until < stale.until ? until : undefined };
}

/** Transitions that matter in this hour; the lists are short, the hours many. */
function relevant(all: readonly StoredTransition[], hour: number): readonly StoredTransition[] {
  const first = all.findLastIndex(({ at }) => at <= startOfHour(hour));
  const after = all.findIndex(({ at }) => at >= startOfHour(hour + 1));
  return all.slice(Math.max(0, first), after < 0 ? undefined : after);
}

export interface SeriesDay {
  readonly key: number;
  readonly sums: Sums | undefined;
  readonly readings: ValuesById;
}

/** Finished days, summed from their hours; readings from the samples while those are kept. */
export function planDays(
  connection: Connection,
  { keys }: { readonly keys: readonly number[] },
): { readonly days: readonly SeriesDay[] } {
  return { days: keys.map((key) => planDay(connection, key)) };
}

const measuresAny = statement("select 1 as yes from reading_series where series = ? limit 1");

function planDay(connection: Connection, key: number): SeriesDay {
  const [day, series] = [slotOf(key), seriesOf(key)];
  const hours = Array.from({ length: 24 }, (_, index) => readSums(connection, "hour", day * 24 + index, series));
  const there = hours.filter((sums) => sums !== undefined);
  const measures = connection.get(measuresAny, series);
  const readings = measures ? medians(connection, series, day) : [];
  return { key, sums: there.length > 0 ? added(there) : undefined, readings };
}

/** The median of each metric's readings on that day. */
export function medians(connection: Connection, series: number, day: number): ValuesById {
  const span = { from: startOfHour(day * 24), to: startOfHour((day + 1) * 24) };
  return perReading([...sampleHours(connection, [series], span, { details: false })], median);
}

export function perReading(
  hours: Iterable<readonly StoredSample[]>,
  summary: (values: readonly number[]) => number,
): ValuesById {
  const values = new Map<number, number[]>();
  for (const samples of hours) {
    for (const { readings } of samples) {
      for (const { id, value } of readings) {
        const list = values.get(id);
        if (list) list.push(value);
        else values.set(id, [value]);
      }
    }
  }
  return [...values].map(([id, list]) => [id, summary(list)]);
}

/** Divided before they are added: the sum of two huge readings may be more than a number can be. */
export const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value / values.length, 0);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [below, above] = [sorted[middle - 1] ?? 0, sorted[middle] ?? 0];
  return sorted.length % 2 === 1 ? above : below / 2 + above / 2;
}
