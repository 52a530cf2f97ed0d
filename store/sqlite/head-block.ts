/**
 * The head block: samples that were committed but not yet counted in a row of `hour`, summed in memory, so that the current
 * hour costs no scan of samples. It is filled from the table `batch` at the start and from every commit after; the table is
 * the truth.
 */
import { add, emptyHistogram, type Histogram } from "../../core/histogram.ts";
import type { Connection } from "./connection.ts";
import { numeric } from "./rows.ts";
import { outcomeOf, type StoredSample } from "./sample-bytes.ts";
import { hourOf, seriesOf, slotKey, slotOf } from "./slot-keys.ts";
import { statement } from "./statements.ts";
import { unpackedSamples } from "./unpacked-batch.ts";

/** Samples of one series and hour that no row of `hour` has counted. */
export interface HourSum {
  readonly runs: number;
  readonly failures: number;
  readonly latency: Histogram;
}

const noSum: HourSum = { runs: 0, failures: 0, latency: emptyHistogram };

const packedUntil = statement("select id, last_at from series where last_at is not null");

const allHours = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

export class HeadBlock {
  /** By series: epoch milliseconds of its newest sample. */
  readonly #newest = new Map<number, number>();
  /** By hour and series. */
  readonly #sums = new Map<number, HourSum>();

  constructor(connection: Connection) {
    for (const row of connection.each(packedUntil)) {
      this.#newest.set(numeric(row, "id"), numeric(row, "last_at"));
    }
    for (const sample of unpackedSamples(connection, allHours, () => true)) this.add(sample);
  }

  add(sample: StoredSample): void {
    this.#newest.set(sample.series, Math.max(sample.at, this.#newest.get(sample.series) ?? sample.at));
    const key = slotKey(hourOf(sample.at), sample.series);
    this.#sums.set(key, counted(this.#sums.get(key) ?? noSum, sample));
  }

  newest(series: number): number | undefined {
    return this.#newest.get(series);
  }

  allNewest(): readonly (readonly [series: number, at: number])[] {
    return [...this.#newest];
  }

  /** By hour. */
  sums(series: number): readonly (readonly [hour: number, sum: HourSum])[] {
    return [...this.#sums].flatMap(([key, sum]) => (seriesOf(key) === series ? [[slotOf(key), sum] as const] : []));
  }

  /** The samples of these hours went into rows of `hour`. */
  forget(from: number, end: number): void {
    for (const key of this.#sums.keys()) if (slotOf(key) >= from && slotOf(key) < end) this.#sums.delete(key);
  }
}

export function counted(sum: HourSum, { outcome, timings }: Pick<StoredSample, "outcome" | "timings">): HourSum {
  const name = outcomeOf(outcome);
  return {
    runs: sum.runs + 1,
    failures: sum.failures + (name === "down" ? 1 : 0),
    latency: name === "up" || name === "degraded" ? add(sum.latency, (timings[0] ?? 0) / 10_000) : sum.latency,
  };
}
