/** The horizon probe: Laravel's queues in Redis (Pixelfed's, or any other's), and Horizon, whose workers serve them. */
import { z } from "zod";
import { defineProbe } from "../core/probe.ts";
import { redisUrl, redisUrlForms } from "./databases/redis-address.ts";
import { withRedis } from "./databases/redis-client.ts";
import { certificateAuthority } from "./lib/certificate.ts";
import { horizonEvidence, horizonMetrics, horizonReadings, judged, seenHorizon } from "./queues/horizon-findings.ts";
import { readHorizon } from "./queues/horizon-state.ts";
import { latencyThresholds, queueSettings, tolerances } from "./queues/latency-limits.ts";
import { horizonThresholds, pixelfedQueues } from "./queues/pixelfed-queues.ts";

const prefix = z.string().regex(/^[^\s]{0,100}$/, { error: "a prefix of keys has no spaces" });

const options = z.strictObject({
  url: redisUrl().describe(`Address of the queues' Redis, ${redisUrlForms}.`),
  ca: certificateAuthority(),
  prefix: prefix
    .prefault("")
    .describe("What stands before `queues:` in the keys. Pixelfed has nothing there, other software `name_database_`."),
  horizonPrefix: prefix
    .prefault("horizon-")
    .describe("HORIZON_PREFIX. Where it was never set: `horizon-` in Pixelfed."),
  supervised: z
    .boolean()
    .prefault(true)
    .describe("Whether Horizon works on the queues. With plain `queue:work`, which leaves no sign of life: false."),
  ...queueSettings(
    "high 1m/5m, default 2m/10m, feed 2m/15m, inbox 2m/30m, follow and shared 5m/30m, mmo 5m/1h, story 15m/2h, the others 15m/6h",
  ),
  failures: z
    .int()
    .min(1)
    .prefault(25)
    .describe("So many jobs that failed for good within an hour are worth a look this week."),
});

export default defineProbe({
  summary: "Reads the queues, workers and failures of a Laravel server with Horizon from Redis, such as Pixelfed's.",
  internal: true,
  readings: horizonMetrics,
  options,
  runbook: "queue-latency",
  example: { url: { env: "PIXELFED_REDIS_URL" } },

  thresholds: ({ queues, ignore, ...settings }) => [
    ...latencyThresholds(pixelfedQueues, tolerances(pixelfedQueues, queues, ignore), settings.lateFor),
    ...horizonThresholds(settings),
  ],

  async run({ url, ca, queues, ignore, supervised, ...prefixes }, { signal, clock, memory }) {
    const watched = tolerances(pixelfedQueues, queues, ignore);
    const { answer, phases } = await withRedis(url, { signal, clock, ca }, (redis) =>
      readHorizon(redis, { ...prefixes, expected: [...watched.keys()] }),
    );
    const state = seenHorizon(answer, { memory, clock });
    return {
      ...judged(state, watched, supervised),
      readings: horizonReadings(state, watched),
      evidence: horizonEvidence(state),
      phases,
    };
  },
});
