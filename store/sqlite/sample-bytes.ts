/** The stored form of a sample, with numbers in place of words, and how it is encoded as bytes and decoded. */
import { type ByteReader, type ByteWriter, largestSigned } from "../../core/binary-encoding.ts";
import { type Outcome, outcomes, phaseNames } from "../../core/sample.ts";

/** One sample without words: plain data that can be sent between threads. */
export interface StoredSample {
  readonly series: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Index into `outcomes`. */
  readonly outcome: number;
  readonly timings: Timings;
  readonly reason: string | undefined;
  /** Evidence and explanation as JSON: stored-sample.ts. */
  readonly detail: string | undefined;
  readonly readings: readonly StoredReading[];
}

/** Duration, time since the last run (ms), delay of the loop, then each of `phaseNames`; tenths of a millisecond. */
export type Timings = readonly (number | undefined)[];
export const timingCount = 3 + phaseNames.length;

/** A value of one `reading_series`. */
export interface StoredReading {
  readonly id: number;
  readonly value: number;
}

export const outcomeIndex = (outcome: Outcome) => outcomes.indexOf(outcome);
export const outcomeOf = (index: number) => outcomes[index] ?? "unknown";

/** The duration, a byte that says which of the others are there, then those. */
export function writeTimings(writer: ByteWriter, [duration, ...others]: Timings): void {
  writer.varint(duration ?? 0);
  writer.byte(others.reduce<number>((mask, value, index) => (value === undefined ? mask : mask | (1 << index)), 0));
  for (const value of others) if (value !== undefined) writer.varint(value);
}

export function readTimings(reader: ByteReader): Timings {
  const timings: (number | undefined)[] = [reader.varint()];
  const mask = reader.byte();
  for (let bit = 1; bit < 1 << (timingCount - 1); bit *= 2) timings.push(mask & bit ? reader.varint() : undefined);
  return timings;
}

export function skipTimings(reader: ByteReader): void {
  reader.skipVarint();
  for (let mask = reader.byte(); mask > 0; mask &= mask - 1) reader.skipVarint();
}

/** How many; then id and kind of value in one number, and the value. */
export function writeReadings(writer: ByteWriter, readings: readonly StoredReading[]): void {
  writer.varint(readings.length);
  for (const { id, value } of readings) {
    writer.varint(id * 2 + (isShort(value) ? 0 : 1));
    if (isShort(value)) writer.signed(value);
    else writer.double(value);
  }
}

export function readReadings(reader: ByteReader): readonly StoredReading[] {
  const readings: StoredReading[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const head = reader.varint();
    readings.push({ id: Math.floor(head / 2), value: head % 2 === 0 ? reader.signed() : reader.double() });
  }
  return readings;
}

export function skipReadings(reader: ByteReader): void {
  for (let left = reader.varint(); left > 0; left--) {
    if (reader.varint() % 2 === 0) reader.skipVarint();
    else reader.bytes(8);
  }
}

/** Whole numbers are written short; half the range, so that differences of two are short numbers too. */
export const isShort = (value: number) =>
  Number.isInteger(value) && Math.abs(value) <= largestSigned / 2 && !Object.is(value, -0);
