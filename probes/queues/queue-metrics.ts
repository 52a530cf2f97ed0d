/** Metrics that queues of several kinds share: latency, jobs, workers, failures. */
import { gauge } from "../../core/metric-families.ts";

export const queueMetrics = {
  latency: gauge("queue_latency_seconds", "Age of the oldest job that waits in a queue.", ["queue"]),
  jobs: gauge("queue_jobs", "Jobs in a queue or set, by state.", ["queue", "state"]),
  processes: gauge("queue_processes", "Worker processes with a live heartbeat."),
  overdueJobs: gauge("queue_overdue_jobs", "Jobs of a set that should have been taken up a minute ago or earlier.", [
    "state",
  ]),
  overdueSeconds: gauge(
    "queue_overdue_seconds",
    "How late the first job of a set is that was to be taken up at a moment in time.",
    ["state"],
  ),
  deadRecently: gauge("queue_dead_recent_jobs", "Jobs given up for good within the last hour."),
  cronAge: gauge("queue_cron_age_seconds", "Time since the cron jobs last ran that run every few minutes."),
  stagnant: gauge("queue_stagnant_seconds", "For how long the same job has stood at the front of a queue.", ["queue"]),
};
