/** Converts a sample to its stored form, in which long evidence is cut, and back. */
import { z } from "zod";
import { largestSigned } from "../../core/binary-encoding.ts";
import { storedText } from "../../core/language.ts";
import { type Phases, phaseNames, type Reading, type Sample } from "../../core/sample.ts";
import { outcomeIndex, outcomeOf, type StoredReading, type StoredSample, type Timings } from "./sample-bytes.ts";

const Detail = z.object({
  evidence: z.string().optional(),
  explanation: storedText.optional(),
});

const evidenceLength = 2048;
const reasonLength = 500;

export function toStored(sample: Sample, series: number, readings: readonly StoredReading[]): StoredSample {
  const { phases, loopDelaySeconds, sinceLastSeconds } = sample;
  return {
    series,
    at: sample.at.epochMilliseconds,
    outcome: outcomeIndex(sample.outcome),
    timings: [
      tenths(sample.durationSeconds) ?? 0,
      whole(sinceLastSeconds, 1000),
      tenths(loopDelaySeconds),
      ...phaseNames.map((name) => tenths(phases?.[name])),
    ],
    reason: sample.reason?.slice(0, reasonLength),
    detail: detailOf(sample),
    readings,
  };
}

export function toSample(
  stored: StoredSample,
  series: Pick<Sample, "target" | "check" | "vantagePoint">,
  readingOf: (id: number) => Omit<Reading, "value"> | undefined,
): Sample {
  const [duration, since, loopDelay, ...phaseTimings] = stored.timings;
  const phases = phasesOf(phaseTimings);
  const readings = stored.readings.flatMap(({ id, value }) => {
    const named = readingOf(id);
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

const tenths = (seconds: number | undefined) => whole(seconds, 10_000);

function whole(seconds: number | undefined, perSecond: number): number | undefined {
  if (seconds === undefined || !Number.isFinite(seconds)) return undefined;
  return Math.min(Math.max(0, Math.round(seconds * perSecond)), largestSigned);
}

function phasesOf(timings: Timings): Phases | undefined {
  const present = phaseNames.flatMap((name, index) => {
    const value = timings[index];
    return value === undefined ? [] : [[name, value / 10_000] as const];
  });
  return present.length > 0 ? Object.fromEntries(present) : undefined;
}

function detailOf({ outcome, evidence, explanation }: Sample): string | undefined {
  if (outcome === "up" || (evidence === undefined && explanation === undefined)) return undefined;
  return JSON.stringify({ evidence: evidence?.slice(0, evidenceLength), explanation });
}
