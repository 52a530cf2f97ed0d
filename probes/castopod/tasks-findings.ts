/** What the state of Castopod's background tasks means: the finding, its words, and its readings. */
import type { Localised } from "../../core/language.ts";
import { spokenAge } from "../../core/member-texts.ts";
import type { MetricFamily } from "../../core/metric-families.ts";
import type { ProbeContext } from "../../core/probe.ts";
import type { Reading } from "../../core/sample.ts";
import { counted } from "../../core/units.ts";
import type { Refusal } from "../databases/database-refusals.ts";
import { questionSeconds } from "../databases/mysql-client.ts";
import { secondsSinceEach } from "../lib/since.ts";
import type { Tolerance } from "../queues/latency-limits.ts";
import { type QueueFinding, type QueueTrouble, queueFinding, withStagnation } from "../queues/queue-findings.ts";
import { queueMetrics } from "../queues/queue-metrics.ts";
import { castopodQueues } from "./tasks-queues.ts";
import { type CastopodTasks, grantColumns, type TaskQueue } from "./tasks-state.ts";

type Watched = ReadonlyMap<string, Tolerance>;

/** The same has waited the longest for this time at least, while every run of cron takes the oldest first. */
type SeenQueue = TaskQueue & { readonly stagnantSeconds: number };

export type SeenTasks = Omit<CastopodTasks, "queues"> & {
  readonly queues: readonly SeenQueue[];
  /** Of those being sent, the ones that have been for too long: the process that took them died. */
  readonly abandoned: number;
};

/**
 * Castopod does not keep when it took something: only who saw it then, and sees it still, can tell.
 * @param stuckAfterSeconds how long sending one may take.
 */
export function seenTasks(
  state: CastopodTasks,
  stuckAfterSeconds: number,
  context: Pick<ProbeContext, "memory" | "clock">,
): SeenTasks {
  const sending = secondsSinceEach("processing", state.sending?.processingIds ?? [], context);
  return {
    ...state,
    queues: withStagnation(state.queues, context),
    abandoned: [...sending.values()].filter((seconds) => seconds >= stuckAfterSeconds).length,
  };
}

/** Cron runs every minute; five minutes without anything done mean that it no longer runs. */
const standstillSeconds = 300;

const lateSoon: Localised = {
  en: "New episodes and posts of podcasts reach followers and apps late.",
  fr: "Les nouveaux épisodes et les publications des balados parviennent en retard aux abonnés et aux applications.",
};

export function judged(state: SeenTasks, watched: Watched): QueueFinding {
  const { queues, refused, abandoned } = state;
  if (queues.length === 0) return { outcome: "unknown", reason: notMeasured([...refused]) };
  const trouble = standstill(state, watched);
  const found = queueFinding(queues, watched, { known: castopodQueues, trouble, felt: lateSoon });
  const missing = [...refused].filter(([name]) => watched.has(name));
  const reasons = [
    ...(found.reason === undefined ? [] : [found.reason]),
    ...(abandoned > 0 && watched.has("broadcast") ? [leftBehind(abandoned)] : []),
    ...(missing.length > 0 ? [notMeasured(missing)] : []),
  ];
  return { ...found, ...(reasons.length > 0 && { reason: reasons.join("; ") }) };
}

function standstill({ queues }: SeenTasks, watched: Watched): QueueTrouble | undefined {
  const stuck = queues.filter(({ name, stagnantSeconds }) => watched.has(name) && stagnantSeconds >= standstillSeconds);
  if (stuck.length === 0) return undefined;
  const since = spokenAge(Math.min(...stuck.map(({ stagnantSeconds }) => stagnantSeconds))).en;
  const waiting = stuck.map(inWords).join(", ");
  return ["degraded", `waiting: ${waiting}; none was taken for ${since}: does cron call php spark tasks:run?`];
}

function inWords({ name, jobs }: TaskQueue): string {
  if (name === "websub") return `${counted(jobs, "podcast")} to announce`;
  return `${activities(jobs)} to send`;
}

const activities = (count: number): string => counted(count, "activity", "activities");

const leftBehind = (abandoned: number): string =>
  `${activities(abandoned)} left in processing by a run that died: nobody sets them back`;

function notMeasured(refused: readonly (readonly [string, Refusal])[]): string {
  const why = refused.map(([name, refusal]) => {
    const said = refusal === "too slow" ? `took more than ${questionSeconds} s` : refusal;
    return `${name} (${said})`;
  });
  const mend = refused.some(([, refusal]) => refusal === "not allowed") ? `: ${grantColumns}` : "";
  return `not measured: ${why.join(", ")}${mend}`;
}

export const tasksMetrics: readonly MetricFamily[] = [
  queueMetrics.latency,
  queueMetrics.jobs,
  queueMetrics.deadRecently,
  queueMetrics.stagnant,
];

export function tasksReadings({ queues, sending, abandoned }: SeenTasks): readonly Reading[] {
  const jobs = (queue: string, state: string, value: number): Reading => ({
    metric: "queue_jobs",
    value,
    labels: { queue, state },
  });
  return [
    ...queues.flatMap(({ name, stagnantSeconds, latencySeconds, ...queue }) => [
      jobs(name, "enqueued", queue.jobs),
      { metric: "queue_latency_seconds", value: latencySeconds, labels: { queue: name } },
      { metric: "queue_stagnant_seconds", value: stagnantSeconds, labels: { queue: name } },
    ]),
    ...(sending
      ? [
          jobs("broadcast", "scheduled", sending.planned),
          jobs("broadcast", "busy", sending.processing),
          jobs("broadcast", "abandoned", abandoned),
          jobs("broadcast", "dead", sending.failed),
          { metric: "queue_dead_recent_jobs", value: sending.failedRecently },
        ]
      : []),
  ];
}

/** What `fediverse:broadcast` takes in one run. */
const perMinute = 10;

export function tasksEvidence({ queues, sending, abandoned }: SeenTasks): string {
  const waiting = queues.filter((queue) => queue.jobs > 0);
  const lines = [
    ...waiting.map((queue) => {
      const minutes = Math.ceil(queue.jobs / perMinute);
      const work = queue.name === "broadcast" ? `: ${minutes} min of work at ${perMinute} a minute` : "";
      return `${inWords(queue)}, the oldest for ${queue.latencySeconds} s${work}`;
    }),
    ...(waiting.length === 0 ? ["nothing waits: whether cron comes by cannot be told"] : []),
    ...(sending
      ? [
          `${activities(sending.processing)} being sent (${abandoned} for too long), ${sending.planned} planned, ${sending.failed} failed (${sending.failedRecently} within the hour)`,
        ]
      : []),
  ];
  return lines.join("\n");
}
