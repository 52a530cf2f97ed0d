/** The sidekiq probe: the latency of Sidekiq's queues, as Sidekiq itself counts it, and whether workers serve them. */
import { z } from "zod";
import { defineProbe } from "../core/probe.ts";
import { redisUrl, redisUrlForms } from "./databases/redis-address.ts";
import { withRedis } from "./databases/redis-client.ts";
import { certificateAuthority } from "./lib/certificate.ts";
import { latencyThresholds, queueSettings, tolerances } from "./queues/latency-limits.ts";
import { mastodonQueues, sidekiqThresholds } from "./queues/mastodon-queues.ts";
import { sidekiqEvidence, sidekiqMetrics, sidekiqReadings } from "./queues/sidekiq-findings.ts";
import { SidekiqHistory } from "./queues/sidekiq-history.ts";
import { judged } from "./queues/sidekiq-judgement.ts";
import { readSidekiq } from "./queues/sidekiq-state.ts";

const options = z.strictObject({
  url: redisUrl().describe(`Address of Sidekiq's Redis, ${redisUrlForms}.`),
  ca: certificateAuthority(),
  namespace: z
    .string()
    .regex(/^[^\s:]{1,100}$/, { error: "a namespace has no spaces and no colon" })
    .optional()
    .describe("REDIS_NAMESPACE of Mastodon 4.3 and older."),
  ...queueSettings(
    "default 15s/2m, push 1m/10m, ingress 2m/30m, mailers 5m/30m, pull 15m/6h, scheduler 10m/1h, as Mastodon ranks them",
  ),
  deaths: z
    .int()
    .min(1)
    .prefault(25)
    .describe("So many jobs given up for good within an hour are worth a look this week."),
  retryGrowth: z
    .int()
    .min(1)
    .prefault(1000)
    .describe("So many more failed jobs waiting for another try than an hour ago are worth a look this week."),
});

export default defineProbe({
  summary: "Reads Sidekiq's queues, retries, deaths and workers from Redis, without ever listing jobs.",
  internal: true,
  readings: sidekiqMetrics,
  options,
  runbook: "queue-latency",
  example: { url: { env: "MASTODON_REDIS_URL" }, queues: { default: { page: "3m" } } },

  thresholds({ queues, ignore, ...settings }) {
    const watched = tolerances(mastodonQueues, queues, ignore);
    return [...latencyThresholds(mastodonQueues, watched, settings.lateFor), ...sidekiqThresholds(watched, settings)];
  },

  async run({ url, ca, namespace, queues, ignore }, { signal, clock, memory }) {
    const watched = tolerances(mastodonQueues, queues, ignore);
    const history = SidekiqHistory.of(memory);
    const { newestDeath, queues: remembered } = history;
    const question = { namespace, expected: Object.keys(queues), diedAfter: newestDeath, remembered };
    const { answer: state, phases } = await withRedis(url, { signal, clock, ca }, (redis) =>
      readSidekiq(redis, question),
    );
    const trend = history.note(state, clock.monotonicSeconds());
    return {
      ...judged(state, trend, watched),
      readings: sidekiqReadings(state, trend),
      evidence: sidekiqEvidence(state, trend),
      phases,
    };
  },
});
