import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteReader, ByteWriter, largestSigned } from "../../core/binary-encoding.ts";
import { add, countOf, emptyHistogram, merge, percentile } from "../../core/histogram.ts";

const duration = fc.double({ min: 0.0001, max: 120, noNaN: true });

test("any percentile is right to 2.5 %", () => {
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
      const sorted = all.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
      const found = percentile(add(emptyHistogram, ...all), share) ?? 0;
      expect(Math.abs(found / exact - 1)).toBeLessThan(0.0251);
    }),
  );
});

test("merging hours is the same as counting all of them", () => {
  fc.assert(
    fc.property(fc.array(fc.array(duration)), (hours) => {
      const merged = merge(hours.map((hour) => add(emptyHistogram, ...hour)));
      expect(merged).toEqual(add(emptyHistogram, ...hours.flat()));
      expect(countOf(merged)).toBe(hours.flat().length);
    }),
  );
});

test("an empty one has no percentile", () => {
  expect(percentile(emptyHistogram, 0.5)).toBeUndefined();
  expect(percentile(merge([]), 0.5)).toBeUndefined();
  expect(countOf(emptyHistogram)).toBe(0);
});

test("what is outside the range falls into the outermost buckets", () => {
  const odd = add(emptyHistogram, 0, -1, Number.NaN, 1e-9, 3600, Number.POSITIVE_INFINITY);
  expect(countOf(odd)).toBe(6);
  expect(percentile(odd, 0.5)).toBe(0.0001);
  expect(percentile(odd, 1)).toBeGreaterThan(115);
});

test("an hour of similar durations takes few bytes", () => {
  const hour = add(emptyHistogram, ...Array.from({ length: 3600 }, (_, index) => 0.2 + (index % 100) / 1000));
  expect(hour.length).toBeLessThan(40);
});

test("numbers and texts survive their bytes", () => {
  const whole = fc.integer({ min: -largestSigned, max: largestSigned });
  fc.assert(
    fc.property(fc.array(whole), fc.double(), fc.string({ unit: "grapheme" }), (numbers, double, text) => {
      const writer = new ByteWriter();
      for (const number of numbers) writer.signed(number);
      writer.double(double);
      writer.text(text);
      const reader = new ByteReader(writer.finish());
      for (const number of numbers) expect(reader.signed()).toBe(number === 0 ? 0 : number);
      expect(reader.double()).toBe(double);
      expect(reader.text()).toBe(text);
      expect(reader.finished).toBe(true);
    }),
  );
});

test("bytes that end too early are an error, not a guess", () => {
  expect(() => new ByteReader(new Uint8Array([128])).varint()).toThrow("end too early");
  expect(() => new ByteReader(new Uint8Array([200, 1, 65])).text()).toThrow("end too early");
  expect(() => new ByteWriter().varint(-1)).toThrow(RangeError);
  expect(() => new ByteWriter().varint(1.5)).toThrow(RangeError);
});
