/** Samples in whichever form they are kept, newest hour as rows, older ones as blocks: readers see one series. */
import { unpack } from "./block.ts";
import { blob, type Connection, maybeBlob, maybeNumeric, maybeText, numeric, type Row } from "./connection.ts";
import { figuresFrom, readingsFrom, type StoredSample } from "./figures.ts";
import { hourOf, slotKey, slotOf, startOfHour } from "./keys.ts";

const columns = "series, at, outcome, figures, reason, detail, readings";

export function sampleFrom(row: Row): StoredSample {
  const readings = maybeBlob(row, "readings");
  return {
    series: numeric(row, "series"),
    at: numeric(row, "at"),
    outcome: numeric(row, "outcome"),
    figures: figuresFrom(blob(row, "figures")),
    reason: maybeText(row, "reason"),
    detail: maybeText(row, "detail"),
    readings: readings ? readingsFrom(readings) : [],
  };
}

/** Rows not yet packed that began in [from, to), of these series or of all. There are few: an hour or two of them. */
export function looseSamples(
  connection: Connection,
  span: { readonly from: number; readonly to: number },
  series?: readonly number[],
): readonly StoredSample[] {
  const wanted = series ? "and series in (select value from json_each(?))" : "";
  const rows = connection.each(
    `select ${columns} from sample where at >= ? and at < ? ${wanted} order by id`,
    span.from,
    span.to,
    ...(series ? [JSON.stringify(series)] : []),
  );
  return Array.from(rows, sampleFrom);
}

export function looseSeries(
  connection: Connection,
  span: { readonly from: number; readonly to: number },
): readonly number[] {
  const rows = connection.all("select distinct series from sample where at >= ? and at < ?", span.from, span.to);
  return rows.map((row) => numeric(row, "series"));
}

/** One loose sample of each series, where it has one at that moment. */
export function looseSamplesAt(
  connection: Connection,
  moments: readonly (readonly [series: number, at: number])[],
): readonly StoredSample[] {
  const wanted = new Map(moments);
  const ids = new Map<number, number>();
  for (const row of connection.each("select id, series, at from sample")) {
    const series = numeric(row, "series");
    if (wanted.get(series) === numeric(row, "at")) ids.set(series, numeric(row, "id"));
  }
  return ids
    .values()
    .toArray()
    .flatMap((id) => {
      const row = connection.get(`select ${columns} from sample where id = ?`, id);
      return row ? [sampleFrom(row)] : [];
    });
}

/** The hour of the oldest sample that is not packed and began at or after the beginning of this hour. */
export function looseHour(connection: Connection, from: number): number | undefined {
  const row = connection.get("select min(at) as at from sample where at >= ?", startOfHour(from));
  const at = row && maybeNumeric(row, "at");
  return at === undefined ? undefined : hourOf(at);
}

/** The packed hour of one series; empty when there is none. */
export function packedHour(
  connection: Connection,
  hour: number,
  series: number,
  want: { readonly details: boolean },
): readonly StoredSample[] {
  const row = connection.get(
    `select body, ${want.details ? "details" : "null as details"} from block where id = ?`,
    slotKey(hour, series),
  );
  if (!row) return [];
  return unpack({ body: blob(row, "body"), details: maybeBlob(row, "details") }, series, startOfHour(hour));
}

/** One sample for each moment, in rising order of time; what came first stays. */
export function joined(...lists: readonly (readonly StoredSample[])[]): readonly StoredSample[] {
  const byTime = new Map<number, StoredSample>();
  for (const sample of lists.flat()) if (!byTime.has(sample.at)) byTime.set(sample.at, sample);
  return [...byTime.values()].sort((a, b) => a.at - b.at);
}

/** The hours that have packed samples. */
export function packedHours(connection: Connection): { readonly first: number; readonly last: number } | undefined {
  const row = connection.get("select (select min(id) from block) as first, (select max(id) from block) as last");
  if (!row || row["first"] === null) return undefined;
  return { first: slotOf(numeric(row, "first")), last: slotOf(numeric(row, "last")) };
}

/** Samples of some series that began in [from, to), oldest first, hour by hour. */
export function* sampleHours(
  connection: Connection,
  series: readonly number[],
  span: { readonly from: number; readonly to: number },
  want: { readonly details: boolean; readonly newestFirst?: boolean },
): Generator<readonly StoredSample[]> {
  const loose = Map.groupBy(looseSamples(connection, span, series), ({ at }) => hourOf(at));
  const packed = packedHours(connection);
  const hours = new Set(loose.keys());
  if (packed && span.to > span.from) {
    const last = Math.min(packed.last, hourOf(span.to - 1));
    for (let hour = Math.max(packed.first, hourOf(span.from)); hour <= last; hour++) hours.add(hour);
  }
  const ordered = [...hours].sort((a, b) => (want.newestFirst ? b - a : a - b));
  for (const hour of ordered) {
    const looseOfHour = Map.groupBy(loose.get(hour) ?? [], (sample) => sample.series);
    const found = series.flatMap((one) =>
      joined(packedHour(connection, hour, one, want), looseOfHour.get(one) ?? []).filter(
        ({ at }) => at >= span.from && at < span.to,
      ),
    );
    if (found.length > 0) yield found.sort((a, b) => (want.newestFirst ? b.at - a.at : a.at - b.at));
  }
}
