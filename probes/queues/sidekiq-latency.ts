/** Latency of a Sidekiq queue: how long its oldest job has waited, by the time at which that job joined the queue. */
import { z } from "zod";
import { parsedJson } from "../databases/redis-answers.ts";
import { jobTime } from "./sidekiq-timestamps.ts";

/**
 * @param oldest the job at the end of the queue; null where the queue is empty.
 * @param now seconds since 1970 by the clock of Redis.
 * @returns seconds; undefined when the job does not tell since when it waits.
 */
export function latencyOf(oldest: string | null, now: number): number | undefined {
  if (oldest === null) return 0;
  const since = enqueuedAt(oldest);
  // A clock of the web server that is ahead of Redis' makes jobs from the future: they are new, no more.
  return since === undefined ? undefined : Math.max(0, now - since);
}

const Job = z.object({ enqueued_at: jobTime.optional(), created_at: jobTime.optional() });

/** Seconds since 1970 at which this job joined its queue. */
export function enqueuedAt(job: string): number | undefined {
  const { enqueued_at, created_at } = Job.safeParse(parsedJson(job)).data ?? {};
  return enqueued_at ?? created_at;
}
