/** What the state of Laravel's queues and of Horizon means, in words and in figures. */
import type { Localised } from "../../core/language.ts";
import { plainText } from "../../core/plain-text.ts";
import type { ProbeContext } from "../../core/probe.ts";
import type { Reading } from "../../core/sample.ts";
import { pixelfedQueues } from "./horizon-queues.ts";
import type { HorizonState, LaravelQueue } from "./horizon-state.ts";
import { type QueueFinding, type QueueTrouble, queueFinding, withStagnation } from "./queue-findings.ts";
import type { Tolerance } from "./queue-lateness.ts";

/** A queue whose jobs tell no time: the same job has stood at its front for this long at least. */
type SeenQueue = LaravelQueue & { readonly stagnantSeconds: number };

export type SeenHorizon = Omit<HorizonState, "queues"> & { readonly queues: readonly SeenQueue[] };

export function seenHorizon(state: HorizonState, context: Pick<ProbeContext, "memory" | "clock">): SeenHorizon {
  const queues = withStagnation(state.queues, context).map((queue): SeenQueue => {
    const { latencySeconds = queue.front === undefined ? undefined : queue.stagnantSeconds } = queue;
    return { ...queue, latencySeconds };
  });
  return { ...state, queues };
}

const lateSoon: Localised = {
  en: "Posts, photos and messages from other servers arrive late.",
  fr: "Les publications, les photos et les messages des autres serveurs arrivent en retard.",
};

/** @param supervised false where plain `queue:work` is used, which leaves no sign of life. */
export function judged(state: SeenHorizon, watched: ReadonlyMap<string, Tolerance>, supervised: boolean): QueueFinding {
  const trouble = supervised ? troubleOf(state, watched) : undefined;
  return queueFinding(state.queues, watched, { known: pixelfedQueues, trouble, felt: lateSoon });
}

function troubleOf(
  { queues, masters, supervisors }: SeenHorizon,
  watched: ReadonlyMap<string, Tolerance>,
): QueueTrouble | undefined {
  const waiting = queues.filter(({ jobs }) => jobs > 0);
  const jobs = waiting.reduce((sum, queue) => sum + queue.jobs, 0);
  const theyWait = `${jobs} ${jobs === 1 ? "job waits" : "jobs wait"}`;
  if (masters.length === 0 && supervisors.length === 0) {
    return jobs > 0
      ? ["down", `${theyWait} and Horizon does not run`]
      : ["degraded", "Horizon does not run; no job waits yet"];
  }
  const working = supervisors.filter(({ paused }) => !paused);
  if (masters.every(({ paused }) => paused) && masters.length > 0) {
    return ["degraded", "Horizon is paused: it takes no job until it is told to continue"];
  }
  if (supervisors.length === 0) return ["degraded", `Horizon runs without a supervisor, so nobody works; ${theyWait}`];
  if (working.length === 0) return ["degraded", "every supervisor of Horizon is paused"];
  const served = new Set(working.flatMap((supervisor) => supervisor.queues));
  const orphans = waiting.filter(({ name }) => watched.get(name)?.page !== undefined && !served.has(name));
  if (orphans.length > 0 && served.size > 0) {
    return [
      "degraded",
      `jobs wait, and no supervisor serves ${plainText(orphans.map(({ name }) => name).join(", "), 100)}`,
    ];
  }
  return undefined;
}

export function horizonReadings(state: SeenHorizon): readonly Reading[] {
  const { queues, masters, supervisors, failed, failedRecently, cronAgeSeconds } = state;
  const workers = supervisors.map((supervisor) => supervisor.workers).filter((each) => each !== undefined);
  const overdue = queues.reduce((sum, queue) => sum + queue.overdue, 0);
  return [
    ...queues.flatMap(queueReadings),
    { metric: "queue_jobs", value: failed, labels: { queue: "*", state: "dead" } },
    { metric: "queue_dead_recent_jobs", value: failedRecently },
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
    `${masters.length} masters, ${supervisors.length} supervisors${paused.length > 0 ? `, paused: ${plainText(paused.join(", "), 200)}` : ""}`,
    `${state.failed} failed jobs (${state.failedRecently} within the hour)`,
    ...(state.cronAgeSeconds === undefined ? [] : [`cron last ran ${Math.round(state.cronAgeSeconds)} s ago`]),
    ...queues
      .filter(({ jobs, delayed, reserved }) => jobs + delayed + reserved > 0)
      .map(({ name, jobs, latencySeconds, delayed, reserved, abandoned }) => {
        const age = latencySeconds === undefined ? "of unknown age" : `the oldest ${Math.round(latencySeconds)} s old`;
        const lost = abandoned > 0 ? ` (${abandoned} by a worker that died)` : "";
        return `${plainText(name, 60)}: ${jobs} jobs${jobs > 0 ? `, ${age}` : ""}, ${delayed} delayed, ${reserved} taken${lost}`;
      }),
    ...(queuesLeftOut ? ["there are more queues than were looked at"] : []),
  ];
  return lines.join("\n");
}
