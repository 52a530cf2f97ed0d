/** What the state of Laravel's queues and Horizon means: the finding, its words, its readings and its evidence. */
import type { Localised } from "../../core/language.ts";
import { spokenAge } from "../../core/member-texts.ts";
import { gauge, type MetricFamily } from "../../core/metric-families.ts";
import { plainText } from "../../core/plain-text.ts";
import type { ProbeContext } from "../../core/probe.ts";
import type { Reading } from "../../core/sample.ts";
import { counted } from "../../core/units.ts";
import type { HorizonState, LaravelQueue } from "./horizon-state.ts";
import { lateExplanation, type Tolerance, withOldest } from "./latency-limits.ts";
import { pixelfedQueues } from "./pixelfed-queues.ts";
import { type QueueFinding, queueFinding, withStagnation } from "./queue-findings.ts";
import { queueMetrics } from "./queue-metrics.ts";
import { type IdleQueues, type IdleTime, outlastsRestart, WorkerHistory } from "./workers.ts";

/** The same job has stood at its front for this long at least: where jobs tell no time, that is how late it is. */
type SeenQueue = LaravelQueue & { readonly stagnantSeconds: number };

/** What is there now, and what is known from the looks before. */
export type SeenHorizon = Omit<HorizonState, "queues"> & {
  readonly queues: readonly SeenQueue[];
  readonly idle: IdleQueues;
};

export function seenHorizon(state: HorizonState, context: Pick<ProbeContext, "memory" | "clock">): SeenHorizon {
  const processes = state.supervisors.map(({ paused, queues }) => ({ quiet: paused, queues }));
  const history = WorkerHistory.of(context.memory);
  const idle = history.note({ queues: state.queues, processes }, context.clock.monotonicSeconds());
  const queues = withStagnation(state.queues, context).map((queue): SeenQueue => {
    const { latencySeconds, stagnantSeconds, front, atLeast } = queue;
    if (front === undefined || !atLeast) return queue;
    return { ...queue, latencySeconds: Math.max(latencySeconds ?? 0, stagnantSeconds) };
  });
  return { ...state, queues, idle };
}

const arriveLate: Localised = {
  en: "Posts and photos arrive late, here and on other servers.",
  fr: "Les publications et les photos arrivent en retard, ici et sur les autres serveurs.",
};
const mayArriveLate: Localised = {
  en: "Posts and photos may soon arrive late, here and on other servers.",
  fr: "Les publications et les photos pourraient bientôt arriver en retard, ici et sur les autres serveurs.",
};

/** @param supervised false where plain `queue:work` is used, which leaves no sign of life. */
export function judged(state: SeenHorizon, watched: ReadonlyMap<string, Tolerance>, supervised: boolean): QueueFinding {
  const { everywhere } = state.idle;
  const trouble = supervised ? (everywhere ? standstill(state, everywhere) : unserved(state, watched)) : undefined;
  if (trouble && trouble.outcome !== "up") return trouble;
  const calm = queueFinding(state.queues, watched, { known: pixelfedQueues, trouble: undefined, felt: arriveLate });
  return calm.reason === undefined && trouble ? trouble : calm;
}

/** Nobody takes any job: Horizon is gone, paused, or has nobody who works. */
function standstill(state: SeenHorizon, idleTime: IdleTime): QueueFinding {
  const waiting = state.queues.filter(({ jobs }) => jobs > 0);
  const oldest = Math.max(0, ...waiting.map(({ latencySeconds = 0 }) => latencySeconds));
  const dead = state.masters.length === 0 && state.supervisors.length === 0;
  const what = whyNobodyWorks(state);
  if (!outlastsRestart(idleTime, oldest)) {
    // Where nobody was ever seen at work, it may as well have been so for days.
    return {
      outcome: idleTime.atMostSeconds === undefined ? "unknown" : "up",
      reason: `${what}, perhaps only for a restart`,
    };
  }
  if (waiting.length === 0) {
    return { outcome: "degraded", reason: dead ? `${what}; no job waits yet` : what, explanation: mayArriveLate };
  }
  const explanation = withOldest(arriveLate, oldest);
  return dead
    ? { outcome: "down", reason: `${theyWait(waiting)} and ${what}`, explanation }
    : { outcome: "degraded", reason: `${what}; ${theyWait(waiting)}`, explanation };
}

function whyNobodyWorks({ masters, supervisors }: SeenHorizon): string {
  if (masters.length === 0 && supervisors.length === 0) return "Horizon does not run";
  if (masters.length > 0 && masters.every(({ paused }) => paused)) {
    return "Horizon is paused: it takes no job until it is told to continue";
  }
  return supervisors.length === 0
    ? "Horizon runs without a supervisor, so nobody works"
    : "every supervisor of Horizon is paused";
}

/** Somebody works, but not on every queue that has work. */
function unserved({ queues, idle }: SeenHorizon, watched: ReadonlyMap<string, Tolerance>): QueueFinding | undefined {
  const orphans = queues.filter((queue) => {
    const idleTime = idle.queues.get(queue.name);
    const counts = idleTime && queue.jobs > 0 && watched.get(queue.name)?.page !== undefined;
    return counts && outlastsRestart(idleTime, queue.latencySeconds ?? 0);
  });
  const [first] = [...pixelfedQueues.keys()]
    .flatMap((name) => orphans.filter((queue) => queue.name === name))
    .concat(orphans);
  if (!first) return undefined;
  return {
    outcome: "degraded",
    reason: `jobs wait, and no supervisor serves ${plainText(orphans.map(({ name }) => name).join(", "), 100)}`,
    explanation: lateExplanation(pixelfedQueues, first),
  };
}

function theyWait(waiting: readonly LaravelQueue[]): string {
  const jobs = waiting.reduce((sum, queue) => sum + queue.jobs, 0);
  return `${counted(jobs, "job")} ${jobs === 1 ? "waits" : "wait"}`;
}

export const horizonMetrics: readonly MetricFamily[] = [
  queueMetrics.latency,
  queueMetrics.jobs,
  queueMetrics.processes,
  gauge("queue_abandoned_jobs", "Jobs taken by a worker that should have given them back by now: it died."),
  queueMetrics.overdueJobs,
  queueMetrics.overdueSeconds,
  queueMetrics.deadRecently,
  queueMetrics.cronAge,
  queueMetrics.stagnant,
  gauge("queue_supervisors", "Horizon's supervisors and masters, by role and status.", ["role", "status"]),
];

/** @param watched abandoned jobs of other queues are nobody's concern. */
export function horizonReadings(state: SeenHorizon, watched: ReadonlyMap<string, Tolerance>): readonly Reading[] {
  const { queues, masters, supervisors, failed, failedRecently, cronAgeSeconds } = state;
  const workers = supervisors.map((supervisor) => supervisor.workers).filter((each) => each !== undefined);
  const overdue = queues.reduce((sum, queue) => sum + queue.overdue, 0);
  const abandoned = queues.filter(({ name }) => watched.has(name)).reduce((sum, queue) => sum + queue.abandoned, 0);
  return [
    ...queues.flatMap(queueReadings),
    { metric: "queue_jobs", value: failed, labels: { queue: "*", state: "dead" } },
    { metric: "queue_dead_recent_jobs", value: failedRecently },
    { metric: "queue_abandoned_jobs", value: abandoned },
    { metric: "queue_overdue_jobs", value: overdue, labels: { state: "scheduled" } },
    {
      metric: "queue_overdue_seconds",
      value: Math.max(0, ...queues.map(({ overdueSeconds }) => overdueSeconds)),
      labels: { state: "scheduled" },
    },
    ...standing("master", masters),
    ...standing("supervisor", supervisors),
    ...(workers.length > 0 ? [{ metric: "queue_processes", value: workers.reduce((sum, each) => sum + each, 0) }] : []),
    ...(cronAgeSeconds === undefined ? [] : [{ metric: "queue_cron_age_seconds", value: cronAgeSeconds }]),
  ];
}

function queueReadings({ name, jobs, delayed, reserved, abandoned, ...queue }: SeenQueue): readonly Reading[] {
  const jobsIn = (label: string, value: number): Reading => ({
    metric: "queue_jobs",
    value,
    labels: { queue: name, state: label },
  });
  const labels = { queue: name };
  return [
    jobsIn("enqueued", jobs),
    jobsIn("scheduled", delayed),
    jobsIn("busy", reserved),
    jobsIn("abandoned", abandoned),
    ...(queue.latencySeconds === undefined
      ? []
      : [{ metric: "queue_latency_seconds", value: queue.latencySeconds, labels }]),
    { metric: "queue_stagnant_seconds", value: queue.stagnantSeconds, labels },
  ];
}

const standing = (role: string, processes: readonly { readonly paused: boolean }[]): readonly Reading[] =>
  (["running", "paused"] as const).map((status) => ({
    metric: "queue_supervisors",
    value: processes.filter(({ paused }) => paused === (status === "paused")).length,
    labels: { role, status },
  }));

export function horizonEvidence({ queues, masters, supervisors, queuesLeftOut, ...state }: SeenHorizon): string {
  const paused = [...masters, ...supervisors].filter((each) => each.paused).map(({ name }) => name);
  const lines = [
    `${counted(masters.length, "master")}, ${counted(supervisors.length, "supervisor")}${paused.length > 0 ? `, paused: ${plainText(paused.join(", "), 200)}` : ""}`,
    `${counted(state.failed, "failed job")} (${state.failedRecently} within the hour)`,
    ...(state.cronAgeSeconds === undefined ? [] : [`cron last ran ${spokenAge(state.cronAgeSeconds).en} ago`]),
    ...queues
      .filter(({ jobs, delayed, reserved }) => jobs + delayed + reserved > 0)
      .map(({ name, jobs, latencySeconds, atLeast, delayed, reserved, abandoned }) => {
        const waits = `${atLeast ? "at least " : ""}${spokenAge(latencySeconds ?? 0).en} old`;
        const age = latencySeconds === undefined ? "of unknown age" : `the oldest ${waits}`;
        const lost = abandoned > 0 ? ` (${abandoned} by a worker that died)` : "";
        return `${plainText(name, 60)}: ${counted(jobs, "job")}${jobs > 0 ? `, ${age}` : ""}, ${delayed} delayed, ${reserved} taken${lost}`;
      }),
    ...(queuesLeftOut ? ["there are more queues than were looked at"] : []),
  ];
  return lines.join("\n");
}
