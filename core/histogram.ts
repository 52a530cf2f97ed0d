/**
 * A latency histogram that can be merged: any percentile (p95) of any hours together, exact to a bucket about 5 % wide.
 * Kept for ever, so the buckets never change. Bytes: (buckets skipped, count) as variable-length numbers; none is empty.
 */
import { ByteReader, ByteWriter } from "./binary-encoding.ts";

export type Histogram = Uint8Array;

const smallestSeconds = 0.0001;
const largestSeconds = 120;
const growth = 1.05;
const lastBucket = Math.ceil(Math.log(largestSeconds / smallestSeconds) / Math.log(growth));

export const emptyHistogram: Histogram = new Uint8Array();

/** With these durations counted too. What is shorter than 0.1 ms or longer than 120 s falls into the outermost bucket. */
export function add(histogram: Histogram, ...seconds: readonly number[]): Histogram {
  const counts = countsOf(histogram);
  for (const one of seconds) count(counts, bucketOf(one), 1);
  return bytesOf(counts);
}

export function merge(histograms: Iterable<Histogram>): Histogram {
  const counts = new Map<number, number>();
  for (const histogram of histograms) for (const [bucket, times] of countsOf(histogram)) count(counts, bucket, times);
  return bytesOf(counts);
}

/**
 * @param share 0..1; 0.95 is the duration that 95 % do not exceed.
 * @returns seconds, the middle of the bucket; undefined when nothing was counted.
 */
export function percentile(histogram: Histogram, share: number): number | undefined {
  const counts = [...countsOf(histogram)];
  const total = counts.reduce((sum, [, times]) => sum + times, 0);
  const rank = Math.min(Math.max(Math.ceil(share * total), 1), total);
  let seen = 0;
  for (const [bucket, times] of counts) {
    seen += times;
    if (seen >= rank) return middleOf(bucket);
  }
  return undefined;
}

/** How many durations were counted. */
export function countOf(histogram: Histogram): number {
  return countsOf(histogram)
    .values()
    .reduce((sum, times) => sum + times, 0);
}

/** Bucket 0 ends at 0.1 ms; each ends 5 % above the one before. */
function bucketOf(seconds: number): number {
  if (!(seconds > smallestSeconds)) return 0;
  return Math.min(lastBucket, Math.ceil(Math.log(seconds / smallestSeconds) / Math.log(growth)));
}

const middleOf = (bucket: number) => (bucket === 0 ? smallestSeconds : smallestSeconds * growth ** (bucket - 0.5));

const count = (counts: Map<number, number>, bucket: number, times: number) =>
  counts.set(bucket, (counts.get(bucket) ?? 0) + times);

/** In rising order of buckets. */
function countsOf(histogram: Histogram): Map<number, number> {
  const counts = new Map<number, number>();
  const reader = new ByteReader(histogram);
  for (let bucket = 0; !reader.finished; bucket++) {
    bucket += reader.varint();
    counts.set(bucket, reader.varint());
  }
  return counts;
}

function bytesOf(counts: ReadonlyMap<number, number>): Histogram {
  const writer = new ByteWriter();
  let next = 0;
  for (const [bucket, times] of [...counts].sort(([a], [b]) => a - b)) {
    writer.varint(bucket - next);
    writer.varint(times);
    next = bucket + 1;
  }
  return writer.finish();
}
