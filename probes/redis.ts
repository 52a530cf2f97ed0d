/** The redis probe: whether a Redis takes writes, keeps what it has, and has memory left. */
import { z } from "zod";
import { duration } from "../core/config/settings.ts";
import { NotMeasured } from "../core/errors.ts";
import { defineProbe } from "../core/probe.ts";
import { redisUrl, redisUrlForms } from "./databases/redis-address.ts";
import { withRedis } from "./databases/redis-client.ts";
import { judged, redisEvidence, redisMetrics, redisReadings, redisThresholds } from "./databases/redis-findings.ts";
import { parseInfo, RedisHistory } from "./databases/redis-health.ts";
import { certificateAuthority } from "./lib/certificate.ts";

const options = z.strictObject({
  url: redisUrl().describe(`Address of the Redis, ${redisUrlForms}.`),
  ca: certificateAuthority(),
  cache: z
    .boolean()
    .prefault(false)
    .describe("Whether it is a cache only: full memory and keys thrown out are then nothing to tell about."),
  replicas: z.int().min(0).max(100).prefault(0).describe("How many replicas must follow it."),
  fullFor: duration().prefault("4m").describe("How long its memory must stay at a level before somebody is told."),
});

export default defineProbe({
  summary: "Asks a Redis about its memory, lost keys, refused writes, saving to disk and replication.",
  internal: true,
  readings: redisMetrics,
  options,
  runbook: "redis-memory",
  example: { url: { env: "MASTODON_REDIS_URL" } },

  thresholds: redisThresholds,

  async run({ url, ca, ...expected }, { signal, clock, memory }) {
    const { answer, phases } = await withRedis(url, { signal, clock, ca }, (redis) => redis.ask([["info"]]));
    const info = parseInfo(textOf(answer));
    const lately = RedisHistory.of(memory).note(info, clock.monotonicSeconds());
    return {
      ...judged(info, lately, expected),
      readings: redisReadings(info, clock.now().epochMilliseconds / 1000),
      evidence: redisEvidence(info, lately),
      phases,
    };
  },
});

function textOf(answer: unknown): string {
  const parsed = z.tuple([z.string()]).safeParse(answer);
  if (!parsed.success) throw new NotMeasured("what should be a Redis answers INFO with something else");
  return parsed.data[0];
}
