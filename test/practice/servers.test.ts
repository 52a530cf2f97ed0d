/** The real servers of tests and practice: they start anywhere, answer, and never outlive whoever started them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import pg from "pg";
import { expect, test } from "vitest";
import { prepared } from "../../practice/servers/cache.ts";
import { freePort, onPort } from "../../practice/servers/ports.ts";
import { startPostgres } from "../../practice/servers/postgres.ts";
import { DidNotStart, startGuarded } from "../../practice/servers/process.ts";
import { startRedis } from "../../practice/servers/redis.ts";

test.each([
  ["default", 18],
  ["15", 15],
] as const)("PostgreSQL %s starts, knows the monitor's role, and leaves nothing behind", async (version, major) => {
  let port = 0;
  {
    await using postgres = await startPostgres({ version });
    port = postgres.port;
    const { rows } = await query(
      postgres.url,
      "SELECT current_user AS who, current_setting('server_version') AS version, pg_has_role('pg_monitor', 'USAGE') AS monitor",
    );
    expect(rows[0]).toMatchObject({ who: "tidewatch", monitor: true });
    expect(Number.parseInt(rows[0].version, 10)).toBe(major);
    await expect(query(postgres.url.replace(/:[^:@]+@/, ":wrong@"), "SELECT 1")).rejects.toThrow(/password/);
  }
  expect(await answers(port)).toBe(false);
});

test("a data folder that was given is kept and used again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-test-"));
  await chmod(folder, 0o755);
  try {
    {
      await using postgres = await startPostgres({ dataDir: folder });
      await query(postgres.superuserUrl, "CREATE TABLE remembered AS SELECT 42 AS answer");
    }
    await using postgres = await startPostgres({ dataDir: folder });
    const { rows } = await query(postgres.superuserUrl, "SELECT answer FROM remembered");
    expect(rows).toEqual([{ answer: 42 }]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("two Redis start at once, each with its own port and password", async () => {
  const [first, second] = await Promise.all([startRedis(), startRedis()]);
  await using _first = first;
  await using _second = second;
  expect(first.port).not.toBe(second.port);
  const redis = new Redis(first.url, { lazyConnect: true });
  await redis.connect();
  expect(await redis.ping()).toBe("PONG");
  redis.disconnect();
  expect(first.url).not.toContain(new URL(second.url).password);
});

test("a Redis that is stopped leaves no port open", async () => {
  const redis = await startRedis();
  expect(await answers(redis.port)).toBe(true);
  await redis[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  expect(await answers(redis.port)).toBe(false);
});

test("servers go by themselves after their owner was killed with SIGKILL", async () => {
  const owner = spawn(process.execPath, [join(import.meta.dirname, "../helpers/server-owner.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: owner.stdout });
  const [line] = await once(lines, "line");
  const { ports, guards } = JSON.parse(line);
  expect(await Promise.all(ports.map(answers))).toEqual([true, true]);
  const killed = performance.now();
  owner.kill("SIGKILL");
  await expect
    .poll(async () => [...(await Promise.all(ports.map(answers))), ...guards.map(alive)])
    .toEqual([false, false, false, false]);
  // After five seconds they would be ended by force.
  expect(performance.now() - killed).toBeLessThan(5000);
});

test("a server that ignores its stop signal is killed", async () => {
  const stubborn = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
  const server = await startGuarded({
    name: "Stubborn",
    steps: [{ command: ["/bin/sh", "-c", stubborn], stopSignal: "TERM" }],
    ready: /ready/,
  });
  await server[Symbol.asyncDispose]();
});

test("a server that ends before it is ready is reported with its last words", async () => {
  const start = startGuarded({
    name: "Broken",
    steps: [{ command: ["/bin/sh", "-c", "echo 'no room' >&2; exit 3"], stopSignal: "TERM" }],
    ready: /ready/,
  });
  await expect(start).rejects.toThrow(/Broken did not start: it ended with code 3\nno room/);
});

test("a step that fails keeps the next one from starting", async () => {
  const start = startGuarded({
    name: "Half",
    steps: [
      { command: ["/bin/sh", "-c", "exit 4"], stopSignal: "TERM" },
      { command: ["/bin/sh", "-c", "echo ready; sleep 60"], stopSignal: "TERM" },
    ],
    ready: /ready/,
  });
  await expect(start).rejects.toThrow(/code 4/);
});

test("another port is tried when somebody was faster", async () => {
  const tried: number[] = [];
  const port = await onPort(undefined, async (port) => {
    tried.push(port);
    if (tried.length < 3) throw new DidNotStart("Redis", "it ended", "bind: Address already in use");
    return port;
  });
  expect(tried).toHaveLength(3);
  expect(port).toBe(tried.at(-1));
  await expect(
    onPort(await freePort(), async () => {
      throw new DidNotStart("Redis", "it ended", "bind: Address already in use");
    }),
  ).rejects.toThrow("Address already in use");
});

test("what is prepared in the cache is put there once, and repaired when it is broken", async () => {
  const cache = await mkdtemp(join(tmpdir(), "tidewatch-test-"));
  const before = process.env["TIDEWATCH_CACHE"];
  process.env["TIDEWATCH_CACHE"] = cache;
  try {
    let times = 0;
    const prepare = async (folder: string) => {
      times++;
      await mkdir(join(folder, "bin"));
    };
    const works = (folder: string) =>
      access(join(folder, "bin")).then(
        () => true,
        () => false,
      );
    const [one, two] = await Promise.all([prepared("thing", prepare, works), prepared("thing", prepare, works)]);
    expect(one).toBe(join(cache, "thing"));
    expect(two).toBe(one);
    const atFirst = times;
    await prepared("thing", prepare, works);
    expect(times).toBe(atFirst);
    await rm(join(cache, "thing", "bin"), { recursive: true });
    await prepared("thing", prepare, works);
    expect(times).toBe(atFirst + 1);
    expect(await readdir(cache)).toEqual(["thing"]);
    expect(
      await prepared(
        "never",
        async () => {},
        async () => false,
      ),
    ).toBeUndefined();
    expect(await readdir(cache)).toEqual(["thing"]);
  } finally {
    if (before === undefined) delete process.env["TIDEWATCH_CACHE"];
    else process.env["TIDEWATCH_CACHE"] = before;
    await rm(cache, { recursive: true, force: true });
  }
});

async function query(connectionString: string, sql: string) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
