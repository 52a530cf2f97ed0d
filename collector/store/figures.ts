/** A sample as it is kept: milliseconds, tenths of a millisecond, codes. And its way into bytes and back. */
import { ByteReader, ByteWriter, largestSigned } from "../../core/bytes.ts";
import { type Outcome, outcomes, phaseNames } from "../../core/sample.ts";

/** One sample without words: plain data that can be sent between threads. */
export interface StoredSample {
  readonly series: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Index into `outcomes`. */
  readonly outcome: number;
  readonly figures: Figures;
  readonly reason: string | undefined;
  /** Evidence and explanation as JSON: stored-sample.ts. */
  readonly detail: string | undefined;
  readonly readings: readonly CodedReading[];
}

/** Duration, time since the last run (ms), delay of the loop, then each of `phaseNames`; tenths of a millisecond. */
export type Figures = readonly (number | undefined)[];
export const figureCount = 3 + phaseNames.length;

/** A value of one `reading_series`. */
export interface CodedReading {
  readonly code: number;
  readonly value: number;
}

export const outcomeCode = (outcome: Outcome) => outcomes.indexOf(outcome);
export const outcomeOf = (code: number) => outcomes[code] ?? "unknown";

/** The duration, a byte that says which of the others are there, then those. */
export function figureBytes(figures: Figures): Uint8Array {
  const [duration, ...others] = figures;
  const writer = new ByteWriter();
  writer.varint(duration ?? 0);
  writer.byte(others.reduce<number>((mask, value, index) => (value === undefined ? mask : mask | (1 << index)), 0));
  for (const value of others) if (value !== undefined) writer.varint(value);
  return writer.finish();
}

export function figuresFrom(bytes: Uint8Array): Figures {
  const reader = new ByteReader(bytes);
  const duration = reader.varint();
  const mask = reader.byte();
  const others = Array.from({ length: figureCount - 1 }, (_, index) =>
    mask & (1 << index) ? reader.varint() : undefined,
  );
  return [duration, ...others];
}

/** Code and kind of value in one number, then the value. */
export function readingBytes(readings: readonly CodedReading[]): Uint8Array | null {
  if (readings.length === 0) return null;
  const writer = new ByteWriter();
  for (const { code, value } of readings) {
    writer.varint(code * 2 + (isShort(value) ? 0 : 1));
    if (isShort(value)) writer.signed(value);
    else writer.double(value);
  }
  return writer.finish();
}

export function readingsFrom(bytes: Uint8Array): readonly CodedReading[] {
  const reader = new ByteReader(bytes);
  const readings: CodedReading[] = [];
  while (!reader.finished) {
    const head = reader.varint();
    readings.push({ code: Math.floor(head / 2), value: head % 2 === 0 ? reader.signed() : reader.double() });
  }
  return readings;
}

/** Whole numbers are written short; half the range, so that differences of two are short numbers too. */
export const isShort = (value: number) =>
  Number.isInteger(value) && Math.abs(value) <= largestSigned / 2 && !Object.is(value, -0);
