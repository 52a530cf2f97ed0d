/**
 * The redis probe against a real Redis in each kind of trouble: full, losing keys, unable to save, alone, restarted.
 */
import { chmodSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { Unreachable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { startRedis } from "../../practice/servers/redis.ts";
import { parseInfo, RedisHistory } from "../../probes/databases/redis-health.ts";
import probe from "../../probes/redis.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { command } from "../helpers/redis-dump.ts";
import { redisTest } from "../helpers/redis-test.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { bytesServer, tcpServer } from "../helpers/servers.ts";

redisTest("a healthy Redis is up, with its memory, clients and start", async () => {
  await using redis = await startRedis();
  await command(redis.url, (client) => client.config("SET", "maxmemory", "100mb"));
  const sample = await run(redis.url);
  expect([sample.outcome, sample.reason]).toEqual(["up", undefined]);
  const value = (metric: string) => sample.readings?.find((reading) => reading.metric === metric)?.value ?? Number.NaN;
  expect(value("redis_memory_limit_bytes")).toBe(100 * 1024 * 1024);
  expect(value("redis_memory_used_ratio")).toBeCloseTo(value("redis_memory_used_bytes") / 104_857_600, 10);
  expect(value("redis_connections")).toBe(1);
  expect(sample.readings).toContainEqual({
    metric: "redis_info",
    value: 1,
    labels: { version: expect.stringMatching(/^\d+\.\d+/), role: "master" },
  });
});

redisTest("a full Redis refuses writes and is down; as a cache it is only full", async () => {
  await using redis = await startRedis();
  const [memory, clock] = [new Map<string, unknown>(), new FakeClock()];
  expect((await run(redis.url, {}, { memory, clock })).outcome).toBe("up");
  await command(redis.url, async (client) => {
    await client.config("SET", "maxmemory", "500kb", "maxmemory-policy", "noeviction");
    await expect(client.set("a", "b")).rejects.toThrow("OOM");
  });
  expect(await run(redis.url, {}, { memory, clock })).toMatchObject({
    outcome: "down",
    reason: "its memory is full, so it refuses writes (OOM)",
    explanation: { en: expect.stringContaining("Posting"), fr: expect.stringContaining("publication") },
  });
  expect((await run(redis.url, { cache: true }, { memory, clock })).outcome).toBe("up");
  // More was given at once: what was refused is news for ten minutes.
  await command(redis.url, (client) => client.config("SET", "maxmemory", "100mb"));
  expect(await run(redis.url, {}, { memory, clock })).toMatchObject({
    outcome: "down",
    reason: "refused 1 writes within ten minutes",
  });
  await clock.turn(601);
  expect((await run(redis.url, {}, { memory, clock })).outcome).toBe("up");
});

redisTest("keys thrown out for want of memory are lost jobs, except in a cache", async () => {
  await using redis = await startRedis();
  const [memory, clock] = [new Map<string, unknown>(), new FakeClock()];
  await command(redis.url, (client) => client.config("SET", "maxmemory", "3mb", "maxmemory-policy", "allkeys-lru"));
  expect(await run(redis.url, {}, { memory, clock })).toMatchObject({
    outcome: "up",
    reason: "its policy allkeys-lru throws out jobs when memory is full: set noeviction",
  });
  await command(redis.url, async (client) => {
    await client.eval("for i = 1, 4000 do redis.call('SET', KEYS[1] .. i, string.rep('x', 1000)) end", 1, "job:");
  });
  expect(await run(redis.url, {}, { memory, clock })).toMatchObject({
    outcome: "degraded",
    reason: expect.stringMatching(/^threw out \d+ keys for want of memory \(allkeys-lru\): jobs may be lost$/),
  });
  const asCache = await run(redis.url, { cache: true });
  expect([asCache.outcome, asCache.reason]).toEqual(["up", undefined]);
});

redisTest("a Redis that cannot save is degraded, and down as soon as it refuses writes", async () => {
  await using redis = await startRedis();
  const memory = new Map<string, unknown>();
  const folder = await command(redis.url, async (client) => {
    await client.set("a", "b");
    return z.tuple([z.string(), z.string()]).parse(await client.config("GET", "dir"))[1];
  });
  await run(redis.url, {}, { memory });
  chmodSync(folder, 0o500);
  await command(redis.url, async (client) => {
    // Without a rule when to save, it would take writes all the same.
    await client.config("SET", "save", "3600 100000");
    await client.bgsave().catch(() => {});
    await expect.poll(() => client.info("persistence")).toContain("rdb_last_bgsave_status:err");
  });
  expect(await run(redis.url, {}, { memory })).toMatchObject({
    outcome: "degraded",
    reason: "could not save to disk; unless told otherwise it then refuses writes",
  });
  await command(redis.url, (client) => expect(client.set("a", "c")).rejects.toThrow("MISCONF"));
  expect(await run(redis.url, {}, { memory })).toMatchObject({
    outcome: "down",
    reason: "refused 1 writes within ten minutes: it cannot save to disk (MISCONF)",
  });
  chmodSync(folder, 0o700);
});

redisTest("clients that are turned away are noticed", async () => {
  await using redis = await startRedis();
  const memory = new Map<string, unknown>();
  await command(redis.url, async (client) => {
    await client.config("SET", "maxclients", "1");
    await command(redis.url, (second) => second.ping()).catch(() => {});
    await client.config("SET", "maxclients", "100");
    await run(redis.url, {}, { memory });
    await client.config("SET", "maxclients", "1");
    await command(redis.url, (second) => second.ping()).catch(() => {});
    await client.config("SET", "maxclients", "100");
  });
  // What happened before we ever looked is no news; what happened since is.
  expect(await run(redis.url)).toMatchObject({ outcome: "up" });
  expect(await run(redis.url, {}, { memory })).toMatchObject({
    outcome: "degraded",
    reason: expect.stringMatching(/^turned [1-9]\d* clients away: its maxclients is reached$/),
  });
});

redisTest("a replica that lost its primary, and a primary without its replica, are degraded", async () => {
  await using replica = await startRedis();
  {
    await using primary = await startRedis();
    expect(await run(primary.url, { replicas: 1 })).toMatchObject({
      outcome: "degraded",
      reason: "0 of 1 replicas follow",
    });
    await command(replica.url, async (client) => {
      await client.config("SET", "masterauth", new URL(primary.url).password);
      await client.replicaof("127.0.0.1", primary.port);
      await expect.poll(() => client.info("replication")).toContain("master_link_status:up");
    });
    const lagging = await run(replica.url);
    expect(lagging.outcome).toBe("up");
    expect(lagging.readings?.map(({ metric }) => metric)).toContain("redis_replication_lag_seconds");
    await command(primary.url, (client) => expect.poll(() => client.info("replication")).toContain("state=online"));
    expect((await run(primary.url, { replicas: 1 })).outcome).toBe("up");
  }
  await expect
    .poll(() => run(replica.url))
    .toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^is a replica whose link to its primary has been down for /),
    });
});

redisTest("a restart is noticed, and that it came up without what it held", async () => {
  const memory = new Map<string, unknown>();
  let port: number;
  {
    await using redis = await startRedis();
    port = redis.port;
    await command(redis.url, (client) => client.mset("a", "1", "b", "2", "c", "3"));
    expect((await run(redis.url, {}, { memory })).outcome).toBe("up");
  }
  await using again = await startRedis({ port });
  expect(await run(again.url, {}, { memory })).toMatchObject({
    outcome: "degraded",
    reason: "restarted and came up without 3 of its keys",
    explanation: { en: expect.any(String), fr: expect.any(String) },
  });
  const clock = new FakeClock();
  const fresh = new Map<string, unknown>();
  await run(again.url, {}, { memory: fresh, clock });
  expect(await run(again.url, {}, { memory: fresh, clock })).toMatchObject({ outcome: "up" });
});

redisTest("the documented rights are enough, and without INFO it says which is missing", async () => {
  await using redis = await startRedis();
  const text = readFileSync(new URL("../../docs/access.md", import.meta.url), "utf8");
  const [, rule = ""] = /^ACL SETUSER tidewatch (.+)$/m.exec(text) ?? [];
  await command(redis.url, async (client) => {
    await client.call("ACL", "SETUSER", "tidewatch", ...rule.split(" "));
    await client.call("ACL", "SETUSER", "blind", "on", ">SECRET", "%R~*", "-@all", "+ping");
    // What nobody needs who only looks.
    for (const forbidden of ["keys *", "flushall", "config get *", "lrange a 0 -1", "scan 0", "set a b"]) {
      const refused = await client.call("ACL", "DRYRUN", "tidewatch", ...forbidden.split(" "));
      expect(String(refused), forbidden).toMatch(/no permissions/);
    }
  });
  const as = (user: string) => redis.url.replace(/\/\/[^@]*@/, `//${user}:SECRET@`);
  expect((await run(as("tidewatch"))).outcome).toBe("up");
  expect(await run(as("blind"))).toMatchObject({
    outcome: "unknown",
    reason: "our Redis user may not ask INFO: extend its ACL",
  });
});

redisTest("one that had INFO renamed is our failure, and says so", async () => {
  await using redis = await startRedis({ configuration: ['rename-command INFO ""'] });
  expect(await run(redis.url)).toMatchObject({
    outcome: "unknown",
    reason: "this Redis does not know INFO: was it renamed or taken out?",
  });
});

const protectedMode = "-DENIED Redis is running in protected mode because protected mode is enabled.\r\n";

test.each<[string, (socket: Socket) => void]>([
  ["before anything was asked", (socket) => void socket.end(protectedMode)],
  ["in place of an answer", (socket) => socket.once("data", () => socket.end(protectedMode))],
])("one in protected mode turns us away, not those on its own machine (%s)", async (_when, talk) => {
  await using server = await tcpServer(talk);
  expect(await run(`redis://127.0.0.1:${server.port}`)).toMatchObject({
    outcome: "unknown",
    reason: expect.stringContaining("protected mode"),
  });
});

test("one that takes no further clients says so before it is asked, and is down", async () => {
  await using server = await tcpServer((socket) => void socket.end("-ERR max number of clients reached\r\n"));
  expect(await run(`redis://127.0.0.1:${server.port}`)).toMatchObject({
    outcome: "down",
    reason: "has no free connection left",
  });
});

test("what is on its way to replicas does not fill its memory, as Redis itself counts", async () => {
  const full = { used_memory: 1050, maxmemory: 1000, maxmemory_policy: "noeviction", connected_slaves: 1 };
  const lines = (more: object) =>
    Object.entries({ redis_version: "7.0.15", uptime_in_seconds: 9, role: "master", ...full, ...more })
      .map(([name, value]) => `${name}:${value}\r\n`)
      .join("");
  const saying = (text: string) => bytesServer(`$${text.length}\r\n${text}\r\n`);
  await using busy = await saying(lines({ mem_not_counted_for_evict: 200 }));
  const sample = await run(`redis://127.0.0.1:${busy.port}`);
  expect(sample).toMatchObject({ outcome: "up", evidence: expect.stringContaining("200 B do not count") });
  expect(sample.readings).toContainEqual({ metric: "redis_memory_used_ratio", value: 0.85 });
  expect(sample.readings).toContainEqual({ metric: "redis_memory_used_bytes", value: 1050 });
  await using crowded = await saying(lines({ mem_not_counted_for_evict: 40 }));
  expect(await run(`redis://127.0.0.1:${crowded.port}`)).toMatchObject({ outcome: "down" });
});

const info = (more: Readonly<Record<string, string | number>>) =>
  parseInfo(
    Object.entries({
      redis_version: "7.0.15",
      uptime_in_seconds: 9,
      used_memory: 5,
      run_id: "a",
      role: "master",
      ...more,
    })
      .map(([name, value]) => `${name}:${value}`)
      .join("\r\n"),
  );

test("any text may stand where INFO should be", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(fc.string()).map((lines) => lines.join(":1\r\n")),
      ),
      (text) => {
        expect(() => parseInfo(text)).toThrow(Unreachable);
      },
    ),
  );
  expect(info({ maxmemory: "much", evicted_keys: "-", aof_last_write_status: "err" })).toMatchObject({
    maxmemory: 0,
    evicted_keys: 0,
    aof_last_write_status: "err",
  });
  expect(info({ db0: "keys=5,expires=1,avg_ttl=0", db3: "keys=2,expires=0", errorstat_OOM: "count=4" })).toMatchObject({
    keys: 7,
    errorstat_OOM: 4,
  });
});

test("totals that were set back are counted from nothing", () => {
  const history = new RedisHistory();
  history.note(info({ evicted_keys: 100 }), 0);
  expect(history.note(info({ evicted_keys: 110 }), 60)).toMatchObject({ evicted: 10, restarted: false });
  expect(history.note(info({ evicted_keys: 3 }), 120)).toMatchObject({ evicted: 13, restarted: false });
  expect(history.note(info({ evicted_keys: 1, run_id: "b" }), 180)).toMatchObject({ evicted: 14, restarted: true });
  expect(history.note(info({ evicted_keys: 1, run_id: "b" }), 900)).toMatchObject({ evicted: 0, restarted: false });
});

const run = (
  url: string,
  options: Readonly<Record<string, unknown>> = {},
  settings: Parameters<typeof runProbe>[2] = {},
) => runProbe(probe, { url: new Secret(url), ...options }, settings);
