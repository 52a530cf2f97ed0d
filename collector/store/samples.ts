/** Samples in whichever form they are kept, newest hour as rows, older ones as blocks: readers see one series. */
import { unpack } from "./block.ts";
import { blob, type Connection, maybeBlob, maybeText, numeric, type Row } from "./connection.ts";
import { figuresFrom, readingsFrom, type StoredSample } from "./figures.ts";
import { hourOf, sampleKey, seriesBits, slotKey, slotOf, startOfHour } from "./keys.ts";

const columns = `id >> ${seriesBits} as at, id & ${2 ** seriesBits - 1} as series, outcome, figures, reason, detail, readings`;

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

/** Rows not yet packed that began in [from, to), of these series or of all, oldest first. */
export function looseSamples(
  connection: Connection,
  span: { readonly from: number; readonly to: number },
  series?: readonly number[],
): readonly StoredSample[] {
  const wanted = series ? `and id & ${2 ** seriesBits - 1} in (select value from json_each(?))` : "";
  const rows = connection.each(
    `select ${columns} from sample where id >= ? and id < ? ${wanted} order by id`,
    sampleKey(span.from),
    sampleKey(span.to),
    ...(series ? [JSON.stringify(series)] : []),
  );
  return Array.from(rows, sampleFrom);
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
