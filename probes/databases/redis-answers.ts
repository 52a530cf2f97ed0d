/** Schemas for the answers of Redis, shared by the probes that read queues out of it. */
import { z } from "zod";
import { NotMeasured } from "../../core/errors.ts";
import { isQuickToParse } from "../../core/json-limits.ts";

/** A whole number, also where Redis says it as text. */
export const wholeNumber = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number),
]);

/** An empty answer means none. */
export const count = wholeNumber.nullable().transform((value) => value ?? 0);

/** TIME, as seconds since 1970. */
export const redisTime = z
  .tuple([wholeNumber, wholeNumber])
  .transform(([seconds, microseconds]) => seconds + microseconds / 1_000_000);

/** SSCAN from the start; `more` when the set did not come in one piece. */
export const scanned = z
  .tuple([z.string(), z.array(z.string())])
  .transform(([cursor, names]) => ({ names, more: cursor !== "0" }));

/** SSCAN looks at about this many places of a set, of which up to half may be empty. */
export const scannedPlaces = 1000;

/** @returns reads an answer by its schema, or says in `software`'s name that something else stands there. */
export const readerFor =
  (software: string, remedy: string) =>
  <T extends z.ZodType>(schema: T, answer: unknown): z.output<T> => {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new NotMeasured(`Redis holds something that ${software} never stores: ${remedy}`);
  };

/** Jobs have some kilobytes; one with all that a post may carry stays far below this. */
const longestJob = 4_000_000;

/** Undefined for what is no JSON, or would take long to read. */
export function parsedJson(text: string): unknown {
  if (text.length > longestJob || !isQuickToParse(Buffer.from(text))) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined for what is no number. */
export function scoreOf(text: string | undefined): number | undefined {
  const score = text === undefined || text === "" ? Number.NaN : Number(text);
  return Number.isFinite(score) ? score : undefined;
}
