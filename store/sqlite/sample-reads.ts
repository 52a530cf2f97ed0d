/** Reads samples hour by hour, new ones from unpacked batches and older ones from packed blocks, as one series. */

import type { Connection } from "./connection.ts";
import { unpack } from "./packed-block.ts";
import { blob, maybeBlob, numeric } from "./rows.ts";
import type { StoredSample } from "./sample-bytes.ts";
import { hourOf, slotKey, slotOf, startOfHour } from "./slot-keys.ts";
import { statement } from "./statements.ts";
import { unpackedSamples } from "./unpacked-batch.ts";

const bodyOf = statement("select body, null as details from block where id = ?");
const bodyAndDetailsOf = statement("select body, details from block where id = ?");
const extent = statement("select (select min(id) from block) as first, (select max(id) from block) as last");

/** The packed hour of one series; empty when there is none. */
export function packedHour(
  connection: Connection,
  hour: number,
  series: number,
  want: { readonly details: boolean },
): readonly StoredSample[] {
  const row = connection.get(want.details ? bodyAndDetailsOf : bodyOf, slotKey(hour, series));
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
function packedHours(connection: Connection): { readonly first: number; readonly last: number } | undefined {
  const row = connection.get(extent);
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
  const ours = new Set(series);
  const inSpan = (at: number) => at >= span.from && at < span.to;
  const hoursOfSpan = { from: hourOf(span.from), to: hourOf(span.to - 1) };
  const found = unpackedSamples(connection, hoursOfSpan, (one, at) => ours.has(one) && inSpan(at));
  const unpacked = Map.groupBy(found, ({ at }) => hourOf(at));
  const packed = packedHours(connection);
  const hours = new Set(unpacked.keys());
  if (packed && span.to > span.from) {
    const last = Math.min(packed.last, hourOf(span.to - 1));
    for (let hour = Math.max(packed.first, hourOf(span.from)); hour <= last; hour++) hours.add(hour);
  }
  const ordered = [...hours].sort((a, b) => (want.newestFirst ? b - a : a - b));
  for (const hour of ordered) {
    const unpackedOfHour = Map.groupBy(unpacked.get(hour) ?? [], (sample) => sample.series);
    const all = series.flatMap((one) =>
      joined(packedHour(connection, hour, one, want), unpackedOfHour.get(one) ?? []).filter(({ at }) => inSpan(at)),
    );
    if (all.length > 0) yield all.sort((a, b) => (want.newestFirst ? b.at - a.at : a.at - b.at));
  }
}
