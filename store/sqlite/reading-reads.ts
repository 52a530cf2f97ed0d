/** Reads readings, the values that a probe measured besides the outcome: raw, or one value for each hour or day. */

import type { Connection } from "./connection.ts";
import { mean, medians, perReading, type ValuesById } from "./rollup-plan.ts";
import { numeric } from "./rows.ts";
import { sampleHours } from "./sample-reads.ts";
import {
  dayOf,
  farFuture,
  hourOf,
  type Per,
  type Span,
  slotFrom,
  slotKey,
  slotOf,
  startOfHour,
  startOfSlot,
} from "./slot-keys.ts";
import { statement } from "./statements.ts";
import { newestUnpackedHour } from "./unpacked-batch.ts";

const staleDaysOf = statement("select id from stale_day where id % ? = ?");
const ofTable = (table: "reading_hour" | "reading_day") => ({
  value: statement(`select value from ${table} where id = ?`),
  extent: statement(`select (select min(id) from ${table}) as first, (select max(id) from ${table}) as last`),
});
const stored = { hour: ofTable("reading_hour"), day: ofTable("reading_day") };

type ReadingIds = readonly { readonly id: number; readonly series: number }[];

export interface Points {
  readonly id: number;
  readonly points: readonly (readonly [at: number, value: number])[];
}

export function readings(
  connection: Connection,
  of: DerivedSpan & { readonly ids: ReadingIds; readonly per: "raw" | Per },
): readonly Points[] {
  if (of.per === "raw") return rawPoints(connection, of);
  const bySeries = Map.groupBy(of.ids, ({ series }) => series);
  return [...bySeries].flatMap(([series, ids]) => {
    const running = of.per === "hour" ? runningHours(connection, series, of) : runningDays(connection, series, of);
    const pointsOf = of.per === "hour" ? hourPoints : dayPoints;
    return ids.map(({ id }) => ({ id, points: pointsOf(connection, id, of, running) }));
  });
}

function rawPoints(connection: Connection, { ids, ...span }: Span & { readonly ids: ReadingIds }): readonly Points[] {
  const series = [...new Set(ids.map((one) => one.series))];
  const points = new Map(ids.map(({ id }): [number, [number, number][]] => [id, []]));
  for (const hour of sampleHours(connection, series, span, { details: false })) {
    for (const { at, readings } of hour) {
      for (const { id, value } of readings) points.get(id)?.push([at, value]);
    }
  }
  return [...points].map(([id, list]) => ({ id, points: list }));
}

/** Values of every metric of a series in slots whose rows are missing or stale. */
type RunningValues = readonly (readonly [slot: number, values: ValuesById])[];
type DerivedSpan = Span & { readonly derivedUntil: number };

function runningHours(connection: Connection, series: number, { from, to, derivedUntil }: DerivedSpan): RunningValues {
  const span = {
    from: Math.max(startOfHour(slotFrom(from, "hour")), startOfHour(derivedUntil)),
    to: Math.min(startOfHour(slotFrom(to, "hour")), farFuture),
  };
  return [...sampleHours(connection, [series], span, { details: false })].map((samples) => [
    hourOf(samples[0]?.at ?? 0),
    perReading([samples], mean),
  ]);
}

function runningDays(connection: Connection, series: number, { from, to, derivedUntil }: DerivedSpan): RunningValues {
  const [first, end] = [slotFrom(from, "day"), slotFrom(to, "day")];
  return openDays(connection, series, derivedUntil)
    .filter((day) => day >= first && day < end)
    .map((day) => [day, medians(connection, series, day)]);
}

function hourPoints(connection: Connection, id: number, of: DerivedSpan, running: RunningValues): Points["points"] {
  const end = Math.min(slotFrom(of.to, "hour"), of.derivedUntil);
  const rows = storedPoints(connection, "hour", id, slotFrom(of.from, "hour"), end);
  return [...rows, ...valuesOf(id, running, "hour")];
}

function dayPoints(connection: Connection, id: number, of: DerivedSpan, running: RunningValues): Points["points"] {
  const open = new Set(running.map(([day]) => startOfSlot(day, "day")));
  const rows = storedPoints(connection, "day", id, slotFrom(of.from, "day"), slotFrom(of.to, "day"));
  const known = new Map([...rows.filter(([at]) => !open.has(at)), ...valuesOf(id, running, "day")]);
  return [...known].sort(([a], [b]) => a - b);
}

function valuesOf(id: number, running: RunningValues, per: Per): Points["points"] {
  return running.flatMap(([slot, values]) =>
    values.flatMap(([one, value]) => (one === id ? [[startOfSlot(slot, per), value] as const] : [])),
  );
}

/** Days that are not derived yet, or are stale. */
function openDays(connection: Connection, series: number, derivedUntil: number): readonly number[] {
  const stale = connection.all(staleDaysOf, slotKey(1, 0), series).map((row) => slotOf(numeric(row, "id")));
  const last = dayOf(Math.max(derivedUntil, newestUnpackedHour(connection) ?? derivedUntil));
  const days = new Set(stale);
  for (let day = dayOf(derivedUntil); day <= last; day++) days.add(day);
  return [...days];
}

function storedPoints(connection: Connection, per: Per, id: number, first: number, end: number): Points["points"] {
  const known = extent(connection, per);
  if (!known) return [];
  const points: [number, number][] = [];
  for (let slot = Math.max(first, known.first); slot < Math.min(end, known.last + 1); slot++) {
    const row = connection.get(stored[per].value, slotKey(slot, id));
    if (row) points.push([startOfSlot(slot, per), numeric(row, "value")]);
  }
  return points;
}

/** The slots that have rows. */
function extent(connection: Connection, per: Per) {
  const row = connection.get(stored[per].extent);
  if (!row || row["first"] === null) return undefined;
  return { first: slotOf(numeric(row, "first")), last: slotOf(numeric(row, "last")) };
}
