/** The horizon probe against a real Redis that holds what Laravel and Horizon really left there. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import { startRedis } from "../../practice/servers/redis.ts";
import { type RedisReader, withRedis } from "../../probes/databases/redis-client.ts";
import probe from "../../probes/horizon.ts";
import { frontOf } from "../../probes/queues/horizon-latency.ts";
import { readHorizon } from "../../probes/queues/horizon-state.ts";
import { systemClock } from "../../program/system-clock.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { command, expectAge, redisMicroseconds, redisSeconds, redisWith } from "../helpers/redis-dump.ts";
import { redisTest } from "../helpers/redis-test.ts";
import { runProbe } from "../helpers/run-probe.ts";

const capturedHorizon = dump("horizon-5.10.6.json");
const capturedQueues = dump("redis-queue-8.83.json");
const capturedAt = 1_795_397_866.348;
const prefixes = { prefix: "", horizonPrefix: "horizon-" };

describe("Horizon 5.10.6", () => {
  redisTest("is read as it was when it was captured: waiting, delayed and taken jobs, and who works", async () => {
    await using redis = await redisWith(capturedHorizon);
    const state = await stateAt(redis.url, capturedAt);
    const queue = (name: string) => state.queues.find((each) => each.name === name);
    expect(queue("default")).toMatchObject({ jobs: 2, delayed: 0, reserved: 0 });
    // The oldest was pushed at …866.2213: the head of the list, not its tail.
    expect(queue("default")?.latencySeconds).toBeCloseTo(0.1267, 3);
    expect(queue("feed")?.latencySeconds).toBeCloseTo(0.0889, 3);
    expect(queue("low")).toMatchObject({ jobs: 0, latencySeconds: 0, delayed: 1, overdue: 0, overdueSeconds: 0 });
    expect(queue("high")).toMatchObject({ jobs: 0, reserved: 1, abandoned: 0 });
    expect(state.masters).toEqual([{ name: "web1-AbCd", paused: false }]);
    expect(state.supervisors).toEqual([
      {
        name: "web1-AbCd:supervisor-1",
        paused: false,
        queues: ["high", "default", "follow", "shared", "inbox", "feed", "low", "story", "delete", "mmo", "intbg"],
        workers: 0,
      },
    ]);
    expect(state.queues.map(({ name }) => name)).toEqual([...(state.supervisors[0]?.queues ?? [])].toSorted());
  });

  redisTest("an hour later a delayed job is overdue, and a taken one was never given back", async () => {
    await using redis = await redisWith(capturedHorizon);
    const state = await stateAt(redis.url, capturedAt + 3600);
    expect(state.queues.find(({ name }) => name === "low")).toMatchObject({ overdue: 1 });
    expect(state.queues.find(({ name }) => name === "low")?.overdueSeconds).toBeCloseTo(2700.348, 2);
    expect(state.queues.find(({ name }) => name === "high")).toMatchObject({ reserved: 1, abandoned: 1 });
    expect(state.queues.find(({ name }) => name === "default")?.latencySeconds).toBeCloseTo(3600.1267, 3);
  });

  redisTest("with late jobs says so to members, in both languages and with the age", async () => {
    await using redis = await redisWith(capturedHorizon);
    await command(redis.url, async (client) => {
      const now = Number((await client.time())[0]);
      await client.lset("queues:default", 0, JSON.stringify({ uuid: "a", pushedAt: `${now - 841}.25` }));
    });
    expect(await run(redis.url, { ignore: ["feed"] })).toMatchObject({
      outcome: "up",
      reason: expect.stringMatching(/^default: its oldest job has waited for 1[45] minutes$/),
      explanation: {
        en: expect.stringMatching(
          /^Posts and notifications arrive late: the oldest waiting job is 1[45] minutes old\.$/,
        ),
        fr: expect.stringMatching(
          /^Les publications et les notifications arrivent en retard\u00a0: .* 1[45] minutes\.$/,
        ),
      },
    });
  });

  redisTest("without master and supervisor is down, as soon as jobs wait", async () => {
    await using redis = await redisWith(capturedHorizon);
    await putJobs(redis.url, "default", [{ uuid: "a", before: 840 }]);
    await putJobs(redis.url, "feed", []);
    await gone(redis.url);
    expect(await run(redis.url)).toMatchObject({
      outcome: "down",
      reason: "1 job waits and Horizon does not run",
      runbook: "queue-latency",
      explanation: {
        en: expect.stringMatching(/^Posts and photos arrive late, .* the oldest waiting job is 1[45] minutes old\.$/),
        fr: expect.stringMatching(/^Les publications et les photos arrivent en retard, .* depuis 1[45] minutes\.$/),
      },
    });
    await command(redis.url, (client) => client.del("queues:default", "queues:feed"));
    const [clock, memory] = [new FakeClock(), new Map<string, unknown>()];
    expect(await run(redis.url, {}, { clock, memory })).toMatchObject({
      outcome: "unknown",
      reason: "Horizon does not run, perhaps only for a restart",
    });
    await clock.turn(120);
    expect(await run(redis.url, {}, { clock, memory })).toMatchObject({
      outcome: "degraded",
      reason: "Horizon does not run; no job waits yet",
    });
  });

  redisTest("that is restarted is no trouble for two minutes, whatever waits", async () => {
    await using redis = await redisWith(capturedHorizon);
    const [clock, memory] = [new FakeClock(), new Map<string, unknown>()];
    const look = () => run(redis.url, { ignore: ["default", "feed"] }, { clock, memory });
    expect(await look()).toMatchObject({ outcome: "up" });
    await putJobs(redis.url, "default", [{ uuid: "a", before: 840 }]);
    await gone(redis.url);
    await clock.turn(60);
    expect(await look()).toMatchObject({
      outcome: "up",
      reason: "Horizon does not run, perhaps only for a restart",
    });
    await clock.turn(120);
    expect(await look()).toMatchObject({ outcome: "down", reason: "1 job waits and Horizon does not run" });
  });

  redisTest("a job that is tried again is as old as it stands there, not as its first date says", async () => {
    await using redis = await redisWith(capturedHorizon);
    const [clock, memory] = [new FakeClock(), new Map<string, unknown>()];
    const look = () => run(redis.url, { ignore: ["feed"] }, { clock, memory });
    const latency = ({ readings = [] }: Awaited<ReturnType<typeof look>>) =>
      readings.find(({ metric, labels }) => metric === "queue_latency_seconds" && labels?.["queue"] === "default")
        ?.value;
    await putJobs(redis.url, "default", [{ uuid: "a", before: 7200, attempts: 3 }]);
    const first = await look();
    expect([first.reason, latency(first)]).toEqual([undefined, 0]);
    await clock.turn(900);
    const later = await look();
    expect(later.reason).toBe("default: its oldest job has waited for 15 minutes");
    expect(latency(later)).toBe(900);
    // What stands behind it came later, and says how long it waits at least.
    await putJobs(redis.url, "default", [
      { uuid: "b", before: 7200, attempts: 1 },
      { uuid: "c", before: 1260 },
    ]);
    expect((await look()).reason).toMatch(/^default: its oldest job has waited for 2[12] minutes$/);
    // Laravel from 12 on says how long it was to be delayed.
    await putJobs(redis.url, "default", [{ uuid: "d", before: 7230, delay: 7200 }]);
    expect(latency(await look())).toBeLessThan(120);
  });

  redisTest("jobs of a worker that died become a ticket, unless their queue is ignored", async () => {
    await using redis = await redisWith(capturedHorizon);
    await command(redis.url, async (client) => {
      const now = Number((await client.time())[0]);
      for (let job = 0; job < 440; job++) await client.zadd("queues:mmo:reserved", now - 3600, `{"uuid":"${job}"}`);
      await client.zadd("queues:high:reserved", now + 60, "{}");
      await client.zremrangebyscore("queues:high:reserved", "-inf", now);
    });
    const abandoned = async (options = {}) =>
      (await run(redis.url, options)).readings?.find(({ metric }) => metric === "queue_abandoned_jobs")?.value;
    expect(await abandoned()).toBe(440);
    expect(await abandoned({ ignore: ["mmo"] })).toBe(0);
    const settings = probe.options.parse({ url: new Secret(redis.url) });
    expect(probe.thresholds?.(settings).find(({ id }) => id === "abandoned")).toMatchObject({
      metric: "queue_abandoned_jobs",
      raiseAt: 1,
      raiseAfterSeconds: 600,
      urgency: "ticket",
    });
  });

  redisTest.each([
    ["horizon-master:web1-AbCd", "Horizon is paused: it takes no job until it is told to continue"],
    ["horizon-supervisor:web1-AbCd:supervisor-1", "every supervisor of Horizon is paused"],
  ])("with %s paused is degraded", async (key, reason) => {
    await using redis = await redisWith(capturedHorizon);
    await putJobs(redis.url, "default", [{ uuid: "a", before: 840 }]);
    await command(redis.url, (client) => client.hset(key, "status", "paused"));
    // Horizon pauses its supervisors with itself.
    await command(redis.url, (client) => client.hset("horizon-supervisor:web1-AbCd:supervisor-1", "status", "paused"));
    expect(await run(redis.url)).toMatchObject({ outcome: "degraded", reason: `${reason}; 2 jobs wait` });
  });

  redisTest("with a queue that no supervisor serves is degraded", async () => {
    await using redis = await redisWith(capturedHorizon);
    await putJobs(redis.url, "feed", [{ uuid: "a", before: 840 }]);
    await command(redis.url, (client) =>
      client.hset("horizon-supervisor:web1-AbCd:supervisor-1", {
        options: JSON.stringify({ queue: "high,default" }),
        processes: JSON.stringify({ "redis:high": 2, "redis:default": 3 }),
      }),
    );
    const sample = await run(redis.url);
    expect(sample).toMatchObject({
      outcome: "degraded",
      reason: "jobs wait, and no supervisor serves feed",
      explanation: { en: expect.stringMatching(/^Timelines are filled late: the oldest waiting job is 1[45] minutes/) },
    });
    expect(sample.readings).toContainEqual({ metric: "queue_processes", value: 5 });
  });

  redisTest("tells how old the snapshot of the cron is, and what failed within the hour", async () => {
    await using redis = await redisWith(capturedHorizon);
    const now = await redisSeconds(redis.url);
    await command(redis.url, async (client) => {
      await client.set("horizon-last_snapshot_at", now - 1200);
      // Horizon's scores are negative moments.
      await client.zadd("horizon-failed_jobs", -(now - 60.5), "new", -(now - 7200), "old");
    });
    const { readings = [] } = await run(redis.url);
    const value = (metric: string) => readings.find((reading) => reading.metric === metric)?.value;
    expectAge(value("queue_cron_age_seconds"), 1200, now);
    expect(value("queue_dead_recent_jobs")).toBe(1);
    expect(readings).toContainEqual({ metric: "queue_jobs", value: 2, labels: { queue: "*", state: "dead" } });
    expect(readings).toContainEqual({
      metric: "queue_supervisors",
      value: 1,
      labels: { role: "supervisor", status: "running" },
    });
  });
});

describe("plain Laravel queues of version 8, whose jobs carry no time", () => {
  const settings = { prefix: "pixelfed_database_", supervised: false };

  redisTest("are counted under their prefix", async () => {
    await using redis = await redisWith(capturedQueues);
    const { readings = [], outcome } = await run(redis.url, settings);
    expect(outcome).toBe("up");
    const jobs = (queue: string, state: string) =>
      readings.find(({ labels }) => labels?.["queue"] === queue && labels["state"] === state)?.value;
    expect(jobs("default", "enqueued")).toBe(2);
    expect(jobs("default", "scheduled")).toBe(1);
    expect(jobs("high", "busy")).toBe(1);
    expect(jobs("inbox", "enqueued")).toBe(1);
    // The tokens that wake workers are no jobs.
    expect(jobs("default:notify", "enqueued")).toBeUndefined();
  });

  redisTest("are late by as long as the same job has stood at the front, and no longer when it moves", async () => {
    await using redis = await redisWith(capturedQueues);
    const [clock, memory] = [new FakeClock(), new Map<string, unknown>()];
    const waits = async () => {
      const { readings = [] } = await run(redis.url, settings, { clock, memory });
      return readings.find(
        ({ metric, labels }) => metric === "queue_latency_seconds" && labels?.["queue"] === "default",
      )?.value;
    };
    expect(await waits()).toBe(0);
    await clock.turn(900);
    expect(await waits()).toBe(900);
    await command(redis.url, (client) => client.lpop("pixelfed_database_queues:default"));
    expect(await waits()).toBe(0);
  });

  redisTest("are down without Horizon where Horizon should be", async () => {
    await using redis = await redisWith(capturedQueues);
    const [clock, memory] = [new FakeClock(), new Map<string, unknown>()];
    const look = () => run(redis.url, { prefix: "pixelfed_database_" }, { clock, memory });
    expect((await look()).outcome).toBe("unknown");
    await clock.turn(120);
    expect(await look()).toMatchObject({
      outcome: "down",
      reason: expect.stringContaining("Horizon does not run"),
    });
  });
});

redisTest("where there is no Horizon it says what to check", async () => {
  await using redis = await redisWith(capturedQueues);
  expect(await run(redis.url)).toMatchObject({
    outcome: "unknown",
    reason: "there is no Horizon in this Redis: check the database number and the prefixes",
  });
  await command(redis.url, (client) => client.set("horizon-masters", "something else"));
  expect(await run(redis.url)).toMatchObject({ outcome: "unknown", reason: expect.stringContaining("something else") });
});

redisTest("a million jobs cost Redis less than 50 ms", async () => {
  await using redis = await startRedis();
  await command(redis.url, async (client) => {
    const job = JSON.stringify({ uuid: "x", data: "x".repeat(200), pushedAt: "1795397866.2213" });
    for (const key of ["queues:default", "queues:feed"]) {
      await client.call("EVAL", "for i = 1, 500000 do redis.call('RPUSH', KEYS[1], ARGV[1]) end", 1, key, job);
    }
  });
  const { evidence } = await run(redis.url);
  expect(evidence).toContain("default: 500000 jobs");
  const microseconds = await redisMicroseconds(redis.url, () => run(redis.url));
  expect(microseconds).toBeGreaterThan(0);
  expect(microseconds).toBeLessThan(50_000);
});

test("any text may be a job, and is never a crash", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (job) => {
      const { since } = frontOf(job);
      expect(since === undefined || Number.isFinite(since)).toBe(true);
    }),
  );
  expect(frontOf('{"uuid":"a","pushedAt":"1795397866.2213"}')).toEqual({ id: "a", since: 1_795_397_866.2213 });
  expect(frontOf('{"id":"b","createdAt":1795397866}')).toEqual({ id: "b", since: 1_795_397_866 });
  expect(frontOf('{"uuid":"c","pushedAt":"1795397866","delay":60,"attempts":0}').since).toBe(1_795_397_926);
  expect(frontOf('{"uuid":"d","pushedAt":"1795397866","attempts":1}').since).toBeUndefined();
  expect(frontOf('{"uuid":7,"pushedAt":"soon","createdAt":1795397866}').since).toBe(1_795_397_866);
});

interface WaitingJob {
  readonly uuid: string;
  /** Pushed so many seconds ago. */
  readonly before: number;
  readonly attempts?: number;
  readonly delay?: number;
}

/** In place of what the queue holds. */
const putJobs = (url: string, queue: string, jobs: readonly WaitingJob[]) =>
  command(url, async (client) => {
    const now = Number((await client.time())[0]);
    await client.del(`queues:${queue}`);
    for (const { before, ...job } of jobs) {
      await client.rpush(`queues:${queue}`, JSON.stringify({ ...job, pushedAt: `${now - before - 1}.75` }));
    }
  });

/** What happens by itself 30 seconds after Horizon was killed; the sorted sets still name it. */
const gone = (url: string) =>
  command(url, (client) => client.del("horizon-master:web1-AbCd", "horizon-supervisor:web1-AbCd:supervisor-1"));

function dump(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`../fixtures/laravel/${file}`, import.meta.url), "utf8"));
}

const run = (
  url: string,
  options: Readonly<Record<string, unknown>> = {},
  settings: Parameters<typeof runProbe>[2] = {},
) => runProbe(probe, { url: new Secret(url), ...options }, settings);

/** As if it were asked at that moment: everything is real but the time Redis says. */
async function stateAt(url: string, seconds: number) {
  const context = { signal: new AbortController().signal, clock: systemClock };
  const { answer } = await withRedis(new Secret(url), context, (redis) => {
    const then: RedisReader = {
      ask: async (commands) =>
        (await redis.ask(commands)).map((told, index) =>
          commands[index]?.[0] === "time" ? [Math.floor(seconds), Math.round((seconds % 1) * 1_000_000)] : told,
        ),
    };
    return readHorizon(then, { ...prefixes, expected: [] });
  });
  return answer;
}
