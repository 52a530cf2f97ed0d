/** A sample as it is kept: milliseconds, tenths of a millisecond, codes. And its way into bytes and back. */
import { z } from "zod";
import { ByteReader, ByteWriter, largestSigned } from "../../core/bytes.ts";
import { languages } from "../../core/language.ts";
import { outcomes, type Phases, phaseNames, type Reading, type Sample } from "../../core/sample.ts";

/** One sample without words: plain data that can be sent between threads. */
export interface StoredSample {
  readonly series: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Index into `outcomes`. */
  readonly outcome: number;
  readonly figures: Figures;
  readonly reason: string | undefined;
  /** JSON of `Detail`. */
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

const Detail = z.object({
  evidence: z.string().optional(),
  explanation: z.record(z.enum(languages), z.string()).optional(),
});

const evidenceLength = 2048;
const reasonLength = 500;

export const outcomeCode = (outcome: Sample["outcome"]) => outcomes.indexOf(outcome);
export const outcomeOf = (code: number) => outcomes[code] ?? "unknown";

export function toStored(sample: Sample, series: number, codeOf: (reading: Reading) => number): StoredSample {
  const { phases, loopDelaySeconds, sinceLastSeconds } = sample;
  const readings = new Map<number, number>();
  for (const reading of sample.readings ?? []) {
    if (Number.isFinite(reading.value)) readings.set(codeOf(reading), reading.value);
  }
  return {
    series,
    at: sample.at.epochMilliseconds,
    outcome: outcomeCode(sample.outcome),
    figures: [
      tenths(sample.durationSeconds) ?? 0,
      whole(sinceLastSeconds, 1000),
      tenths(loopDelaySeconds),
      ...phaseNames.map((name) => tenths(phases?.[name])),
    ],
    reason: sample.reason?.slice(0, reasonLength),
    detail: detailOf(sample),
    readings: [...readings].map(([code, value]) => ({ code, value })),
  };
}

export function toSample(
  stored: StoredSample,
  series: Pick<Sample, "target" | "check" | "vantagePoint">,
  readingOf: (code: number) => Omit<Reading, "value"> | undefined,
): Sample {
  const [duration, since, loopDelay, ...phaseFigures] = stored.figures;
  const phases = phasesOf(phaseFigures);
  const readings = stored.readings.flatMap(({ code, value }) => {
    const named = readingOf(code);
    return named ? [{ ...named, value }] : [];
  });
  const { evidence, explanation } = stored.detail ? Detail.parse(JSON.parse(stored.detail)) : {};
  return {
    target: series.target,
    check: series.check,
    vantagePoint: series.vantagePoint,
    at: Temporal.Instant.fromEpochMilliseconds(stored.at),
    outcome: outcomeOf(stored.outcome),
    durationSeconds: (duration ?? 0) / 10_000,
    ...(since !== undefined && { sinceLastSeconds: since / 1000 }),
    ...(loopDelay !== undefined && { loopDelaySeconds: loopDelay / 10_000 }),
    ...(phases && { phases }),
    ...(stored.reason !== undefined && { reason: stored.reason }),
    ...(explanation && { explanation }),
    ...(evidence !== undefined && { evidence }),
    ...(readings.length > 0 && { readings }),
  };
}

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

const tenths = (seconds: number | undefined) => whole(seconds, 10_000);

function whole(seconds: number | undefined, perSecond: number): number | undefined {
  if (seconds === undefined || !Number.isFinite(seconds)) return undefined;
  return Math.min(Math.max(0, Math.round(seconds * perSecond)), largestSigned);
}

function phasesOf(figures: Figures): Phases | undefined {
  const present = phaseNames.flatMap((name, index) => {
    const value = figures[index];
    return value === undefined ? [] : [[name, value / 10_000] as const];
  });
  return present.length > 0 ? Object.fromEntries(present) : undefined;
}

function detailOf({ outcome, evidence, explanation }: Sample): string | undefined {
  if (outcome === "up" || (evidence === undefined && explanation === undefined)) return undefined;
  return JSON.stringify({ evidence: evidence?.slice(0, evidenceLength), explanation });
}
