/** The messages between the main thread and the probing thread, as schemas of plain data. */
import { z } from "zod";
import { Confirmation } from "../../core/confirmation.ts";
import { ReceivedHeartbeat } from "../../core/heartbeat.ts";
import type { Sample } from "../../core/sample.ts";

/** The configuration as it was read; the probing thread parses the same text again. */
const start = z.object({
  text: z.string(),
  /** As it is named in messages. */
  file: z.string(),
  /** Where relative paths in it start. */
  folder: z.string().exactOptional(),
  /** Of this program, for the User-Agent. */
  version: z.string(),
});
export type ProbingStart = z.output<typeof start>;

const key = z.templateLiteral([z.string(), "/", z.string()]);
const confirmations = z.array(z.tuple([key, Confirmation]));

/** What is known of the jobs that call us. */
const received = z.array(z.tuple([key, ReceivedHeartbeat]));

export const workerData = z.object({ start, confirmations, received });
export const toWorker = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("configure"), start }),
  z.object({ kind: z.literal("heard"), key, heartbeat: ReceivedHeartbeat }),
  z.object({ kind: z.literal("stop") }),
]);
export type ToWorker = z.input<typeof toWorker>;

export type PlainSample = Omit<Sample, "at"> & {
  /** Epoch milliseconds. */
  readonly at: number;
};

/** Looking at every field of every sample would be a tenth of what a check costs here; it comes from our own schedule. */
const ownWork = <T>() => z.custom<T>((value) => typeof value === "object" && value !== null);

export const fromWorker = z.discriminatedUnion("kind", [
  /** The configuration is in use. */
  z.object({ kind: z.literal("ready") }),
  /** It cannot be used; the one before stays. */
  z.object({ kind: z.literal("refused"), message: z.string() }),
  z.object({
    kind: z.literal("ran"),
    sample: ownWork<PlainSample>(),
    confirmation: ownWork<Confirmation>(),
    /** How late the last run began. */
    lagSeconds: z.number(),
  }),
  z.object({ kind: z.literal("moved") }),
  /** Whether we reach anybody at all: said when it changes. */
  z.object({ kind: z.literal("connectivity"), online: z.boolean() }),
  z.object({
    kind: z.literal("log"),
    level: z.enum(["info", "warn", "error"]),
    message: z.string(),
    fields: z.record(z.string(), z.unknown()),
  }),
]);
export type FromWorker = z.output<typeof fromWorker>;

export const asPlain = (from: Sample): PlainSample => ({ ...from, at: from.at.epochMilliseconds });
export const asSample = (plain: PlainSample): Sample => ({
  ...plain,
  at: Temporal.Instant.fromEpochMilliseconds(plain.at),
});
