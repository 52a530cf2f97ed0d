import fc from "fast-check";
import { expect, test } from "vitest";
import { pack, unpack } from "../../../store/sqlite/packed-block.ts";
import { type StoredSample, timingCount } from "../../../store/sqlite/sample-bytes.ts";
import { hourOf, startOfHour } from "../../../store/sqlite/slot-keys.ts";
import { batchBytes, batchSamples } from "../../../store/sqlite/unpacked-batch.ts";

const start = startOfHour(hourOf(1_795_000_000_000));
const count = fc.nat({ max: 2 ** 40 });
const timings = fc
  .tuple(
    count,
    fc.array(fc.option(count, { nil: undefined }), { minLength: timingCount - 1, maxLength: timingCount - 1 }),
  )
  .map(([duration, others]) => [duration, ...others]);
const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
);
const readings = fc.uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 2 ** 20 }), value }), {
  selector: ({ id }) => id,
  maxLength: 5,
});
const samples = fc.array(
  fc.record({
    series: fc.constant(7),
    at: fc.integer({ min: start, max: start + 3_599_999 }),
    outcome: fc.nat({ max: 3 }),
    timings,
    reason: fc.option(fc.constantFrom("answered 502", "é\u{1f525}\u0000", ""), { nil: undefined }),
    detail: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
    readings,
  }),
);

const ordered = (all: readonly StoredSample[]) =>
  all.map((sample) => ({ ...sample, readings: sample.readings.toSorted((a, b) => a.id - b.id) }));

test("an hour of samples comes out of its block as it went in", () => {
  fc.assert(
    fc.property(samples, (all) => {
      const block = pack(all, start);
      const whole = unpack({ body: block.body, details: block.details ?? undefined }, 7, start);
      expect(ordered(whole)).toEqual(ordered(all));
      const bare = unpack({ body: block.body, details: undefined }, 7, start);
      expect(ordered(bare)).toEqual(ordered(all.map((sample) => ({ ...sample, detail: undefined }))));
    }),
  );
});

test("the samples of a commit come out of their batch as they went in, and those not wanted are passed over", () => {
  fc.assert(
    fc.property(samples, fc.array(fc.nat({ max: 3 })), (all, series) => {
      const mixed = all.map((sample, index) => ({ ...sample, series: series[index] ?? 7 }));
      const bytes = batchBytes(mixed, hourOf(start));
      expect([...batchSamples(bytes, hourOf(start), () => true)]).toEqual(mixed);
      const some = [...batchSamples(bytes, hourOf(start), (one) => one === 2)];
      expect(some).toEqual(mixed.filter((sample) => sample.series === 2));
    }),
  );
});

test("an hour of an ordinary check takes less than 20 bytes a sample", () => {
  const hour = Array.from({ length: 60 }, (_, index) => ({
    series: 7,
    at: start + index * 60_000 + ((index * 37) % 20),
    outcome: 0,
    timings: [
      3000 + ((index * 131) % 300),
      60_000,
      undefined,
      12,
      30 + (index % 7),
      150,
      2400 + ((index * 77) % 200),
      20,
      2900,
    ],
    reason: undefined,
    detail: undefined,
    readings: [{ id: 3, value: 1_800_000_000 }],
  }));
  expect(pack(hour, start).body.length / 60).toBeLessThan(20);
});

test("a block of an unknown form is refused", () => {
  expect(() => unpack({ body: new Uint8Array([1, 2, 3]), details: undefined }, 7, start)).toThrow();
});
