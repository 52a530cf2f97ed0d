/** From samples in words to samples as they are kept, and back. */
import { z } from "zod";
import { largestSigned } from "../../core/binary-encoding.ts";
import { storedText } from "../../core/language.ts";
import { type Phases, phaseNames, type Reading, type Sample } from "../../core/sample.ts";
import { type CodedReading, type Figures, outcomeCode, outcomeOf, type StoredSample } from "./sample-bytes.ts";

const Detail = z.object({
  evidence: z.string().optional(),
  explanation: storedText.optional(),
});

const evidenceLength = 2048;
const reasonLength = 500;

export function toStored(sample: Sample, series: number, readings: readonly CodedReading[]): StoredSample {
  const { phases, loopDelaySeconds, sinceLastSeconds } = sample;
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
    readings,
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
