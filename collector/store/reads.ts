/** Reads that may take long, from plain data to plain data: they run in a thread of their own (reader.ts). */
import { looseSamples, newestLooseHour } from "./batch.ts";
import type { Connection } from "./connection.ts";
import { numeric } from "./connection.ts";
import {
  type CodedValues,
  mean,
  median,
  medians,
  perCode,
  planDays,
  planHours,
  planLateHour,
  planStaleHours,
} from "./derive.ts";
import type { StoredSample } from "./figures.ts";
import { dayOf, hourOf, hoursIn, type Per, slotFrom, slotKey, slotOf, startOfHour, startOfSlot } from "./keys.ts";
import { packedHour, sampleHours } from "./samples.ts";
import { added, isEmpty, lastHourOf, noSums, readSums, type Sums, spentInHour, type Turn, turns } from "./sums.ts";
import type { HourSum } from "./tail.ts";

/** Epoch milliseconds, half-open. */
interface Span {
  readonly from: number;
  readonly to: number;
}

export interface RunningSeries {
  readonly series: number;
  readonly newest: number | undefined;
  /** What no row of `hour` has counted yet, by hour. */
  readonly sums: readonly (readonly [hour: number, sum: HourSum])[];
}

export interface Slot {
  readonly at: number;
  readonly sums: Sums;
}

export interface Points {
  readonly code: number;
  readonly points: readonly (readonly [at: number, value: number])[];
}

export const reads = {
  /** Newest first, at most `limit`. */
  samples(connection: Connection, { series, limit, ...span }: Span & { series: readonly number[]; limit: number }) {
    const found: StoredSample[] = [];
    for (const hour of sampleHours(connection, series, span, { details: true, newestFirst: true })) {
      found.push(...hour);
      if (found.length >= limit) break;
    }
    return found.slice(0, limit);
  },

  /** Oldest first. */
  samplesFrom(connection: Connection, { series, from }: { series: readonly number[]; from: number }) {
    return [...sampleHours(connection, series, { from, to: farFuture }, { details: true })].flat();
  },

  latestSamples(connection: Connection, { newest }: { newest: readonly (readonly [series: number, at: number])[] }) {
    const newestOf = new Map(newest);
    const moments = newest.map(([, at]) => hourOf(at));
    const hours = { from: Math.min(...moments), to: Math.max(...moments) };
    const loose = looseSamples(connection, hours, (series, at) => newestOf.get(series) === at).toArray();
    const found = new Set(loose.map(({ series }) => series));
    const packed = newest.flatMap(([series, at]) => {
      if (found.has(series)) return [];
      return packedHour(connection, hourOf(at), series, { details: true }).filter((sample) => sample.at === at);
    });
    return [...loose, ...packed];
  },

  transitions(connection: Connection, { series, ...span }: Span & { series: readonly number[] }) {
    const all = series.flatMap((one) => turns(connection, one, span).map((turn) => ({ ...turn, series: one })));
    return all.sort((a, b) => a.at - b.at);
  },

  /** Several places of one check are averaged where they overlap. */
  rollups(
    connection: Connection,
    of: Span & { running: readonly RunningSeries[]; per: Per; derivedUntil: number },
  ): readonly Slot[] {
    const slots = of.running.flatMap((series) => seriesSlots(connection, series, of));
    const bySlot = Map.groupBy(slots, ({ at }) => at);
    return [...bySlot]
      .sort(([a], [b]) => a - b)
      .map(([at, places]) => ({ at, sums: within(added(places.map(({ sums }) => sums)), startOfSlot(1, of.per)) }));
  },

  readings(
    connection: Connection,
    of: Span & { codes: readonly { code: number; series: number }[]; per: "raw" | Per; derivedUntil: number },
  ): readonly Points[] {
    if (of.per === "raw") return rawPoints(connection, of);
    const bySeries = Map.groupBy(of.codes, ({ series }) => series);
    return [...bySeries].flatMap(([series, codes]) => {
      const running = of.per === "hour" ? runningHours(connection, series, of) : runningDays(connection, series, of);
      return codes.map(({ code }) => ({
        code,
        points:
          of.per === "hour" ? hourPoints(connection, code, of, running) : dayPoints(connection, code, of, running),
      }));
    });
  },

  planHours,
  planLateHour,
  planStaleHours,
  planDays,
};

const farFuture = 8.64e15;

function seriesSlots(
  connection: Connection,
  running: RunningSeries,
  of: Span & { per: Per; derivedUntil: number },
): readonly Slot[] {
  const hour = hourReader(connection, running, of.derivedUntil);
  const last = Math.floor(Math.max(lastHourOf(running.newest), of.derivedUntil) / hoursIn[of.per]);
  const known = extent(connection, of.per);
  const first = Math.min(known?.first ?? last, Math.floor(hour.first / hoursIn[of.per]));
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
  if (isFinished(connection, day, series, of.derivedUntil)) return readSums(connection, "day", day, series);
  const hours = Array.from({ length: 24 }, (_, index) => readHour(day * 24 + index)).filter((sums) => !!sums);
  return hours.length > 0 ? added(hours) : undefined;
}

function isFinished(connection: Connection, day: number, series: number, derivedUntil: number): boolean {
  if (day >= dayOf(derivedUntil)) return false;
  return connection.get("select 1 as yes from stale_day where id = ?", slotKey(day, series)) === undefined;
}

/** Reads an hour: its row, or the transitions where there is none yet, and what was counted since. */
function hourReader(connection: Connection, { series, newest, sums }: RunningSeries, derivedUntil: number) {
  const counts = new Map(sums);
  const first = Math.min(derivedUntil, ...counts.keys());
  let recent: readonly Turn[] | undefined;
  const read = (hour: number): Sums | undefined => {
    const row = readSums(connection, "hour", hour, series);
    const count = counts.get(hour);
    if (hour < derivedUntil) return count ? added([row ?? noSums, { ...noSums, ...count }]) : row;
    recent ??= turns(connection, series, { from: startOfHour(derivedUntil), to: farFuture });
    const counted = added([row ?? noSums, { ...noSums, ...count }]);
    const running = { ...counted, spent: spentInHour(recent, hour, newest) };
    return isEmpty(running) ? undefined : running;
  };
  return { first, read };
}

/** The slots that have rows. */
function extent(connection: Connection, table: Per | "reading_hour" | "reading_day") {
  const row = connection.get(`select (select min(id) from ${table}) as first, (select max(id) from ${table}) as last`);
  if (!row || row["first"] === null) return undefined;
  return { first: slotOf(numeric(row, "first")), last: slotOf(numeric(row, "last")) };
}

/** Two places that watched the same hour do not make two hours of it. */
function within(sums: Sums, slotMilliseconds: number): Sums {
  const total = sums.spent.reduce((sum, time) => sum + time, 0);
  if (total <= slotMilliseconds) return sums;
  return { ...sums, spent: sums.spent.map((time) => (time * slotMilliseconds) / total) };
}

function rawPoints(
  connection: Connection,
  { codes, ...span }: Span & { codes: readonly { code: number; series: number }[] },
): readonly Points[] {
  const series = [...new Set(codes.map((one) => one.series))];
  const points = new Map(codes.map(({ code }): [number, [number, number][]] => [code, []]));
  for (const hour of sampleHours(connection, series, span, { details: false })) {
    for (const { at, readings } of hour) {
      for (const { code, value } of readings) points.get(code)?.push([at, value]);
    }
  }
  return [...points].map(([code, list]) => ({ code, points: list }));
}

/** Values of every metric of a series in slots that have no rows yet, or not the right ones. */
type RunningValues = readonly (readonly [slot: number, values: CodedValues])[];
type DerivedSpan = Span & { readonly derivedUntil: number };

function runningHours(connection: Connection, series: number, { from, to, derivedUntil }: DerivedSpan): RunningValues {
  const span = {
    from: Math.max(startOfHour(slotFrom(from, "hour")), startOfHour(derivedUntil)),
    to: Math.min(startOfHour(slotFrom(to, "hour")), farFuture),
  };
  return [...sampleHours(connection, [series], span, { details: false })].map((samples) => [
    hourOf(samples[0]?.at ?? 0),
    perCode([samples], mean),
  ]);
}

function runningDays(connection: Connection, series: number, { from, to, derivedUntil }: DerivedSpan): RunningValues {
  const [first, end] = [slotFrom(from, "day"), slotFrom(to, "day")];
  return openDays(connection, series, derivedUntil)
    .filter((day) => day >= first && day < end)
    .map((day) => [day, medians(connection, series, day)]);
}

function hourPoints(connection: Connection, code: number, of: DerivedSpan, running: RunningValues): Points["points"] {
  const end = Math.min(slotFrom(of.to, "hour"), of.derivedUntil);
  const rows = storedPoints(connection, "hour", code, slotFrom(of.from, "hour"), end);
  return [...rows, ...valuesOf(code, running, "hour")];
}

function dayPoints(connection: Connection, code: number, of: DerivedSpan, running: RunningValues): Points["points"] {
  const open = new Set(running.map(([day]) => startOfSlot(day, "day")));
  const rows = storedPoints(connection, "day", code, slotFrom(of.from, "day"), slotFrom(of.to, "day"));
  const known = new Map([...rows.filter(([at]) => !open.has(at)), ...valuesOf(code, running, "day")]);
  // What was never measured in samples (practice data) has its hours.
  for (const [day] of running) {
    const value = known.has(startOfSlot(day, "day")) ? undefined : medianOfHours(connection, code, day);
    if (value !== undefined) known.set(startOfSlot(day, "day"), value);
  }
  return [...known].sort(([a], [b]) => a - b);
}

function valuesOf(code: number, running: RunningValues, per: Per): Points["points"] {
  return running.flatMap(([slot, values]) =>
    values.flatMap(([one, value]) => (one === code ? [[startOfSlot(slot, per), value] as const] : [])),
  );
}

/** Days that have to be derived yet. */
function openDays(connection: Connection, series: number, derivedUntil: number): readonly number[] {
  const stale = connection
    .all("select id from stale_day where id % ? = ?", slotKey(1, 0), series)
    .map((row) => slotOf(numeric(row, "id")));
  const last = dayOf(Math.max(derivedUntil, newestLooseHour(connection) ?? derivedUntil));
  const days = new Set(stale);
  for (let day = dayOf(derivedUntil); day <= last; day++) days.add(day);
  return [...days];
}

function medianOfHours(connection: Connection, code: number, day: number): number | undefined {
  const hours = storedPoints(connection, "hour", code, day * 24, (day + 1) * 24);
  return hours.length > 0 ? median(hours.map(([, value]) => value)) : undefined;
}

function storedPoints(connection: Connection, per: Per, code: number, first: number, end: number): Points["points"] {
  const known = extent(connection, `reading_${per}`);
  if (!known) return [];
  const points: [number, number][] = [];
  for (let slot = Math.max(first, known.first); slot < Math.min(end, known.last + 1); slot++) {
    const row = connection.get(`select value from reading_${per} where id = ?`, slotKey(slot, code));
    if (row) points.push([startOfSlot(slot, per), numeric(row, "value")]);
  }
  return points;
}
