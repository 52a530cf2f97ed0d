/** The Redis rights (ACL) that docs/access.md prints: enough for the probes, and not one more than they use. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Probe } from "../../core/probe.ts";
import { Secret } from "../../core/secret.ts";
import horizon from "../../probes/horizon.ts";
import redisProbe from "../../probes/redis.ts";
import sidekiq from "../../probes/sidekiq.ts";
import { command, redisWith } from "../helpers/redis-dump.ts";
import { redisTest } from "../helpers/redis-test.ts";
import { runProbe } from "../helpers/run-probe.ts";

const page = readFileSync(new URL("../../docs/access.md", import.meta.url), "utf8");
const [forSidekiq = "", forHorizon = "", forRedis = "", ...others] = [
  ...page.matchAll(/^ACL SETUSER tidewatch (.+)$/gm),
].map(([, rule = ""]) => rule);

const dump = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../fixtures/${path}`, import.meta.url), "utf8"));

/** Of others in the same Redis, which nobody needs who watches queues. */
const ofOthers = [
  "session:2::f00d",
  "feed:home:109382938475610293",
  "feed:home:109382938475610293:reblogs:109382938475610294",
  "cache:users:1",
  "activity:logins:1795392000",
  "laravel_cache:user:1",
  "horizon-0b1e7a4c-uuid",
];

interface Scene {
  readonly name: string;
  readonly rule: string;
  /** What stands in that Redis, as it was captured. */
  readonly holds: string;
  readonly probes: readonly Probe[];
}

test("the page has one rule for each kind of Redis", () => {
  expect([forSidekiq, forHorizon, forRedis].every((rule) => rule.startsWith("on >SECRET resetkeys"))).toBe(true);
  expect(others).toEqual([]);
});

describe.each([
  { name: "sidekiq", rule: forSidekiq, holds: "sidekiq/8.1.6/2-working.json", probes: [sidekiq, redisProbe] },
  { name: "an older sidekiq", rule: forSidekiq, holds: "sidekiq/6.4.1/2-working.json", probes: [sidekiq, redisProbe] },
  { name: "horizon", rule: forHorizon, holds: "laravel/horizon-5.10.6.json", probes: [horizon, redisProbe] },
  { name: "redis", rule: forRedis, holds: "laravel/horizon-5.10.6.json", probes: [redisProbe] },
] satisfies readonly Scene[])("the rule for $name", ({ rule, holds, probes }) => {
  redisTest("lets the probes see all they see with every right", async () => {
    await using redis = await redisWith(dump(holds));
    await grant(redis.url, rule);
    for (const probe of probes) {
      const [all, ours] = [await look(probe, redis.url), await look(probe, asMonitor(redis.url))];
      expect(ours.outcome).not.toBe("unknown");
      expect(ours.readings?.map(({ metric, labels }) => [metric, labels])).toEqual(
        all.readings?.map(({ metric, labels }) => [metric, labels]),
      );
    }
  });

  redisTest("has no right that could be taken away", async () => {
    await using redis = await redisWith(dump(holds));
    const parts = rule.split(" ");
    const url = asMonitor(redis.url).replace(/\/0$/, rule.includes("+select") ? "/1" : "/0");
    await command(redis.url, (client) => client.call("SWAPDB", "0", "1"));
    for (const right of parts.filter((part) => /^(?:\+|%R~)/.test(part))) {
      await grant(redis.url, parts.filter((part) => part !== right).join(" "));
      const outcomes = await Promise.all(probes.map(async (probe) => (await look(probe, url)).outcome));
      expect(outcomes, `without ${right}`).toContain("unknown");
    }
    await grant(redis.url, rule);
    for (const probe of probes) expect((await look(probe, url)).outcome).not.toBe("unknown");
  });

  redisTest("opens nothing else", async () => {
    await using redis = await redisWith(dump(holds));
    await grant(redis.url, rule);
    await command(redis.url, async (client) => {
      const refused = (...words: readonly string[]) => client.call("ACL", "DRYRUN", "tidewatch", ...words);
      for (const key of ofOthers) expect(String(await refused("get", key)), key).toMatch(/no permissions/);
      for (const key of ofOthers)
        expect(String(await refused("zrange", key, "0", "-1")), key).toMatch(/no permissions/);
      for (const words of ["keys *", "flushall", "config get *", "lrange a 0 -1", "scan 0", "lpush queue:default b"]) {
        expect(String(await refused(...words.split(" "))), words).toMatch(/no permissions/);
      }
    });
  });
});

async function grant(url: string, rule: string): Promise<void> {
  await command(url, async (client) => {
    await client.call("ACL", "DELUSER", "tidewatch");
    await client.call("ACL", "SETUSER", "tidewatch", ...rule.split(" "));
  });
}

const asMonitor = (url: string) => url.replace(/\/\/[^@]*@/, "//tidewatch:SECRET@");

const look = (probe: Probe, url: string) => runProbe(probe, { url: new Secret(url) });
