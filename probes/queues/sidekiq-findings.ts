/** Readings (metrics) and evidence of a Sidekiq's state. */
import { spokenAge } from "../../core/member-texts.ts";
import { counter, gauge, type MetricFamily } from "../../core/metric-families.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Reading } from "../../core/sample.ts";
import { counted } from "../../core/units.ts";
import { queueMetrics } from "./queue-metrics.ts";
import type { Trend } from "./sidekiq-history.ts";
import type { SidekiqProcess, SidekiqState } from "./sidekiq-state.ts";

export const sidekiqMetrics: readonly MetricFamily[] = [
  queueMetrics.latency,
  queueMetrics.jobs,
  queueMetrics.processes,
  counter("queue_processed_total", "Jobs processed, as the queue itself counts them."),
  counter("queue_failed_total", "Failed attempts, as the queue itself counts them."),
  gauge("queue_quiet_processes", "Worker processes that were told to take no further job."),
  gauge("queue_serving_processes", "Worker processes that take jobs from a queue.", ["queue"]),
  gauge("queue_threads", "Jobs that all live worker processes can do at once."),
  gauge("queue_threads_busy_ratio", "Worker threads that do a job, of those that could."),
  gauge("queue_processed_jobs_per_second", "Jobs processed a second since the last look."),
  gauge("queue_failed_jobs_per_second", "Failed attempts a second since the last look."),
  queueMetrics.overdueJobs,
  queueMetrics.overdueSeconds,
  gauge(
    "queue_retry_age_seconds",
    "Time since the first failure of the longest failing retry, of the 500 whose next try is furthest away.",
  ),
  gauge("queue_retry_growth_jobs", "Jobs more that wait for another try than up to an hour ago."),
  queueMetrics.deadRecently,
  counter("queue_deaths_total", "Jobs given up for good since the check began to look."),
  queueMetrics.cronAge,
];

/** `queue="*"`: sets and sums that belong to no single queue. */
export function sidekiqReadings(state: SidekiqState, trend: Trend): readonly Reading[] {
  const { queues, scheduled, retry, dead, processes } = state;
  const busy = sum(processes, (process) => process.busy);
  const all = (label: string, value: number): Reading => ({
    metric: "queue_jobs",
    value,
    labels: { queue: "*", state: label },
  });
  return [
    ...queues.flatMap(({ name, jobs, latencySeconds }) => [
      { metric: "queue_jobs", value: jobs, labels: { queue: name, state: "enqueued" } },
      ...reading("queue_latency_seconds", latencySeconds, { queue: name }),
    ]),
    all("scheduled", scheduled.jobs),
    all("retry", retry.jobs),
    all("dead", dead.jobs),
    all("busy", busy),
    ...[scheduled, retry].flatMap(({ overdueJobs, overdueSeconds }, index) => {
      const labels = { state: index === 0 ? "scheduled" : "retry" };
      return [
        ...reading("queue_overdue_jobs", overdueJobs, labels),
        ...reading("queue_overdue_seconds", overdueSeconds, labels),
      ];
    }),
    ...reading("queue_retry_age_seconds", retry.oldestSeconds),
    ...reading("queue_retry_growth_jobs", trend.retryGrowth),
    ...reading("queue_dead_recent_jobs", dead.recentJobs),
    ...reading("queue_deaths_total", trend.deaths),
    ...workerReadings(state, busy),
    ...reading("queue_cron_age_seconds", state.cronAgeSeconds),
    ...reading("queue_processed_total", state.processed),
    ...reading("queue_failed_total", state.failed),
    ...reading("queue_processed_jobs_per_second", trend.processedPerSecond),
    ...reading("queue_failed_jobs_per_second", trend.failedPerSecond),
  ];
}

function workerReadings({ queues, processes }: SidekiqState, busy: number): readonly Reading[] {
  const threads = sum(processes, ({ concurrency }) => concurrency ?? 0);
  const working = processes.filter(({ quiet }) => !quiet);
  const serving = (queue: string) => working.filter((process) => process.queues.includes(queue)).length;
  return [
    ...reading("queue_processes", processes.length),
    ...reading("queue_quiet_processes", processes.length - working.length),
    ...reading("queue_threads", threads),
    ...(threads > 0 ? reading("queue_threads_busy_ratio", busy / threads) : []),
    ...queues.flatMap(({ name }) => reading("queue_serving_processes", serving(name), { queue: name })),
  ];
}

const reading = (
  metric: string,
  value: number | undefined,
  labels?: Readonly<Record<string, string>>,
): readonly Reading[] => (value === undefined ? [] : [{ metric, value, ...(labels && { labels }) }]);

const sum = (processes: readonly SidekiqProcess[], of: (process: SidekiqProcess) => number): number =>
  processes.reduce((total, process) => total + of(process), 0);

export function sidekiqEvidence(state: SidekiqState, trend: Trend): string {
  const { queues, processes, scheduled, retry, dead, queuesLeftOut, cronAgeSeconds } = state;
  const quiet = processes.filter((process) => process.quiet).length;
  const threads = sum(processes, ({ concurrency }) => concurrency ?? 0);
  const late = ({ overdueJobs, overdueSeconds }: SidekiqState["scheduled"]) =>
    overdueJobs > 0 ? ` (${overdueJobs} overdue, by up to ${Math.floor(overdueSeconds)} s)` : "";
  const { processedPerSecond: done, failedPerSecond: failed } = trend;
  const lines = [
    `${counted(processes.length, "live process", "live processes")}${quiet > 0 ? ` (${quiet} quiet)` : ""}, ${sum(processes, ({ busy }) => busy)} of ${counted(threads, "thread")} busy`,
    `${counted(retry.jobs, "retry", "retries")}${late(retry)}, ${scheduled.jobs} scheduled${late(scheduled)}, ${dead.jobs} dead (${dead.recentJobs} within the hour)`,
    ...(done === undefined ? [] : [`${done.toFixed(2)} jobs a second, ${(failed ?? 0).toFixed(2)} failing`]),
    ...(trend.countersFellBack ? ["Sidekiq's totals have fallen back: did Redis restart without its data?"] : []),
    ...(cronAgeSeconds === undefined ? [] : [`cron last ran ${Math.floor(cronAgeSeconds)} s ago`]),
    ...queues
      .filter(({ jobs }) => jobs > 0)
      .map(({ name, jobs, latencySeconds }) => {
        const age = latencySeconds === undefined ? "of unknown age" : `the oldest ${Math.floor(latencySeconds)} s old`;
        return `${plainText(name, 60)}: ${counted(jobs, "job")}, ${age}`;
      }),
    ...(retry.oldestSeconds === undefined
      ? []
      : [
          `the longest failing retry first failed ${retry.moreUnseen ? "at least " : ""}${spokenAge(retry.oldestSeconds).en} ago`,
        ]),
    ...retry.kinds.map((kind) => `being retried: ${plainText(kind, 120)}`),
    ...(queuesLeftOut ? ["there are more queues than were looked at"] : []),
  ];
  return lines.join("\n");
}
