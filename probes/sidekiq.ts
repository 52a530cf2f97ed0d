/** Looks at Sidekiq's queues in Redis: how late each is, as Sidekiq itself counts it, and whether anybody works on them. */
import { z } from "zod";
import type { Localised } from "../core/language.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe } from "../core/probe.ts";
import type { Finding, Outcome, Reading } from "../core/sample.ts";
import { duration } from "../core/settings.ts";
import { unknownUnlessSeen } from "./lib/cannot-look.ts";
import { certificateAuthority } from "./lib/certificate.ts";
import { redisUrl, withRedis } from "./lib/redis.ts";
import { latencyThresholds, type Tolerance, tolerances } from "./lib/sidekiq-queues.ts";
import { readSidekiq, type SidekiqState } from "./lib/sidekiq-state.ts";

const queueName = z
  .string()
  .regex(/^[\w.:-]{1,100}$/, { error: "a queue's name has letters, digits, dots, colons, hyphens and underscores" });

const options = z.strictObject({
  url: redisUrl().describe(
    "Address of Sidekiq's Redis, as a secret: `redis://:password@127.0.0.1:6379/0`, `rediss://…` for TLS, or `unix:///run/redis/redis.sock?db=0`.",
  ),
  ca: certificateAuthority(),
  namespace: z
    .string()
    .regex(/^[^\s:]{1,100}$/, { error: "a namespace has no spaces and no colon" })
    .optional()
    .describe("REDIS_NAMESPACE of Mastodon 4.3 and older."),
  queues: z
    .record(
      queueName,
      z.strictObject({
        ticket: duration({ atLeast: 1 }).optional().describe("Latency that is worth a look this week."),
        page: duration({ atLeast: 1 }).optional().describe("Latency that wakes somebody."),
      }),
    )
    .prefault({})
    .describe(
      "How late each queue may be, where it is not as for Mastodon: default 15s/2m, push 1m/10m, ingress 2m/30m, mailers 5m/30m, pull 15m/6h, scheduler 10m/1h.",
    ),
  ignore: z
    .array(queueName)
    .prefault([])
    .describe("Queues that nobody is told about, such as one that this server does not use."),
  lateFor: duration().prefault("5m").describe("How long a queue must stay late before somebody is woken."),
});

export default defineProbe({
  summary: "Reads the latency and depth of Sidekiq's queues from Redis, without ever listing jobs.",
  behind: true,
  options,
  example: { url: { env: "MASTODON_REDIS_URL" }, queues: { default: { page: "3m" } } },

  thresholds: ({ queues, ignore, lateFor }) => latencyThresholds(tolerances(queues, ignore), lateFor),

  run: ({ url, ca, namespace, queues, ignore }, { signal, clock }) =>
    unknownUnlessSeen(async () => {
      const watched = tolerances(queues, ignore);
      const expected = Object.keys(queues);
      const { answer: state, phases } = await withRedis(url, { signal, clock, ca }, (redis) =>
        readSidekiq(redis, { namespace, expected }),
      );
      return { ...judged(state, watched), readings: readings(state), evidence: evidence(state), phases };
    }),
});

const lateSoon: Localised = {
  en: "Posts, notifications and messages to other servers arrive late.",
  fr: "Les publications, les notifications et les envois aux autres serveurs arrivent en retard.",
};

/** Latency is judged by the thresholds; here only whether somebody works at all. */
function judged(
  { queues, processes }: SidekiqState,
  watched: ReadonlyMap<string, Tolerance>,
): Pick<Finding, "outcome" | "reason" | "explanation"> {
  const trouble = (outcome: Outcome, reason: string) => ({ outcome, reason, explanation: lateSoon });
  const waiting = queues.filter(({ jobs }) => jobs > 0);
  const jobs = waiting.reduce((sum, queue) => sum + queue.jobs, 0);
  if (processes.length === 0 && jobs > 0) {
    return trouble("down", `${jobs} ${jobs === 1 ? "job waits" : "jobs wait"} and no Sidekiq process is alive`);
  }
  if (processes.length === 0) return trouble("degraded", "no Sidekiq process is alive; no job waits yet");
  const working = processes.filter(({ quiet }) => !quiet);
  if (working.length === 0) {
    return trouble("degraded", "every Sidekiq process is quiet: it was told to stop and takes no further job");
  }
  const served = new Set(working.flatMap((process) => process.queues));
  const orphans = waiting.filter(({ name }) => watched.get(name)?.page !== undefined && !served.has(name));
  // An older or newer Sidekiq may not say what it serves: that is no reason to accuse it.
  if (orphans.length > 0 && served.size > 0) {
    const names = orphans.map(({ name }) => name).join(", ");
    return trouble("degraded", `jobs wait, and no Sidekiq process serves ${plainText(names, 100)}`);
  }
  return { outcome: "up" };
}

/** `queue="*"`: sets and sums that belong to no single queue. */
function readings(state: SidekiqState): readonly Reading[] {
  const all = (state_: string, value: number): Reading => ({
    metric: "queue_jobs",
    value,
    labels: { queue: "*", state: state_ },
  });
  return [
    ...state.queues.flatMap(({ name, jobs, latencySeconds }): Reading[] => [
      { metric: "queue_jobs", value: jobs, labels: { queue: name, state: "enqueued" } },
      ...(latencySeconds === undefined
        ? []
        : [{ metric: "queue_latency_seconds", value: latencySeconds, labels: { queue: name } }]),
    ]),
    all("scheduled", state.scheduled),
    all("retry", state.retry),
    all("dead", state.dead),
    all(
      "busy",
      state.processes.reduce((sum, { busy }) => sum + busy, 0),
    ),
    { metric: "queue_processes", value: state.processes.length },
    { metric: "queue_processed_total", value: state.processed },
    { metric: "queue_failed_total", value: state.failed },
  ];
}

function evidence(state: SidekiqState): string {
  const { queues, processes, scheduled, retry, dead, queuesLeftOut } = state;
  const quiet = processes.filter((process) => process.quiet).length;
  const lines = [
    `${processes.length} live processes${quiet > 0 ? ` (${quiet} quiet)` : ""}, ${retry} retries, ${scheduled} scheduled, ${dead} dead`,
    ...queues
      .filter(({ jobs }) => jobs > 0)
      .map(({ name, jobs, latencySeconds }) => {
        const age = latencySeconds === undefined ? "of unknown age" : `the oldest ${Math.round(latencySeconds)} s old`;
        return `${plainText(name, 60)}: ${jobs} jobs, ${age}`;
      }),
    ...(queuesLeftOut ? ["there are more queues than were looked at"] : []),
  ];
  return lines.join("\n");
}
