/** A sample as it is kept: milliseconds, tenths of a millisecond, codes. And its way into bytes and back. */
import { type ByteReader, type ByteWriter, largestSigned } from "../../core/binary-encoding.ts";
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
export function writeFigures(writer: ByteWriter, [duration, ...others]: Figures): void {
  writer.varint(duration ?? 0);
  writer.byte(others.reduce<number>((mask, value, index) => (value === undefined ? mask : mask | (1 << index)), 0));
  for (const value of others) if (value !== undefined) writer.varint(value);
}

export function readFigures(reader: ByteReader): Figures {
  const figures: (number | undefined)[] = [reader.varint()];
  const mask = reader.byte();
  for (let bit = 1; bit < 1 << (figureCount - 1); bit *= 2) figures.push(mask & bit ? reader.varint() : undefined);
  return figures;
}

export function skipFigures(reader: ByteReader): void {
  reader.skipVarint();
  for (let mask = reader.byte(); mask > 0; mask &= mask - 1) reader.skipVarint();
}

/** How many; then code and kind of value in one number, and the value. */
export function writeReadings(writer: ByteWriter, readings: readonly CodedReading[]): void {
  writer.varint(readings.length);
  for (const { code, value } of readings) {
    writer.varint(code * 2 + (isShort(value) ? 0 : 1));
    if (isShort(value)) writer.signed(value);
    else writer.double(value);
  }
}

export function readReadings(reader: ByteReader): readonly CodedReading[] {
  const readings: CodedReading[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const head = reader.varint();
    readings.push({ code: Math.floor(head / 2), value: head % 2 === 0 ? reader.signed() : reader.double() });
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
