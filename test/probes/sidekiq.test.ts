/** The sidekiq probe against a real Redis that holds what Sidekiq 6, 7 and 8 really left there. */
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { chown, rm, writeFile } from "node:fs/promises";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import fc from "fast-check";
import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Secret } from "../../core/secret.ts";
import { debianProgram } from "../../practice/servers/debian.ts";
import { freePort, onPort } from "../../practice/servers/ports.ts";
import { dataFolder, serverUser, startGuarded } from "../../practice/servers/process.ts";
import { startRedis } from "../../practice/servers/redis.ts";
import { openSidekiqQueues } from "../../practice/sidekiq-queues.ts";
import { redisAddress } from "../../probes/databases/redis-address.ts";
import { type RedisReader, withRedis } from "../../probes/databases/redis-client.ts";
import { enqueuedAt } from "../../probes/queues/sidekiq-latency.ts";
import { readSidekiq } from "../../probes/queues/sidekiq-state.ts";
import { rubyTime } from "../../probes/queues/sidekiq-timestamps.ts";
import probe from "../../probes/sidekiq.ts";
import { systemClock } from "../../program/system-clock.ts";
import { certificate } from "../helpers/certificates.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import {
  command,
  expectAge,
  redisWith as redisHolding,
  redisMicroseconds,
  redisSeconds,
} from "../helpers/redis-dump.ts";
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
  processes: z.array(z.object({ quiet: z.string(), queues: z.array(z.string()), concurrency: z.number() })),
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
    expect(
      state.processes.map(({ quiet, queues, concurrency }) => ({ quiet: String(quiet), queues, concurrency })),
    ).toEqual(oracle.processes);
    expect(state.processes.reduce((sum, { busy }) => sum + busy, 0)).toBe(stats.busy);
  });

  redisTest("with jobs and no worker is down, in words for members", async () => {
    await using redis = await redisWith(`${version}/1-enqueued.json`);
    expect(await run(redis.url)).toMatchObject({
      outcome: "down",
      reason: "14 jobs wait and no Sidekiq process is alive",
      runbook: "queue-latency",
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
    const now = await redisSeconds(redis.url);
    await command(redis.url, async (client) => {
      await client.sadd("queues", "old", "new", "ahead", "blank", "broken", "empty");
      await client.lpush("queue:old", JSON.stringify({ enqueued_at: now - 90 }));
      await client.lpush("queue:new", JSON.stringify({ enqueued_at: (now - 90) * 1000 }));
      await client.lpush("queue:ahead", JSON.stringify({ enqueued_at: now + 500 }));
      await client.lpush("queue:blank", JSON.stringify({ jid: "x" }));
      await client.lpush("queue:broken", "\u0000{not json");
    });
    const sample = await run(redis.url);
    const latencies = Object.fromEntries(
      (sample.readings ?? [])
        .filter(({ metric }) => metric === "queue_latency_seconds")
        .map(({ labels, value }) => [labels?.["queue"], value]),
    );
    for (const queue of ["old", "new"]) expectAge(latencies[queue], 90, now);
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
    await standstill(client);
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
  const text = readFileSync(new URL("../../docs/access.md", import.meta.url), "utf8");
  const [, rule = ""] = /^ACL SETUSER tidewatch (.+)$/m.exec(text) ?? [];
  await command(redis.url, async (client) => {
    await client.call("ACL", "SETUSER", "tidewatch", ...rule.split(" "));
    await client.call("ACL", "SETUSER", "blind", "on", ">monitor", "%R~*", "-@all", "+time", "+sscan", "+get");
  });
  expect((await run(loggedIn(redis.url, "tidewatch:SECRET"))).outcome).toBe("degraded");
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

redisTest("a real Redis with TLS, and one behind a unix socket, are asked in their own way", async () => {
  const authority = certificate({ name: "Our authority", authority: true });
  const { certPem, keyPem } = certificate({ name: "redis", hosts: ["127.0.0.1"], by: authority });
  const user = serverUser();
  const folder = await dataFolder("redis-doors", user);
  for (const [name, text] of [
    ["cert.pem", certPem],
    ["key.pem", keyPem],
    ["ca.pem", authority.certPem],
  ] as const) {
    await writeFile(join(folder, name), text);
    if (user) await chown(join(folder, name), user.uid, user.gid);
  }
  const { redis: server, tlsPort } = await onPort(undefined, async (tlsPort) => {
    const configuration = [
      `tls-port ${tlsPort}`,
      `tls-cert-file ${folder}/cert.pem`,
      `tls-key-file ${folder}/key.pem`,
      `tls-ca-cert-file ${folder}/ca.pem`,
      "tls-auth-clients no",
      `unixsocket ${folder}/redis.sock`,
      "unixsocketperm 700",
    ];
    return { redis: await startRedis({ configuration }), tlsPort };
  });
  await using redis = server;
  await command(redis.url, standstill);
  const password = new URL(redis.url).password;
  const ca = new Secret(authority.certPem);
  expect((await run(`rediss://:${password}@127.0.0.1:${tlsPort}/0`, { ca })).outcome).toBe("degraded");
  expect(await run(`rediss://:${password}@127.0.0.1:${tlsPort}/0`)).toMatchObject({
    outcome: "unknown",
    reason: expect.stringContaining("its certificate is not trusted"),
  });
  expect((await run(`unix://:${password}@${folder}/redis.sock?db=0`)).outcome).toBe("degraded");
  expect(await run(`unix://${folder}/redis.sock`)).toMatchObject({ reason: expect.stringContaining("password") });
  await rm(folder, { recursive: true, force: true });
});

redisTest("real sentinels lead to the primary; gone, silent and ignorant ones each say so", async () => {
  await using redis = await startRedis();
  await command(redis.url, standstill);
  const password = new URL(redis.url).password;
  await using sentinel = await startSentinel(redis.port, password, "guard");
  await using silent = await talking(undefined);
  const gone = await freePort();
  const url = (nodes: string, master = "mymaster", own = "guard") =>
    `redis-sentinel://:${password}@${nodes}/0?master=${master}&sentinelPassword=${own}`;
  const one = `127.0.0.1:${sentinel.port}`;

  expect((await run(url(one))).outcome).toBe("degraded");
  // The first answer counts, whoever else is dead or dumb.
  expect((await run(url(`127.0.0.1:${gone},127.0.0.1:${silent.port},${one}`))).outcome).toBe("degraded");
  expect(await run(url(one, "another"))).toMatchObject({
    outcome: "unknown",
    reason: "the sentinels know no primary of this name: check `master` in the address",
  });
  expect(await run(url(one, "mymaster", "wrong"))).toMatchObject({
    outcome: "unknown",
    reason: "Redis refused our user name or password",
  });
  expect(await run(url(`127.0.0.1:${gone}`))).toMatchObject({
    outcome: "down",
    reason: "the sentinel refused the connection",
  });
  const clock = new FakeClock();
  const hanging = run(url(`127.0.0.1:${silent.port}`), {}, { clock });
  await silent.visited;
  await clock.turn(10);
  expect(await hanging).toMatchObject({ outcome: "down", reason: expect.stringContaining("no answer") });
  expect(JSON.stringify(await run(url(`127.0.0.1:${gone},127.0.0.1:${gone}`)))).not.toContain(password);
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

redisTest("a million jobs cost Redis less than 50 ms, and us no memory", async () => {
  await using redis = await startRedis();
  await command(redis.url, async (client) => {
    const job = JSON.stringify({
      args: ["x".repeat(200)],
      enqueued_at: 1_795_396_386_000,
      failed_at: 1_795_396_386_000,
    });
    await client.sadd("queues", "push");
    await client.call("EVAL", "for i = 1, 1000000 do redis.call('LPUSH', KEYS[1], ARGV[1]) end", 1, "queue:push", job);
    for (const set of ["retry", "schedule", "dead"]) {
      const fill = "for i = 1, 100000 do redis.call('ZADD', KEYS[1], 1795396386 + i, i .. ARGV[1]) end";
      await client.call("EVAL", fill, 1, set, job);
    }
    await client.call("CONFIG", "RESETSTAT");
  });
  const heapBefore = process.memoryUsage().heapUsed;
  const sample = await run(redis.url);
  // All of it together is 600 MB.
  expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(50_000_000);
  expect(sample.readings).toContainEqual({
    metric: "queue_jobs",
    value: 1_000_000,
    labels: { queue: "push", state: "enqueued" },
  });
  const asked = await command(redis.url, (client) => client.info("commandstats"));
  for (const costly of ["lrange", "keys", "scan", "smembers"]) expect(asked).not.toContain(`cmdstat_${costly}:`);
  const microseconds = await redisMicroseconds(redis.url, () => run(redis.url));
  expect(microseconds).toBeGreaterThan(0);
  expect(microseconds).toBeLessThan(50_000);
});

redisTest("more bytes than jobs can be made of are not taken in", async () => {
  await using redis = await startRedis();
  await command(redis.url, async (client) => {
    const fill =
      "for i = 1, 9 do redis.call('LPUSH', 'queue:q' .. i, string.rep('x', 9000000)) redis.call('SADD', 'queues', 'q' .. i) end";
    await client.eval(fill, 0);
  });
  expect(await run(redis.url)).toMatchObject({
    outcome: "unknown",
    reason: "Redis answered with more than 8 MiB: is there something else in this database?",
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

describe("from one look to the next", () => {
  const minuteLater = async (clock: FakeClock) => clock.turn(60);
  const setup = async () => {
    const redis = await startRedis();
    const [memory, clock] = [new Map<string, unknown>(), new FakeClock()];
    const look = async (options = {}) => {
      const sample = await run(redis.url, options, { memory, clock });
      const value = (metric: string, labels: Readonly<Record<string, string>> = {}) =>
        sample.readings?.find(
          (reading) =>
            reading.metric === metric && Object.entries(labels).every(([name, is]) => reading.labels?.[name] === is),
        )?.value;
      return { ...sample, value };
    };
    await command(redis.url, async (client) => {
      await client.sadd("queues", "default");
      await client.mset("stat:processed", 1000, "stat:failed", 10);
    });
    return { redis, clock, look, [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose]() };
  };

  redisTest("jobs a second are told, and not when the totals fell back", async () => {
    await using scene = await setup();
    const { redis, clock, look } = scene;
    expect((await look()).value("queue_processed_jobs_per_second")).toBeUndefined();
    await command(redis.url, (client) => client.mset("stat:processed", 1300, "stat:failed", 16));
    await minuteLater(clock);
    const busy = await look();
    expect(busy.value("queue_processed_jobs_per_second")).toBe(5);
    expect(busy.value("queue_failed_jobs_per_second")).toBeCloseTo(0.1, 10);
    await command(redis.url, (client) => client.mset("stat:processed", 20, "stat:failed", 0));
    await minuteLater(clock);
    const back = await look();
    expect(back.value("queue_processed_jobs_per_second")).toBeUndefined();
    expect(back.evidence).toContain("totals have fallen back");
    expect(back.value("queue_processed_total")).toBe(20);
    await command(redis.url, (client) => client.set("stat:processed", 80));
    await minuteLater(clock);
    expect((await look()).value("queue_processed_jobs_per_second")).toBe(1);
  });

  redisTest("who died is counted once, also when the dead are cleared away", async () => {
    await using scene = await setup();
    const { redis, look } = scene;
    const now = Date.now() / 1000;
    await command(redis.url, (client) => client.zadd("dead", now - 7200, "a", now - 1.25, "b"));
    const first = await look();
    expect([first.value("queue_deaths_total"), first.value("queue_dead_recent_jobs")]).toEqual([0, 1]);
    await command(redis.url, (client) => client.zadd("dead", now, "c", now + 0.5, "d"));
    expect((await look()).value("queue_deaths_total")).toBe(2);
    await command(redis.url, (client) => client.del("dead"));
    expect((await look()).value("queue_deaths_total")).toBe(2);
    await command(redis.url, (client) => client.zadd("dead", now + 1, "e"));
    expect((await look()).value("queue_deaths_total")).toBe(3);
    expect((await look()).value("queue_deaths_total")).toBe(3);
  });

  redisTest("the growth of the retries is told after some minutes, and the age of the oldest at once", async () => {
    await using scene = await setup();
    const { redis, clock, look } = scene;
    const now = Date.now() / 1000;
    const failed = (name: string, ago: number) => JSON.stringify({ class: name, failed_at: (now - ago) * 1000 });
    await command(redis.url, (client) => client.zadd("retry", now + 9000, failed("A", 500), now + 60, failed("B", 90)));
    const first = await look();
    expect(first.value("queue_retry_growth_jobs")).toBeUndefined();
    expectAge(first.value("queue_retry_age_seconds"), 500, now);
    await command(redis.url, async (client) => {
      await client.eval("for i = 1, 50 do redis.call('ZADD', 'retry', ARGV[1] + i, 'x' .. i) end", 0, now + 100);
    });
    await clock.turn(600);
    expect((await look()).value("queue_retry_growth_jobs")).toBe(50);
  });

  redisTest("the longest failing retry is found wherever it stands, and of too many it is told at least", async () => {
    await using scene = await setup();
    const { redis, look } = scene;
    const now = Date.now() / 1000;
    const fill = async (jobs: number, oldAt: number, words = 0) =>
      command(redis.url, async (client) => {
        await client.del("retry");
        const old = `{"class":"Old","failed_at":${(now - 200_000) * 1000}}`;
        const young = `{"class":"Young","failed_at":${(now - 65) * 1000},"args":["${"x".repeat(words)}"],"jid":"`;
        const script =
          "for i = 1, tonumber(ARGV[1]) do redis.call('ZADD', 'retry', ARGV[2] + i, i == tonumber(ARGV[3]) and ARGV[4] or ARGV[5] .. i .. '\"}') end";
        await client.eval(script, 0, jobs, now + 100, oldAt, old, young);
      });
    await fill(30, 15);
    const few = await look();
    expectAge(few.value("queue_retry_age_seconds"), 200_000, now);
    expect(few.evidence).toContain("the longest failing retry first failed 2 days 7 hours ago");
    expect(few.evidence).toContain("being retried: Young, ?\nbeing retried: Old, ?");

    await fill(500, 1);
    expectAge((await look()).value("queue_retry_age_seconds"), 200_000, now);
    await fill(501, 1);
    const many = await look();
    expectAge(many.value("queue_retry_age_seconds"), 65, now);
    expect(many.evidence).toContain("first failed at least 1 minute ago");

    // Of jobs this large some dozens are enough.
    await fill(400, 1, 100_000);
    expect((await look()).evidence).toContain("at least 1 minute ago");
    expect(await redisMicroseconds(redis.url, () => look())).toBeLessThan(50_000);
  });

  redisTest("what is due and not taken up, and a cron that stands still, are told", async () => {
    await using scene = await setup();
    const { redis, look } = scene;
    const now = Math.floor(Date.now() / 1000);
    const stamp = new Date((now - 900) * 1000).toISOString().replace("T", " ").slice(0, 19);
    await command(redis.url, async (client) => {
      await client.zadd("schedule", now - 700, "a", now - 90, "b", now - 5, "c", now + 900, "d");
      const times = { indexing_scheduler: `${stamp} UTC`, user_cleanup_scheduler: "2020-01-01 00:00:00 UTC" };
      await client.hset("sidekiq-scheduler:last_times", { ...times, trends_refresh_scheduler: "rubbish" });
    });
    const { value, evidence } = await look();
    expect(value("queue_overdue_jobs", { state: "scheduled" })).toBe(2);
    expectAge(value("queue_overdue_seconds", { state: "scheduled" }), 700, now);
    expect(value("queue_overdue_seconds", { state: "retry" })).toBe(0);
    expectAge(value("queue_cron_age_seconds"), 900, now);
    expect(evidence).toContain("4 scheduled (2 overdue");
  });

  redisTest("two processes on one queue, quiet ones, and threads are counted", async () => {
    await using scene = await setup();
    const { redis, look } = scene;
    await command(redis.url, async (client) => {
      await client.sadd("queues", "scheduler");
      await worker(client, "a:1:x", { busy: 5, concurrency: 5, queues: ["default", "scheduler"] });
      await worker(client, "b:1:x", { busy: 1, concurrency: 10, queues: ["scheduler"] });
      await worker(client, "c:1:x", { busy: 1, concurrency: 5, queues: ["scheduler"], quiet: true });
    });
    const { value, outcome } = await look();
    expect(outcome).toBe("up");
    expect(value("queue_serving_processes", { queue: "scheduler" })).toBe(2);
    expect(value("queue_serving_processes", { queue: "default" })).toBe(1);
    expect(value("queue_quiet_processes")).toBe(1);
    expect(value("queue_threads")).toBe(20);
    expect(value("queue_threads_busy_ratio")).toBe(7 / 20);
  });

  redisTest("workers that are all busy and finish nothing are noticed, until one job is done", async () => {
    await using scene = await setup();
    const { redis, clock, look } = scene;
    const job = JSON.stringify({ enqueued_at: Date.now() });
    await command(redis.url, async (client) => {
      await worker(client, "a:1:x", { busy: 5, concurrency: 5, queues: ["default"] });
      await client.lpush("queue:default", job);
    });
    for (let minute = 0; minute < 5; minute++) {
      expect((await look()).outcome).toBe("up");
      await minuteLater(clock);
    }
    expect(await look()).toMatchObject({
      outcome: "degraded",
      reason: "1 job waits, every thread is busy and none has finished a job for 5 minutes",
    });
    await command(redis.url, (client) => client.incr("stat:processed"));
    await minuteLater(clock);
    expect((await look()).outcome).toBe("up");
  });

  const job = (secondsOld: number) => JSON.stringify({ enqueued_at: Date.now() - secondsOld * 1000 });
  const everything = ["default", "push", "ingress", "mailers", "pull", "scheduler"];

  redisTest("a restart is no trouble, with whatever old jobs it puts back; a Sidekiq that stays away is", async () => {
    await using scene = await setup();
    const { redis, clock, look } = scene;
    await command(redis.url, (client) => worker(client, "a:1:x", { busy: 1, concurrency: 5, queues: everything }));
    expect((await look()).outcome).toBe("up");

    await clock.turn(20);
    await command(redis.url, async (client) => {
      await worker(client, "a:1:x", { busy: 1, concurrency: 5, queues: everything, quiet: true });
      await client.lpush("queue:default", job(3));
    });
    expect(await look()).toMatchObject({
      outcome: "up",
      reason: expect.stringMatching(/^every Sidekiq process is quiet.*, perhaps only for a restart$/),
    });
    await clock.turn(20);
    await command(redis.url, async (client) => {
      await client.del("processes", "a:1:x");
      await client.rpush("queue:default", job(610));
    });
    expect(await look()).toMatchObject({ outcome: "up" });
    await clock.turn(60);
    expect(await look()).toMatchObject({ outcome: "up" });
    await clock.turn(40);
    expect(await look()).toMatchObject({
      outcome: "down",
      reason: "2 jobs wait and no Sidekiq process is alive",
      explanation: {
        en: "Posts and notifications arrive late, here and on other servers: the oldest waiting job is 10 minutes old.",
        fr: "Les publications et les notifications arrivent en retard, ici et sur les autres serveurs\u00a0: la plus ancienne tâche attend depuis 10 minutes.",
      },
    });
    await command(redis.url, (client) => worker(client, "b:1:x", { busy: 1, concurrency: 5, queues: everything }));
    expect((await look()).outcome).not.toBe("down");
    await command(redis.url, (client) => client.del("processes", "b:1:x", "queue:default"));
    expect((await look()).outcome).toBe("up");
    await clock.turn(120);
    expect(await look()).toMatchObject({
      outcome: "degraded",
      reason: "no Sidekiq process is alive; no job waits yet",
      explanation: { en: expect.stringContaining("may soon arrive late"), fr: expect.stringContaining("bientôt") },
    });
  });

  redisTest("a check that looks rarely need not look twice: the oldest job tells", async () => {
    await using scene = await setup();
    const { redis, clock, look } = scene;
    await command(redis.url, (client) => worker(client, "a:1:x", { busy: 1, concurrency: 5, queues: everything }));
    await look();
    await clock.turn(600);
    await command(redis.url, async (client) => {
      await client.del("processes", "a:1:x");
      await client.lpush("queue:default", job(300));
    });
    expect((await look()).outcome).toBe("down");
  });

  redisTest(
    "where nobody was ever seen at work, only an old job or an old cron tells that from a restart",
    async () => {
      await using redis = await startRedis();
      await command(redis.url, (client) => client.sadd("queues", "default"));
      const nobody = "no Sidekiq process is alive, perhaps only for a restart";
      expect(await run(redis.url)).toMatchObject({ outcome: "unknown", reason: nobody });
      await command(redis.url, (client) => client.lpush("queue:default", job(3)));
      expect(await run(redis.url)).toMatchObject({ outcome: "unknown", reason: nobody });
      await command(redis.url, (client) => client.lpush("queue:default", job(130)));
      await command(redis.url, (client) => client.rpush("queue:default", job(130)));
      expect((await run(redis.url)).outcome).toBe("down");
      await command(redis.url, async (client) => {
        await client.del("queue:default");
        const stamp = new Date(Date.now() - 450_000).toISOString().replace("T", " ").slice(0, 19);
        await client.hset("sidekiq-scheduler:last_times", { indexing_scheduler: `${stamp} UTC` });
      });
      expect((await run(redis.url)).outcome).toBe("degraded");
    },
  );

  redisTest("the worker of one queue may restart as well, and members are told about that queue", async () => {
    await using scene = await setup();
    const { redis, clock, look } = scene;
    await command(redis.url, async (client) => {
      await client.sadd("queues", ...everything);
      const others = everything.filter((queue) => queue !== "mailers");
      await worker(client, "a:1:x", { busy: 0, concurrency: 5, queues: others });
      await worker(client, "b:1:x", { busy: 0, concurrency: 5, queues: ["mailers"] });
    });
    expect((await look()).outcome).toBe("up");
    await command(redis.url, async (client) => {
      await client.del("b:1:x");
      await client.lpush("queue:mailers", job(1));
    });
    expect((await look()).outcome).toBe("up");
    await clock.turn(120);
    expect(await look()).toMatchObject({
      outcome: "degraded",
      reason: "jobs wait, and no Sidekiq process serves mailers",
      explanation: {
        en: "E-mails to members arrive late: the oldest waiting job is less than a minute old.",
        fr: "Les courriels aux membres partent en retard\u00a0: la plus ancienne tâche attend depuis moins d’une minute.",
      },
    });
  });

  redisTest("a Redis that has lost everything is down, where there was a Sidekiq before", async () => {
    await using scene = await setup();
    const { redis, clock, look } = scene;
    await command(redis.url, (client) => worker(client, "a:1:x", { busy: 1, concurrency: 5, queues: everything }));
    expect((await look()).outcome).toBe("up");
    await command(redis.url, (client) => client.flushall());
    await minuteLater(clock);
    expect((await look()).outcome).toBe("up");
    await clock.turn(120);
    const lost = await look();
    expect(lost).toMatchObject({
      outcome: "down",
      reason: "Redis has lost all data of Sidekiq, and no Sidekiq process is alive",
      explanation: { en: expect.stringContaining("may be lost"), fr: expect.stringContaining("perdues") },
    });
    expect(lost.value("queue_jobs", { queue: "default", state: "enqueued" })).toBe(0);
    expect((await run(redis.url)).outcome).toBe("unknown");
  });

  redisTest("a late queue has its words for members, in both languages and with the age", async () => {
    await using scene = await setup();
    const { redis, look } = scene;
    await command(redis.url, async (client) => {
      await worker(client, "a:1:x", { busy: 0, concurrency: 5, queues: ["default"] });
      await client.lpush("queue:default", JSON.stringify({ enqueued_at: Date.now() - 845_000 }));
    });
    expect(await look()).toMatchObject({
      outcome: "up",
      reason: "default: its oldest job has waited for 14 minutes",
      explanation: {
        en: "Posts and notifications arrive late: the oldest waiting job is 14 minutes old.",
        fr: "Les publications et les notifications arrivent en retard\u00a0: la plus ancienne tâche attend depuis 14 minutes.",
      },
    });
    const { evidence } = await look();
    expect(evidence).toMatch(/^1 live process, 0 of 5 threads busy\n0 retries, /);
    expect(evidence).toMatch(/^default: 1 job, the oldest 8[4-9]\d s old$/m);
    expect((await look({ queues: { default: { page: "20m" } } })).reason).toBeUndefined();
  });
});

test("times as Ruby prints them are read, with any offset, and nothing else", () => {
  expect(rubyTime("2026-11-23 01:10:00 UTC")).toBe(Date.UTC(2026, 10, 23, 1, 10) / 1000);
  expect(rubyTime("2026-11-22 20:10:00 -0500")).toBe(Date.UTC(2026, 10, 23, 1, 10) / 1000);
  expect(rubyTime("2026-11-23T01:10:00.123+00:00")).toBe(Date.UTC(2026, 10, 23, 1, 10) / 1000);
  for (const wrong of ["", "yesterday", "2026-13-40 01:10:00 UTC", "2026-11-23 01:10:00"]) {
    expect(rubyTime(wrong), wrong).toBeUndefined();
  }
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
    expect(redisAddress("unix://monitor:p%40ss@/run/redis.sock")).toEqual({
      path: "/run/redis.sock",
      tls: false,
      user: "monitor",
      password: "p@ss",
      database: 0,
    });
    expect(
      redisAddress("rediss-sentinel://monitor:pw@one,[::1]:5000/3?master=main&sentinelUser=s&sentinelPassword=p%26w"),
    ).toEqual({
      tls: true,
      user: "monitor",
      password: "pw",
      database: 3,
      sentinel: {
        primary: "main",
        nodes: [
          { host: "one", port: 26379 },
          { host: "::1", port: 5000 },
        ],
        user: "s",
        password: "p&w",
      },
    });
    // Without the name of the primary, sentinels cannot be asked.
    expect(redisAddress("redis-sentinel://one,two/0")).toBeUndefined();
    expect(redisAddress("redis-sentinel://one,,two/0?master=main")).toBeUndefined();
    expect(redisAddress("unix:///")).toBeUndefined();
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
  const [memory, clock] = [new Map<string, unknown>(), new FakeClock()];
  await run(redis.url, {}, { memory, clock });
  await clock.turn(120);
  expect((await run(redis.url, {}, { memory, clock })).outcome).toBe("down");
  await queues.startWorker();
  expect((await run(redis.url)).outcome).toBe("up");
});

const worker = (
  client: Redis,
  identity: string,
  told: {
    readonly busy: number;
    readonly concurrency: number;
    readonly queues: readonly string[];
    readonly quiet?: true;
  },
) =>
  client
    .multi()
    .sadd("processes", identity)
    .hset(identity, {
      beat: Date.now() / 1000,
      busy: told.busy,
      quiet: String(told.quiet ?? false),
      info: JSON.stringify({ concurrency: told.concurrency, queues: told.queues }),
    })
    .exec();

/** A Sidekiq that was told to stop long ago: it tells of itself, and nothing but a good look does. */
async function standstill(client: Redis): Promise<void> {
  await client.sadd("queues", "default");
  await client.lpush("queue:default", JSON.stringify({ enqueued_at: 1_795_396_386 }));
  await worker(client, "a:1:x", { busy: 0, concurrency: 5, queues: ["default"], quiet: true });
}

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

/** A real sentinel: the same program, in its other role. */
const startSentinel = (primaryPort: number, primaryPassword: string, password: string) =>
  onPort(undefined, (port) => sentinelOn(port, primaryPort, primaryPassword, password));

async function sentinelOn(port: number, primaryPort: number, primaryPassword: string, password: string) {
  const program = await debianProgram({ package: "redis-server", program: "usr/bin/redis-server" });
  const user = serverUser();
  const folder = await dataFolder("sentinel", user);
  const file = join(folder, "sentinel.conf");
  const lines = [
    "bind 127.0.0.1",
    `port ${port}`,
    `dir ${folder}`,
    `requirepass ${password}`,
    `sentinel monitor mymaster 127.0.0.1 ${primaryPort} 1`,
    `sentinel auth-pass mymaster ${primaryPassword}`,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  if (user) await chown(file, user.uid, user.gid);
  const server = await startGuarded({
    name: "Sentinel",
    steps: [{ command: [program.path, file, "--sentinel"], stopSignal: "TERM" }],
    ready: /\+monitor master mymaster/,
    folder,
    user,
    environment: program.environment,
  });
  return { port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function tlsProxy(target: number, options: TlsOptions) {
  const proxy = createTlsServer(options, (socket) => {
    const onward = createConnection(target, "127.0.0.1");
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  proxy.on("tlsClientError", () => {});
  const port = await listening(proxy);
  return { port, [Symbol.asyncDispose]: () => new Promise<void>((closed) => proxy.close(() => closed())) };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
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
  return {
    port: await listening(server),
    visited,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
