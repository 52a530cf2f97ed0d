/** What Sidekiq 6 to 8 keep in Redis, read in two bounded round trips: queues, sets, totals and live processes. */
import { z } from "zod";
import { CannotLook } from "./cannot-look.ts";
import { type RedisCommand, type RedisReader, wholeNumber } from "./redis.ts";

export interface SidekiqState {
  /** Seconds since 1970 by the clock of Redis. */
  readonly at: number;
  /** Sorted by name. */
  readonly queues: readonly SidekiqQueue[];
  /** More queues than we look at. */
  readonly queuesLeftOut: boolean;
  readonly scheduled: number;
  readonly retry: number;
  readonly dead: number;
  readonly processed: number;
  readonly failed: number;
  /** Only those with a heartbeat; Redis forgets one after a minute. */
  readonly processes: readonly SidekiqProcess[];
}

interface SidekiqQueue {
  readonly name: string;
  readonly jobs: number;
  /** As Sidekiq defines it: age of the oldest job, 0 when empty. Undefined when that job tells no time. */
  readonly latencySeconds: number | undefined;
}

interface SidekiqProcess {
  readonly busy: number;
  /** Told to take no further job: it is about to be stopped. */
  readonly quiet: boolean;
  readonly queues: readonly string[];
}

/** Enough for any Sidekiq we know; a wrong database with sets of millions costs no more than this. */
const mostQueues = 100;
const mostProcesses = 500;
/** SSCAN looks at about this many places of a set, of which up to half may be empty. */
const scanned = 1000;

/**
 * @param options.expected queues that are reported even when Redis has never heard of them.
 * @param options.namespace prefix of all keys (Mastodon up to 4.3), without the colon.
 */
export async function readSidekiq(
  redis: RedisReader,
  options: { readonly namespace?: string | undefined; readonly expected?: readonly string[] } = {},
): Promise<SidekiqState> {
  const key = (name: string) => (options.namespace ? `${options.namespace}:${name}` : name);
  const [queueScan, processScan] = understood(
    z.tuple([Scan, Scan]),
    await redis.ask([
      // Small sets come in one piece; SMEMBERS of a set that is none of Sidekiq's could be anything.
      ["sscan", key("queues"), 0, "COUNT", scanned],
      ["sscan", key("processes"), 0, "COUNT", scanned],
    ]),
  );
  if (queueScan.names.length === 0 && processScan.names.length === 0) {
    throw new CannotLook("there is no Sidekiq in this Redis: check the database number and the namespace");
  }
  const expected = options.expected ?? [];
  const names = [...new Set([...expected, ...queueScan.names.toSorted()])].slice(0, expected.length + mostQueues);
  const identities = processScan.names.slice(0, mostProcesses);
  const answers = await redis.ask([
    ["time"],
    ["zcard", key("schedule")],
    ["zcard", key("retry")],
    ["zcard", key("dead")],
    ["get", key("stat:processed")],
    ["get", key("stat:failed")],
    ...names.flatMap((name): RedisCommand[] => [
      ["llen", key(`queue:${name}`)],
      ["lindex", key(`queue:${name}`), -1],
    ]),
    ...identities.map((identity): RedisCommand => ["hmget", key(identity), "beat", "busy", "quiet", "info"]),
  ]);
  const [at, scheduled, retry, dead, processed, failed] = understood(Totals, answers.slice(0, 6));
  const perQueue = answers.slice(6, 6 + 2 * names.length);
  return {
    at,
    queues: names
      .map((name, index) => queueOf(name, perQueue[2 * index], perQueue[2 * index + 1], at))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    queuesLeftOut: queueScan.more || queueScan.names.length > mostQueues,
    scheduled,
    retry,
    dead,
    processed,
    failed,
    processes: answers.slice(6 + 2 * names.length).flatMap((hash) => processOf(hash)),
  };
}

const Scan = z
  .tuple([z.string(), z.array(z.string())])
  .transform(([cursor, names]) => ({ names, more: cursor !== "0" }));

const count = wholeNumber.nullable().transform((value) => value ?? 0);
const Time = z
  .tuple([wholeNumber, wholeNumber])
  .transform(([seconds, microseconds]) => seconds + microseconds / 1_000_000);
const Totals = z.tuple([Time, count, count, count, count, count]);

function queueOf(name: string, length: unknown, oldest: unknown, now: number): SidekiqQueue {
  const jobs = understood(count, length);
  const job = understood(z.string().nullable(), oldest);
  if (job === null) return { name, jobs, latencySeconds: 0 };
  const since = enqueuedAt(job);
  // A clock of the web server that is ahead of Redis' makes jobs from the future: they are new, no more.
  return { name, jobs, latencySeconds: since === undefined ? undefined : Math.max(0, now - since) };
}

const Moment = z.number().positive();
const Job = z.object({ enqueued_at: Moment.nullish(), created_at: Moment.nullish() });

/** Seconds since 1970 at which this job joined its queue. */
export function enqueuedAt(job: string): number | undefined {
  const parsed = Job.safeParse(json(job));
  const moment = parsed.data?.enqueued_at ?? parsed.data?.created_at;
  if (moment === null || moment === undefined) return undefined;
  // Sidekiq 8 counts milliseconds, those before it seconds; the two are a thousand years apart.
  return moment >= 1e11 ? moment / 1000 : moment;
}

const ProcessHash = z.tuple([z.string().nullable(), count, z.string().nullable(), z.string().nullable()]);
const ProcessInfo = z.object({
  queues: z.array(z.string()).optional(),
  capsules: z.record(z.string(), z.object({ weights: z.record(z.string(), z.unknown()).optional() })).optional(),
});

function processOf(hash: unknown): readonly SidekiqProcess[] {
  const [beat, busy, quiet, info] = understood(ProcessHash, hash);
  // Killed, and not yet cleared away by the next one that starts.
  if (beat === null) return [];
  const { queues, capsules } = ProcessInfo.safeParse(json(info ?? "")).data ?? {};
  const served = queues ?? Object.values(capsules ?? {}).flatMap(({ weights }) => Object.keys(weights ?? {}));
  return [{ busy, quiet: quiet === "true", queues: [...new Set(served)] }];
}

function understood<T extends z.ZodType>(schema: T, answer: unknown): z.output<T> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new CannotLook("Redis holds something that Sidekiq never stores: check the database number and the namespace");
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
