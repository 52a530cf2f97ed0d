/** Sidekiq's queues, read from a real Redis that holds what Sidekiq 6, 7 and 8 really left there. */
import { readdirSync, readFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { systemClock } from "../../collector/system-clock.ts";
import { Secret } from "../../core/secret.ts";
import { freePort } from "../../practice/servers/ports.ts";
import { startRedis } from "../../practice/servers/redis.ts";
import { openSidekiqQueues } from "../../practice/sidekiq-queues.ts";
import { type RedisReader, withRedis } from "../../probes/lib/redis.ts";
import { redisAddress } from "../../probes/lib/redis-address.ts";
import { enqueuedAt, readSidekiq } from "../../probes/lib/sidekiq-state.ts";
import probe from "../../probes/sidekiq.ts";
import { certificate } from "../helpers/certificates.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { command, redisWith as redisHolding } from "../helpers/redis-dump.ts";
import { redisTest } from "../helpers/redis-test.ts";
import { runProbe } from "../helpers/run-probe.ts";

const fixtures = new URL("../fixtures/sidekiq/", import.meta.url);
const versions = readdirSync(fixtures).filter((name) => /^\d/.test(name));
const moments = ["1-enqueued", "2-working", "3-quiet", "4-stopped"] as const;

const Oracle = z.object({
  at_ms: z.number(),
  queues: z.record(z.string(), z.object({ size: z.number(), latency_s: z.number() })),
  stats: z.object({
    processed: z.number(),
    failed: z.number(),
    scheduled: z.number(),
    retry: z.number(),
    dead: z.number(),
    processes: z.number(),
    busy: z.number(),
  }),
  processes: z.array(z.object({ quiet: z.string(), queues: z.array(z.string()) })),
});

test("every captured version is tested", () => {
  expect(versions).toEqual(["6.4.1", "7.3.9", "8.0.9", "8.1.6"]);
});

describe.each(versions)("Sidekiq %s", (version) => {
  redisTest.each(moments)("counts at %s what Sidekiq's own API counts", async (moment) => {
    await using redis = await redisWith(`${version}/${moment}.json`);
    const oracle = Oracle.parse(fixture(`${version}/${moment}.api.json`));
    const state = await stateAt(redis.url, oracle.at_ms);

    expect(state.queues.map(({ name, jobs }) => [name, jobs])).toEqual(
      Object.entries(oracle.queues)
        .map(([name, { size }]) => [name, size])
        .toSorted(),
    );
    for (const { name, latencySeconds } of state.queues) {
      // Its API asked one queue after the other, in the milliseconds after it had looked at the clock.
      const later = (oracle.queues[name]?.latency_s ?? Number.NaN) - (latencySeconds ?? Number.NaN);
      expect(later, name).toBeGreaterThan(-0.001);
      expect(later, name).toBeLessThan(0.05);
    }
    const { stats } = oracle;
    expect(state).toMatchObject({
      scheduled: { jobs: stats.scheduled },
      retry: { jobs: stats.retry },
      dead: { jobs: stats.dead },
      processed: stats.processed,
      failed: stats.failed,
    });
    expect(state.processes.map(({ quiet, queues }) => ({ quiet: String(quiet), queues }))).toEqual(oracle.processes);
    expect(state.processes.reduce((sum, { busy }) => sum + busy, 0)).toBe(stats.busy);
  });

  redisTest("with jobs and no worker is down, in words for members", async () => {
    await using redis = await redisWith(`${version}/1-enqueued.json`);
    expect(await run(redis.url)).toMatchObject({
      outcome: "down",
      reason: "14 jobs wait and no Sidekiq process is alive",
      explanation: { en: expect.stringContaining("arrive late"), fr: expect.stringContaining("en retard") },
    });
  });

  redisTest("with queues that no process serves is degraded", async () => {
    await using redis = await redisWith(`${version}/2-working.json`);
    expect(await run(redis.url)).toMatchObject({
      outcome: "degraded",
      reason: "jobs wait, and no Sidekiq process serves ingress, scheduler",
    });
    expect(await run(redis.url, { ignore: ["ingress", "scheduler"] })).toMatchObject({ outcome: "up" });
  });

  redisTest("with only a quiet process is degraded", async () => {
    await using redis = await redisWith(`${version}/3-quiet.json`);
    const { outcome, reason } = await run(redis.url);
    expect([outcome, reason]).toEqual(["degraded", expect.stringContaining("quiet")]);
  });

  redisTest("does not count a process that was killed a minute ago", async () => {
    await using redis = await redisWith(`${version}/5-crashed-62s.json`);
    const sample = await run(redis.url);
    expect(sample.outcome).toBe("down");
    expect(sample.readings).toContainEqual({ metric: "queue_processes", value: 0 });
  });
});

redisTest(
  "latency follows the clock of Redis, in seconds and in milliseconds, and never falls below zero",
  async () => {
    await using redis = await startRedis();
    await command(redis.url, async (client) => {
      const [now = ""] = (await client.time()).map(Number).map(String);
      await client.sadd("queues", "old", "new", "ahead", "blank", "broken", "empty");
      await client.lpush("queue:old", JSON.stringify({ enqueued_at: Number(now) - 90 }));
      await client.lpush("queue:new", JSON.stringify({ enqueued_at: (Number(now) - 90) * 1000 }));
      await client.lpush("queue:ahead", JSON.stringify({ enqueued_at: Number(now) + 500 }));
      await client.lpush("queue:blank", JSON.stringify({ jid: "x" }));
      await client.lpush("queue:broken", "\u0000{not json");
    });
    const sample = await run(redis.url);
    const latencies = Object.fromEntries(
      (sample.readings ?? [])
        .filter(({ metric }) => metric === "queue_latency_seconds")
        .map(({ labels, value }) => [labels?.["queue"], value]),
    );
    expect(latencies["old"]).toBeGreaterThanOrEqual(90);
    expect(latencies["old"]).toBeLessThan(95);
    expect(latencies["new"]).toBeGreaterThanOrEqual(90);
    expect(latencies["new"]).toBeLessThan(95);
    expect(latencies["ahead"]).toBe(0);
    expect(latencies["empty"]).toBe(0);
    // Its age is not known: no figure is better than a wrong one.
    expect(Object.keys(latencies)).not.toContain("blank");
    expect(Object.keys(latencies)).not.toContain("broken");
    expect(sample.readings).toContainEqual({
      metric: "queue_jobs",
      value: 1,
      labels: { queue: "broken", state: "enqueued" },
    });
  },
);

test("any text may be a job, and is never a crash", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (job) => {
      const moment = enqueuedAt(job);
      expect(moment === undefined || Number.isFinite(moment)).toBe(true);
    }),
  );
  expect(enqueuedAt('{"enqueued_at":1795396386.849755}')).toBe(1795396386.849755);
  expect(enqueuedAt('{"enqueued_at":1795396272231}')).toBe(1795396272.231);
  expect(enqueuedAt('{"created_at":1795396272231}')).toBe(1795396272.231);
  expect(enqueuedAt('{"enqueued_at":"yesterday"}')).toBeUndefined();
});

redisTest("keys with a namespace are found, and only those", async () => {
  await using redis = await startRedis();
  await command(redis.url, async (client) => {
    await client.sadd("mastodon:queues", "default");
    await client.lpush("mastodon:queue:default", JSON.stringify({ enqueued_at: 1_795_396_386 }));
  });
  expect(await run(redis.url)).toMatchObject({
    outcome: "unknown",
    reason: "there is no Sidekiq in this Redis: check the database number and the namespace",
  });
  expect(await run(redis.url, { namespace: "mastodon" })).toMatchObject({ outcome: "down" });
});

redisTest("another database number is another Sidekiq", async () => {
  await using redis = await startRedis();
  await command(redis.url, async (client) => {
    await client.select(3);
    await client.sadd("queues", "default");
  });
  expect((await run(redis.url)).outcome).toBe("unknown");
  expect((await run(redis.url.replace(/\/0$/, "/3"))).outcome).toBe("degraded");
  expect(await run(redis.url.replace(/\/0$/, "/99"))).toMatchObject({
    outcome: "unknown",
    reason: "Redis has no database of this number",
  });
});

redisTest("a user with the documented rights can look, and with less is told what is missing", async () => {
  await using redis = await redisWith("8.1.6/2-working.json");
  const rights =
    "+ping +select +time +info +llen +lindex +scard +smembers +sscan +sismember +zcard +zcount +zrange +get +mget +hget +hmget +hlen +exists +type";
  await command(redis.url, async (client) => {
    await client.call(
      "ACL",
      "SETUSER",
      "tidewatch",
      "on",
      ">monitor",
      "%R~*",
      "resetchannels",
      "-@all",
      ...rights.split(" "),
    );
    await client.call("ACL", "SETUSER", "blind", "on", ">monitor", "%R~*", "-@all", "+time", "+sscan", "+get");
  });
  expect((await run(loggedIn(redis.url, "tidewatch:monitor"))).outcome).toBe("degraded");
  expect(await run(loggedIn(redis.url, "blind:monitor"))).toMatchObject({
    outcome: "unknown",
    reason: "our Redis user may not ask ZCARD: extend its ACL",
  });
});

redisTest("a wrong password is our failure, and is not shown", async () => {
  await using redis = await startRedis();
  const wrong = await run(loggedIn(redis.url, ":hunter2-wrong"));
  expect(wrong).toMatchObject({ outcome: "unknown", reason: "Redis refused our user name or password" });
  expect(JSON.stringify(wrong)).not.toContain("hunter2");
  expect(await run(`redis://127.0.0.1:${redis.port}`)).toMatchObject({
    outcome: "unknown",
    reason: "Redis wants a password: put it into the address",
  });
});

test("a port where nothing listens is down", async () => {
  const sample = await run(`redis://:hunter2@127.0.0.1:${await freePort()}/0`);
  expect(sample).toMatchObject({ outcome: "down", reason: "refused the connection" });
  expect(JSON.stringify(sample)).not.toContain("hunter2");
});

test("a socket that does not exist is down", async () => {
  expect(await run("unix:///nowhere/redis.sock")).toMatchObject({ outcome: "down", reason: "there is no such socket" });
});

test.each([
  ["HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
  ["garbage", "\u0000\u0001\u0002\r\n"],
  ["answers that were not asked for", "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n"],
  ["a set where a number belongs", "*0\r\n:7\r\n"],
])("a server that speaks %s is no crash and no success", async (_, words) => {
  await using server = await talking(words);
  const sample = await run(`redis://127.0.0.1:${server.port}`);
  expect(["down", "unknown"]).toContain(sample.outcome);
});

test("a server that hangs up is down", async () => {
  await using server = await talking("");
  expect(await run(`redis://127.0.0.1:${server.port}`)).toMatchObject({
    outcome: "down",
    reason: expect.stringContaining("connection broke"),
  });
});

test("a server that accepts and says nothing is down at the deadline, and at a shutdown is nothing", async () => {
  await using server = await talking(undefined);
  const clock = new FakeClock();
  const hanging = run(`redis://127.0.0.1:${server.port}`, {}, { clock });
  await server.visited;
  await clock.turn(10);
  expect(await hanging).toMatchObject({ outcome: "down", reason: expect.stringContaining("no answer") });

  const shutdown = new AbortController();
  const ended = run(`redis://127.0.0.1:${server.port}`, {}, { signal: shutdown.signal });
  shutdown.abort(new Error("shutting down"));
  await expect(ended).rejects.toThrow("shutting down");
});

redisTest("over TLS it trusts the authority it was given, and no other", async () => {
  await using redis = await redisWith("8.1.6/2-working.json");
  const authority = certificate({ name: "Our authority", authority: true });
  const { certPem, keyPem } = certificate({ name: "redis", hosts: ["127.0.0.1", "localhost"], by: authority });
  await using proxy = await tlsProxy(redis.port, { cert: certPem, key: keyPem });
  const url = redis.url.replace("redis:", "rediss:").replace(String(redis.port), String(proxy.port));
  const ca = new Secret(authority.certPem);
  expect((await run(url, { ca })).outcome).toBe("degraded");
  expect((await run(url.replace("127.0.0.1", "localhost"), { ca })).outcome).toBe("degraded");
  expect(await run(url)).toMatchObject({
    outcome: "unknown",
    reason: expect.stringContaining("its certificate is not trusted"),
  });
  // Plain words to a TLS port.
  expect((await run(url.replace("rediss:", "redis:"))).outcome).toBe("down");
});

redisTest("leaves no connection behind", async () => {
  await using redis = await redisWith("8.1.6/2-working.json");
  await run(redis.url);
  await run(redis.url);
  await command(redis.url, async (client) => {
    await expect
      .poll(
        async () =>
          String(await client.client("LIST"))
            .trim()
            .split("\n").length,
      )
      .toBe(1);
  });
});

redisTest("200,000 jobs in a queue cost it no more than one", async () => {
  await using redis = await startRedis();
  await command(redis.url, async (client) => {
    const job = JSON.stringify({ args: ["x".repeat(2000)], enqueued_at: 1_795_396_386_000 });
    await client.sadd("queues", "push");
    await client.call("EVAL", "for i = 1, 200000 do redis.call('LPUSH', KEYS[1], ARGV[1]) end", 1, "queue:push", job);
    await client.call("CONFIG", "RESETSTAT");
  });
  const sample = await run(redis.url);
  expect(sample.readings).toContainEqual({
    metric: "queue_jobs",
    value: 200_000,
    labels: { queue: "push", state: "enqueued" },
  });
  await command(redis.url, async (client) => {
    const asked = (await client.info("commandstats")).match(/cmdstat_\w+:calls=\d+,usec=\d+/g) ?? [];
    const names = asked.map((line) => /cmdstat_(\w+)/.exec(line)?.[1]).filter((name) => name !== "config|resetstat");
    expect(names.toSorted()).toEqual(
      expect.arrayContaining(["auth", "get", "lindex", "llen", "sscan", "time", "zcard"]),
    );
    for (const costly of ["lrange", "keys", "scan", "smembers"]) expect(names).not.toContain(costly);
    const microseconds = asked.reduce((sum, line) => sum + Number(/usec=(\d+)/.exec(line)?.[1]), 0);
    // LRANGE of this queue takes a second; all of ours together take less than a thousandth of it.
    expect(microseconds).toBeLessThan(20_000);
  });
});

redisTest("a million names where the queues should be are not all read", async () => {
  await using redis = await startRedis();
  await command(redis.url, async (client) => {
    await client.call("EVAL", "for i = 1, 100000 do redis.call('SADD', KEYS[1], 'q' .. i) end", 1, "queues");
  });
  const sample = await run(redis.url);
  const queues = sample.readings?.filter(({ metric }) => metric === "queue_latency_seconds") ?? [];
  expect(queues.length).toBeLessThanOrEqual(100);
  expect(sample.evidence).toContain("more queues than were looked at");
});

describe("the settings", () => {
  test("tell two levels for each of Mastodon's queues, with room between raising and clearing", () => {
    const thresholds = probe.thresholds?.(probe.options.parse({ url: new Secret("redis://localhost") })) ?? [];
    expect(thresholds.find(({ id }) => id === "late-default")).toMatchObject({
      metric: "queue_latency_seconds",
      labels: { queue: "default" },
      raiseAt: 120,
      clearAt: 40,
      raiseAfterSeconds: 300,
      urgency: "page",
      affects: "degraded",
      runbook: "queue-latency",
    });
    expect(thresholds.filter(({ urgency }) => urgency === "page").map(({ id }) => id)).toEqual([
      ...["default", "push", "ingress", "mailers", "pull", "scheduler"].map((queue) => `late-${queue}`),
      "overdue-long",
      "cron-long",
    ]);
    for (const { raiseAt, clearAt } of thresholds) expect(clearAt).toBeLessThan(raiseAt);
    expect(new Set(thresholds.map(({ id }) => id)).size).toBe(thresholds.length);
  });

  test("of one queue change that queue, add one, or silence one", () => {
    const options = probe.options.parse({
      url: new Secret("redis://localhost"),
      queues: { push: { page: "20m" }, chat: { page: "1m" } },
      ignore: ["pull"],
      lateFor: "0s",
    });
    const thresholds = probe.thresholds?.(options) ?? [];
    const page = (queue: string) => thresholds.find(({ id }) => id === `late-${queue}`);
    expect(page("push")).toMatchObject({ raiseAt: 1200, raiseAfterSeconds: 0 });
    expect(page("chat")).toMatchObject({ raiseAt: 60, title: { en: expect.stringContaining("chat") } });
    expect(page("pull")).toBeUndefined();
  });

  test.each([
    "http://:hunter2@localhost",
    ":hunter2@localhost:6379",
    "redis://:hunter2@",
    "redis://:hunter2@localhost/one",
    "redis://hunter2:%zz@localhost",
  ])("refuse the address %s without repeating it", (address) => {
    const parsed = probe.options.safeParse({ url: new Secret(address) });
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error)).not.toContain("hunter2");
  });

  test("read every form of an address", () => {
    expect(redisAddress("rediss://moni%74or:p%40ss@[::1]:7000/2")).toEqual({
      host: "::1",
      port: 7000,
      tls: true,
      user: "monitor",
      password: "p@ss",
      database: 2,
    });
    expect(redisAddress("unix:///run/redis/redis.sock?db=1")).toMatchObject({
      path: "/run/redis/redis.sock",
      database: 1,
    });
    expect(redisAddress("redis://queue.example")).toMatchObject({ port: 6379, database: 0, password: "" });
  });
});

redisTest("the practice queues are healthy, late when stalled, orphaned when the worker dies, and mend", async () => {
  await using redis = await startRedis();
  await using queues = await openSidekiqQueues(redis.url, { everySeconds: 3600 });
  const latency = (sample: Awaited<ReturnType<typeof run>>) =>
    sample.readings?.find(({ metric, labels }) => metric === "queue_latency_seconds" && labels?.["queue"] === "default")
      ?.value;
  const healthy = await run(redis.url);
  expect(healthy.outcome).toBe("up");
  expect(latency(healthy)).toBeLessThan(5);

  await queues.stall("default", { ageSeconds: 1800 });
  await queues.beat();
  expect(latency(await run(redis.url))).toBeGreaterThanOrEqual(1800);
  await queues.drain("default");
  expect(latency(await run(redis.url))).toBeLessThan(5);

  await queues.killWorker();
  expect((await run(redis.url)).outcome).toBe("down");
  await queues.startWorker();
  expect((await run(redis.url)).outcome).toBe("up");
});

const redisWith = (path: string) => redisHolding(fixture(path));

const fixture = (path: string): unknown => JSON.parse(readFileSync(new URL(path, fixtures), "utf8"));

const run = (
  url: string,
  options: Readonly<Record<string, unknown>> = {},
  settings: Parameters<typeof runProbe>[2] = {},
) => runProbe(probe, { url: new Secret(url), ...options }, settings);

const loggedIn = (url: string, login: string): string => url.replace(/\/\/[^@]*@/, `//${login}@`);

/** As if it were asked at that moment: everything is real but the time Redis says. */
async function stateAt(url: string, atMilliseconds: number) {
  const { answer } = await withRedis(
    new Secret(url),
    { signal: new AbortController().signal, clock: systemClock },
    (redis) => {
      const then: RedisReader = {
        ask: async (commands) =>
          (await redis.ask(commands)).map((answer, index) =>
            commands[index]?.[0] === "time"
              ? [Math.floor(atMilliseconds / 1000), (atMilliseconds % 1000) * 1000]
              : answer,
          ),
      };
      return readSidekiq(then);
    },
  );
  return answer;
}

async function tlsProxy(target: number, options: TlsOptions) {
  const proxy = createTlsServer(options, (socket) => {
    const onward = createConnection(target, "127.0.0.1");
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  proxy.on("tlsClientError", () => {});
  const port = await freePort();
  await new Promise<void>((listening) => proxy.listen(port, "127.0.0.1", listening));
  return { port, [Symbol.asyncDispose]: () => new Promise<void>((closed) => proxy.close(() => closed())) };
}

/** Something on a port that says one thing to everybody and hangs up; with undefined it only listens. */
async function talking(words: string | undefined) {
  const { promise: visited, resolve } = Promise.withResolvers<void>();
  const sockets = new Set<import("node:net").Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => {
      if (words !== undefined) socket.end(words);
      resolve();
    });
  });
  const port = await freePort();
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  return {
    port,
    visited,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
