/**
 * Sidekiq's retry set: failed jobs that will be tried again, since when the oldest of them fails, and with which
 * error.
 */
import { z } from "zod";
import { parsedJson, readerFor } from "../databases/redis-answers.ts";
import type { RedisCommand, RedisReader } from "../databases/redis-client.ts";
import { jobTime } from "./sidekiq-timestamps.ts";

export interface FailingJobs {
  /** Since the first failure of the one that has failed longest, of those we looked at. */
  readonly oldestSeconds: number | undefined;
  /** There are more than we looked at: one of those may have failed for longer. */
  readonly moreUnseen: boolean;
  /** "ActivityPub::DeliveryWorker, HTTP::TimeoutError": what those were and how they failed, the most frequent first. */
  readonly kinds: readonly string[];
}

/** The set is ordered by the next try, which comes the later the more often a job has failed: the old ones stand last. */
const firstPage = 25;
const mostJobs = 500;
/** Each may carry a whole post. */
const mostCharacters = 4_000_000;
const mostKinds = 5;

export const lastFailing = (key: string): RedisCommand => ["zrange", key, -firstPage, -1];

/** @param known how many there are, and the last of them: what comes before is asked for only as far as it stays small. */
export async function readFailing(
  redis: RedisReader,
  key: string,
  { jobs, last }: { readonly jobs: number; readonly last: readonly string[] },
): Promise<readonly string[]> {
  if (jobs <= last.length || last.length < firstPage) return last;
  const usually = Math.max(...last.map((job) => job.length), 1);
  const more = Math.min(jobs, mostJobs, Math.floor(mostCharacters / usually)) - last.length;
  if (more <= 0) return last;
  const [before] = await redis.ask([["zrange", key, -(last.length + more), -(last.length + 1)]]);
  return [...new Set([...understood(z.array(z.string()), before), ...last])];
}

const FailedJob = z.object({
  failed_at: jobTime.optional().catch(undefined),
  created_at: jobTime.optional().catch(undefined),
  class: z.string().nullish().catch(undefined),
  wrapped: z.string().nullish().catch(undefined),
  error_class: z.string().nullish().catch(undefined),
});

/** Names of classes only: arguments and error texts belong to members. */
export function failingJobs(seen: readonly string[], jobs: number, now: number): FailingJobs {
  const failed = seen.map((job) => FailedJob.safeParse(parsedJson(job)).data ?? {});
  const moments = failed.map((job) => job.failed_at ?? job.created_at).filter((since) => since !== undefined);
  const kinds = Map.groupBy(failed, (job) => `${job.wrapped ?? job.class ?? "?"}, ${job.error_class ?? "?"}`);
  return {
    oldestSeconds: moments.length === 0 ? undefined : Math.max(0, now - Math.min(...moments)),
    moreUnseen: jobs > seen.length,
    kinds: [...kinds]
      .toSorted(([, a], [, b]) => b.length - a.length)
      .slice(0, mostKinds)
      .map(([kind]) => kind),
  };
}

const understood = readerFor("Sidekiq", "check the database number and the namespace");
