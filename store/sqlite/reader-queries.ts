/** The list of queries that may take long, which run in a thread of their own (reader.ts): plain data in, plain data out. */

import type { Connection } from "./connection.ts";
import { damageIn } from "./damage.ts";
import { readings } from "./reading-reads.ts";
import { planDays, planHours, planLateHour, planStaleHours } from "./rollup-plan.ts";
import { rollups } from "./rollup-reads.ts";
import type { StoredSample } from "./sample-bytes.ts";
import { packedHour, sampleHours } from "./sample-reads.ts";
import { farFuture, hourOf, type Span } from "./slot-keys.ts";
import { transitionsBetween, transitionsOf } from "./transitions.ts";
import { unpackedSamples } from "./unpacked-batch.ts";

export const queries = {
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
    const unpacked = unpackedSamples(connection, hours, (series, at) => newestOf.get(series) === at).toArray();
    const found = new Set(unpacked.map(({ series }) => series));
    const packed = newest.flatMap(([series, at]) => {
      if (found.has(series)) return [];
      return packedHour(connection, hourOf(at), series, { details: true }).filter((sample) => sample.at === at);
    });
    return [...unpacked, ...packed];
  },

  /** Oldest first. @param after of each series in turn: only those after this moment; NaN where there is none. */
  transitions(
    connection: Connection,
    { series, after, ...span }: Span & { series: readonly number[]; after: Float64Array },
  ) {
    const all = series.flatMap((one, index) => {
      const known = after[index] ?? Number.NaN;
      const found = Number.isNaN(known)
        ? transitionsOf(connection, one, span)
        : transitionsBetween(connection, one, { from: known, to: span.to });
      return found.map((transition) => ({ ...transition, series: one }));
    });
    return all.sort((a, b) => a.at - b.at);
  },

  /** What of the file is damaged. */
  damage: (connection: Connection, _whole: object) => damageIn(connection),

  rollups,
  readings,
  planHours,
  planLateHour,
  planStaleHours,
  planDays,
};
