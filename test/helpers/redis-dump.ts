/** A real Redis that holds what was captured from another, and a connection to command one. */
import { Redis } from "ioredis";
import { expect } from "vitest";
import { z } from "zod";
import { startRedis } from "../../practice/servers/redis.ts";

const Text = z.union([z.string(), z.object({ base64: z.string() })]);
const Dump = z.object({
  captured_at_ms: z.number(),
  keys: z.record(
    z.string(),
    z.discriminatedUnion("type", [
      z.object({ type: z.literal("string"), value: Text }),
      z.object({ type: z.literal("list"), value: z.array(z.string()) }),
      z.object({ type: z.literal("set"), value: z.array(z.string()) }),
      z.object({ type: z.literal("hash"), value: z.record(z.string(), z.string()) }),
      z.object({ type: z.literal("zset"), value: z.array(z.object({ score: z.string(), member: z.string() })) }),
    ]),
  ),
});
/** Opens a connection with all rights, and closes it. */
export async function command<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 1 });
  // Whoever waits for an answer is told as well.
  client.on("error", () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    client.disconnect();
  }
}

/** What it costs Redis to be asked, the least of three times: in the middle of one others may have had the core. */
export async function redisMicroseconds(url: string, ask: () => Promise<unknown>): Promise<number> {
  const costs: number[] = [];
  for (let time = 0; time < 3; time++) {
    await command(url, (client) => client.call("CONFIG", "RESETSTAT"));
    await ask();
    const stats = await command(url, (client) => client.info("commandstats"));
    const commands = [...stats.matchAll(/cmdstat_(?!config|info)[^:]+:calls=\d+,usec=(\d+)/g)];
    costs.push(commands.reduce((sum, [, usec]) => sum + Number(usec), 0));
  }
  return Math.min(...costs);
}

/** The seconds that this Redis shows. */
export const redisSeconds = (url: string): Promise<number> =>
  command(url, async (client) => Number((await client.time())[0]));

/** As old as it was made, and no older than it has become since; whole seconds are cut off on either side. */
export function expectAge(age: number | undefined, seconds: number, madeAt: number): void {
  expect(age).toBeGreaterThan(seconds - 1);
  expect(age).toBeLessThan(seconds + Date.now() / 1000 - madeAt + 1);
}

/** A Redis that holds a captured dump, byte for byte. */
export async function redisWith(dump: unknown) {
  const redis = await startRedis();
  const { keys } = Dump.parse(dump);
  await command(redis.url, async (client) => {
    for (const [key, entry] of Object.entries(keys)) {
      if (entry.type === "string") {
        await client.set(
          key,
          typeof entry.value === "string" ? entry.value : Buffer.from(entry.value.base64, "base64"),
        );
      }
      if (entry.type === "list") await client.rpush(key, ...entry.value);
      if (entry.type === "set") await client.sadd(key, ...entry.value);
      if (entry.type === "hash") await client.hset(key, entry.value);
      if (entry.type === "zset") for (const { score, member } of entry.value) await client.zadd(key, score, member);
    }
  });
  return redis;
}
