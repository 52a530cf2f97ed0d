/**
 * Reads Sidekiq 6 to 8 from Redis: queues with their latency, sets of jobs, totals and live processes, in a few
 * bounded round trips.
 */
import { z } from "zod";
import { NotMeasured } from "../../core/errors.ts";
import {
  count,
  parsedJson,
  readerFor,
  redisTime,
  scanned,
  scannedPlaces,
  scoreOf,
  wholeNumber,
} from "../databases/redis-answers.ts";
import type { RedisCommand, RedisReader } from "../databases/redis-client.ts";
import type { WaitingQueue } from "./latency-limits.ts";
import { latencyOf } from "./sidekiq-latency.ts";
import { type FailingJobs, failingJobs, lastFailing, readFailing } from "./sidekiq-retries.ts";
import { rubyTime } from "./sidekiq-timestamps.ts";

export interface SidekiqState {
  /** Seconds since 1970 by the clock of Redis. */
  readonly at: number;
  /** Sorted by name. */
  readonly queues: readonly WaitingQueue[];
  /** More queues than we look at. */
  readonly queuesLeftOut: boolean;
  readonly scheduled: DueSet;
  readonly retry: DueSet & FailingJobs;
  readonly dead: DeadSet;
  readonly processed: number;
  readonly failed: number;
  /** Only those with a heartbeat; Redis forgets one after a minute. */
  readonly processes: readonly SidekiqProcess[];
  /** Redis holds nothing of Sidekiq any more, although it did: it lost its data. */
  readonly lost: boolean;
  /** Since the last run of the cron jobs that run every few minutes; undefined where none ever ran. */
  readonly cronAgeSeconds: number | undefined;
}

/** Jobs that wait for a moment in time. */
interface DueSet {
  readonly jobs: number;
  /** Those that should have been taken up a minute ago or earlier. Sidekiq looks every few seconds. */
  readonly overdueJobs: number;
  /** How late the first of them is; 0 when nothing is due. */
  readonly overdueSeconds: number;
}

interface DeadSet {
  readonly jobs: number;
  /** Within the last hour. */
  readonly recentJobs: number;
  /** Since `diedAfter`; undefined without it. */
  readonly sinceLastLook: number | undefined;
  /** When the newest died, exactly as Redis says it. */
  readonly newest: string | undefined;
}

export interface SidekiqProcess {
  readonly busy: number;
  /** How many jobs it can do at once; undefined when it does not tell. */
  readonly concurrency: number | undefined;
  /** Told to take no further job: it is about to be stopped. */
  readonly quiet: boolean;
  readonly queues: readonly string[];
}

/** Enough for any Sidekiq we know; a wrong database with sets of millions costs no more than this. */
const mostQueues = 100;
const mostProcesses = 500;
const overdueAfterSeconds = 60;
const hour = 3600;

/** Mastodon's cron jobs that run every one to five minutes: the newest of them tells whether its cron is alive. */
const frequentCronJobs = [
  "scheduled_statuses_scheduler",
  "trends_refresh_scheduler",
  "indexing_scheduler",
  "accounts_statuses_cleanup_scheduler",
  "suspended_user_cleanup_scheduler",
];

export interface SidekiqQuestion {
  /** Prefix of all keys (Mastodon up to 4.3), without the colon. */
  readonly namespace?: string | undefined;
  /** Queues that are reported even when Redis has never heard of them. */
  readonly expected?: readonly string[];
  /** A score of the dead set: how many died after it? */
  readonly diedAfter?: string | undefined;
  /** The queues that were here when we looked before; undefined when we never did. */
  readonly remembered?: readonly string[] | undefined;
}

export async function readSidekiq(redis: RedisReader, question: SidekiqQuestion = {}): Promise<SidekiqState> {
  const { namespace, expected = [], diedAfter, remembered } = question;
  const key = (name: string) => (namespace ? `${namespace}:${name}` : name);
  const [now, queueScan, processScan] = understood(
    z.tuple([redisTime, scanned, scanned]),
    await redis.ask([
      ["time"],
      // Small sets come in one piece; SMEMBERS of a set that is none of Sidekiq's could be anything.
      ["sscan", key("queues"), 0, "COUNT", scannedPlaces],
      ["sscan", key("processes"), 0, "COUNT", scannedPlaces],
    ]),
  );
  const lost = queueScan.names.length === 0 && processScan.names.length === 0;
  if (lost && !remembered) {
    throw new NotMeasured("there is no Sidekiq in this Redis: check the database number and the namespace");
  }
  const found = lost ? (remembered ?? []) : queueScan.names.toSorted();
  const names = [...new Set([...expected, ...found])].slice(0, expected.length + mostQueues);
  const identities = processScan.names.slice(0, mostProcesses);
  const questions = fixedQuestions(key, now, diedAfter);
  const fixed = Object.keys(questions);
  const answers = await redis.ask([
    ...Object.values(questions),
    ...names.flatMap((name): RedisCommand[] => [
      ["llen", key(`queue:${name}`)],
      ["lindex", key(`queue:${name}`), -1],
    ]),
    ...identities.map(
      (identity): RedisCommand => ["hmget", key(identity), "beat", "busy", "quiet", "info", "concurrency"],
    ),
  ]);
  const totals = understood(Totals, Object.fromEntries(fixed.map((name, index) => [name, answers[index]])));
  const failing = await readFailing(redis, key("retry"), { jobs: totals.retry, last: totals.retryLast });
  const perQueue = answers.slice(fixed.length, fixed.length + 2 * names.length);
  return {
    ...setsOf(totals, failingJobs(failing, totals.retry, totals.at), diedAfter),
    queues: names
      .map((name, index) => queueOf(name, perQueue[2 * index], perQueue[2 * index + 1], totals.at))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    queuesLeftOut: queueScan.more || queueScan.names.length > mostQueues,
    processes: answers.slice(fixed.length + 2 * names.length).flatMap((hash) => processOf(hash)),
    lost,
  };
}

/** Each of them costs the same whatever the sets hold. */
const fixedQuestions = (key: (name: string) => string, now: number, diedAfter = "-inf") =>
  ({
    at: ["time"],
    processed: ["get", key("stat:processed")],
    failed: ["get", key("stat:failed")],
    scheduled: ["zcard", key("schedule")],
    scheduledOverdue: ["zcount", key("schedule"), "-inf", now - overdueAfterSeconds],
    scheduledFirst: ["zrange", key("schedule"), 0, 0, "WITHSCORES"],
    retry: ["zcard", key("retry")],
    retryOverdue: ["zcount", key("retry"), "-inf", now - overdueAfterSeconds],
    retryFirst: ["zrange", key("retry"), 0, 0, "WITHSCORES"],
    retryLast: lastFailing(key("retry")),
    dead: ["zcard", key("dead")],
    deadRecent: ["zcount", key("dead"), now - hour, "+inf"],
    deadSince: ["zcount", key("dead"), `(${diedAfter}`, "+inf"],
    deadNewest: ["zrange", key("dead"), -1, -1, "WITHSCORES"],
    cron: ["hmget", key("sidekiq-scheduler:last_times"), ...frequentCronJobs],
  }) satisfies Readonly<Record<keyof z.input<typeof Totals>, RedisCommand>>;

function setsOf(totals: z.output<typeof Totals>, failing: FailingJobs, diedAfter: string | undefined) {
  const { at, processed, failed, retryFirst, deadNewest } = totals;
  const due = (jobs: number, overdueJobs: number, first: readonly string[]): DueSet => ({
    jobs,
    overdueJobs,
    overdueSeconds: Math.max(0, at - (scoreOf(first[1]) ?? at)),
  });
  const cronTimes = totals.cron.map((text) => rubyTime(text ?? "")).filter((time) => time !== undefined);
  return {
    at,
    processed,
    failed,
    scheduled: due(totals.scheduled, totals.scheduledOverdue, totals.scheduledFirst),
    retry: { ...due(totals.retry, totals.retryOverdue, retryFirst), ...failing },
    dead: {
      jobs: totals.dead,
      recentJobs: totals.deadRecent,
      sinceLastLook: diedAfter === undefined ? undefined : totals.deadSince,
      newest: scoreOf(deadNewest[1]) === undefined ? undefined : deadNewest[1],
    },
    cronAgeSeconds: cronTimes.length === 0 ? undefined : Math.max(0, at - Math.max(...cronTimes)),
  };
}

const Members = z.array(z.string());
const Totals = z.object({
  at: redisTime,
  processed: count,
  failed: count,
  scheduled: count,
  scheduledOverdue: count,
  scheduledFirst: Members,
  retry: count,
  retryOverdue: count,
  retryFirst: Members,
  retryLast: Members,
  dead: count,
  deadRecent: count,
  deadSince: count,
  deadNewest: Members,
  cron: z.array(z.string().nullable()),
});

function queueOf(name: string, length: unknown, oldest: unknown, now: number): WaitingQueue {
  return { name, jobs: understood(count, length), latencySeconds: latencyOf(understood(text, oldest), now) };
}

const text = z.string().nullable();
const ProcessHash = z.tuple([text, count, text, text, wholeNumber.nullable()]);
const ProcessInfo = z.object({
  concurrency: z.number().int().optional().catch(undefined),
  queues: z.array(z.string()).optional(),
  capsules: z.record(z.string(), z.object({ weights: z.record(z.string(), z.unknown()).optional() })).optional(),
});

function processOf(hash: unknown): readonly SidekiqProcess[] {
  const [beat, busy, quiet, info, threads] = understood(ProcessHash, hash);
  // Killed, and not yet cleared away by the next one that starts.
  if (beat === null) return [];
  const { queues, capsules, concurrency } = ProcessInfo.safeParse(parsedJson(info ?? "")).data ?? {};
  const served = queues ?? Object.values(capsules ?? {}).flatMap(({ weights }) => Object.keys(weights ?? {}));
  // From 8.1 on it stands beside `info`, before in it.
  return [{ busy, concurrency: threads ?? concurrency, quiet: quiet === "true", queues: [...new Set(served)] }];
}

const understood = readerFor("Sidekiq", "check the database number and the namespace");
