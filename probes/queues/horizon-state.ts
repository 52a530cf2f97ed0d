/** Reads Laravel's queues and Horizon from Redis: jobs, failures, supervisors, in three bounded round trips. */
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
import { type FrontLatency, latencyOf } from "./horizon-latency.ts";
import type { WaitingQueue } from "./latency-limits.ts";

export interface HorizonState {
  /** Seconds since 1970 by the clock of Redis. */
  readonly at: number;
  /** Sorted by name. */
  readonly queues: readonly LaravelQueue[];
  /** More queues than we look at. */
  readonly queuesLeftOut: boolean;
  /** Only those with a heartbeat; Redis forgets one after 15 seconds. */
  readonly masters: readonly Master[];
  /** Likewise, after 30 seconds. */
  readonly supervisors: readonly Supervisor[];
  /** Jobs that failed for good and are still remembered, usually for a week. */
  readonly failed: number;
  /** Of those, within the last hour. */
  readonly failedRecently: number;
  /** Since Laravel's cron last made Horizon's snapshot; undefined when it never did. */
  readonly cronAgeSeconds: number | undefined;
}

export interface LaravelQueue extends WaitingQueue, FrontLatency {
  readonly delayed: number;
  /** Taken by a worker. */
  readonly reserved: number;
  /** Of the delayed, those that should have started a minute ago or earlier. */
  readonly overdue: number;
  /** How late the first delayed job is; 0 when none is due. */
  readonly overdueSeconds: number;
  /** Taken by a worker that should have given them back by now: it died. */
  readonly abandoned: number;
}

interface Master {
  readonly name: string;
  readonly paused: boolean;
}

interface Supervisor extends Master {
  readonly queues: readonly string[];
  /** Undefined when it does not tell. */
  readonly workers: number | undefined;
}

export interface HorizonQuestion {
  /** Before `queues:`; Pixelfed has none. */
  readonly prefix: string;
  readonly horizonPrefix: string;
  /** Looked at even when nobody has heard of them. */
  readonly expected: readonly string[];
}

const mostQueues = 100;
const mostProcesses = 200;
/** Workers move what is due whenever they look, which is every few seconds. */
const lateAfterSeconds = 60;
const hour = 3600;

export async function readHorizon(redis: RedisReader, question: HorizonQuestion): Promise<HorizonState> {
  const horizon = (name: string) => `${question.horizonPrefix}${name}`;
  const overview = understood(
    Overview,
    await redis.ask([
      ["time"],
      ["zrange", horizon("masters"), -mostProcesses, -1],
      ["zrange", horizon("supervisors"), -mostProcesses, -1],
      ["sscan", horizon("measured_queues"), 0, "COUNT", scannedPlaces],
      ["get", horizon("last_snapshot_at")],
      ["zcard", horizon("failed_jobs")],
    ]),
  );
  const [now, masterNames, supervisorNames, measured, snapshotAt, failed] = overview;
  const [recent, ...hashes] = await redis.ask([
    // Its scores are negative moments: the newest comes first.
    ["zcount", horizon("failed_jobs"), "-inf", -(now - hour)],
    ...masterNames.map((name): RedisCommand => ["hmget", horizon(`master:${name}`), "name", "status"]),
    ...supervisorNames.map(
      (name): RedisCommand => ["hmget", horizon(`supervisor:${name}`), "name", "status", "options", "processes"],
    ),
  ]);
  const supervisors = hashes.slice(masterNames.length).flatMap(supervisorOf);
  const known = measured.names.map((member) => queueNameIn(member, horizon("queue:")));
  const names = [...new Set([...question.expected, ...supervisors.flatMap(({ queues }) => queues), ...known])];
  const watched = names.slice(0, question.expected.length + mostQueues);
  const queues = await readQueues(redis, watched, `${question.prefix}queues:`, now);
  const nothingHere = masterNames.length + supervisorNames.length + known.length === 0 && snapshotAt === null;
  if (nothingHere && queues.every(({ jobs, delayed, reserved }) => jobs + delayed + reserved === 0)) {
    throw new NotMeasured("there is no Horizon in this Redis: check the database number and the prefixes");
  }
  return {
    at: now,
    queues,
    queuesLeftOut: measured.more || names.length > watched.length,
    masters: hashes.slice(0, masterNames.length).flatMap(masterOf),
    supervisors,
    failed,
    failedRecently: understood(count, recent),
    cronAgeSeconds: snapshotAt === null ? undefined : Math.max(0, now - snapshotAt),
  };
}

async function readQueues(redis: RedisReader, names: readonly string[], prefix: string, now: number) {
  const late = now - lateAfterSeconds;
  const [time, ...answers] = await redis.ask([
    ["time"],
    ...names.flatMap((name): RedisCommand[] => [
      ["llen", `${prefix}${name}`],
      // Laravel pushes at the tail and takes from the head: the opposite of Sidekiq.
      ["lindex", `${prefix}${name}`, 0],
      ["lindex", `${prefix}${name}`, 1],
      ["zcard", `${prefix}${name}:delayed`],
      ["zcount", `${prefix}${name}:delayed`, "-inf", late],
      ["zrange", `${prefix}${name}:delayed`, 0, 0, "WITHSCORES"],
      ["zcard", `${prefix}${name}:reserved`],
      ["zcount", `${prefix}${name}:reserved`, "-inf", late],
    ]),
  ]);
  const at = understood(redisTime, time);
  const asked = 8;
  return names
    .map((name, index) => queueOf(name, answers.slice(asked * index, asked * (index + 1)), at))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const Names = z.array(z.string());
const Overview = z.tuple([redisTime, Names, Names, scanned, wholeNumber.nullable(), count]);

const QueueAnswer = z.tuple([count, z.string().nullable(), z.string().nullable(), count, count, Names, count, count]);

function queueOf(name: string, answer: readonly unknown[], now: number): LaravelQueue {
  const [jobs, first, second, delayed, overdue, [, firstDue], reserved, abandoned] = understood(QueueAnswer, answer);
  return {
    name,
    jobs,
    ...latencyOf({ first, second }, now),
    delayed,
    overdue,
    overdueSeconds: Math.max(0, now - (scoreOf(firstDue) ?? now)),
    reserved,
    abandoned,
  };
}

/** "horizon-queue:default": in this set the names carry the prefix, whatever the client does with keys. */
const queueNameIn = (member: string, prefix: string): string =>
  member.startsWith(prefix) ? member.slice(prefix.length) : member.replace(/^.*queue:/, "");

const text = z.string().nullable();

function masterOf(hash: unknown): readonly Master[] {
  const [name, status] = understood(z.tuple([text, text]), hash);
  return name === null ? [] : [{ name, paused: status === "paused" }];
}

const Options = z.object({ queue: z.string() });
/** PHP writes an empty map as an empty list. */
const Processes = z.union([
  z.record(z.string(), z.number().int().min(0)).transform((each) => Object.values(each).reduce((a, b) => a + b, 0)),
  z
    .array(z.unknown())
    .length(0)
    .transform(() => 0),
]);

function supervisorOf(hash: unknown): readonly Supervisor[] {
  const [name, status, options, processes] = understood(z.tuple([text, text, text, text]), hash);
  if (name === null) return [];
  const { queue = "" } = Options.safeParse(parsedJson(options ?? "")).data ?? {};
  return [
    {
      name,
      paused: status === "paused",
      queues: queue
        .split(",")
        .map((each) => each.trim())
        .filter((each) => each !== ""),
      workers: Processes.safeParse(parsedJson(processes ?? "")).data,
    },
  ];
}

const understood = readerFor("Horizon", "check the database number and the prefixes");
