/** The postgres probe's figures, compared with what a second connection says, on version 15 and on the newest one. */
import { createServer } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Sample } from "../../core/sample.ts";
import { Secret } from "../../core/secret.ts";
import { openDatabaseGrowth } from "../../practice/database-growth.ts";
import { freePort } from "../../practice/servers/ports.ts";
import { type PostgresServer, type PostgresVersion, startPostgres } from "../../practice/servers/postgres.ts";
import probe from "../../probes/postgres.ts";
import { certificate } from "../helpers/certificates.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { serverFolder } from "../helpers/server-folder.ts";
import { bytesServer } from "../helpers/servers.ts";

describe.each<[PostgresVersion, number]>([
  ["15", 15],
  ["default", 18],
])("PostgreSQL (%s)", (version, major) => {
  // Each test uses roles, tables and slots of its own, so that one server serves them all.
  let server: PostgresServer;
  let admin: pg.Client;
  beforeAll(async () => {
    server = await startPostgres({ version, settings: ["autovacuum=off", "wal_level=logical"] });
    admin = await connect(server.superuserUrl);
    await admin.query("CREATE TABLE toots (id bigint PRIMARY KEY, text text)");
    await admin.query("INSERT INTO toots SELECT n, repeat('post ', 40) FROM generate_series(1, 30000) n");
    await admin.query("ANALYZE; CHECKPOINT");
    // A database's first visitor leaves a cache file there, which has a size too.
    await run(server.url);
  });
  afterAll(async () => {
    await admin?.end();
    await server?.[Symbol.asyncDispose]();
  });

  test("is the version it should be", async () => {
    expect(Number(await one(admin, "SELECT current_setting('server_version_num')::int / 10000"))).toBe(major);
  });

  test("has the sizes that a second connection sees", async () => {
    const before = await admin.query<{ name: string; bytes: string }>(
      "SELECT datname AS name, pg_database_size(oid) AS bytes FROM pg_database WHERE datallowconn ORDER BY datname",
    );
    const sample = await run(server.url, { capacity: "1 GB", fixedOverhead: "5 MB" });
    expect(sample).toMatchObject({ outcome: "up" });
    expect(sample.reason).toBeUndefined();
    expect(labelled(sample, "postgres_database_size_bytes", "database")).toEqual(
      new Map(before.rows.map(({ name, bytes }) => [name, Number(bytes)])),
    );
    const wal = Number(await one(admin, "SELECT sum(size) FROM pg_ls_waldir()"));
    const temporary = Number(await one(admin, "SELECT coalesce(sum(size), 0) FROM pg_ls_tmpdir()"));
    expect(value(sample, "postgres_wal_bytes")).toBe(wal);
    expect(value(sample, "postgres_temp_bytes")).toBe(temporary);
    const databases = before.rows.reduce((sum, { bytes }) => sum + Number(bytes), 0);
    const used = databases + wal + temporary + 5_000_000;
    expect(value(sample, "storage_used_bytes")).toBe(used);
    expect(value(sample, "storage_limit_bytes")).toBe(1_000_000_000);
    expect(value(sample, "storage_used_ratio")).toBeCloseTo(used / 1e9, 9);
  });

  test("has the connections and the age that a second connection sees", async () => {
    await expect.poll(() => one(admin, sessionsOfOurs)).toBe(0);
    const sample = await run(server.url);
    await expect.poll(() => one(admin, sessionsOfOurs)).toBe(0);
    const open = Number(
      await one(admin, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"),
    );
    const usable = Number(
      await one(
        admin,
        "SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END) FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')",
      ),
    );
    // While it asked, its own connection was one more.
    expect(value(sample, "postgres_connections_ratio")).toBeCloseTo((open + 1) / usable, 9);
    const age = Number(
      await one(
        admin,
        "SELECT max(greatest(age(datfrozenxid), mxid_age(datminmxid))) FROM pg_database WHERE datallowconn",
      ),
    );
    expect(Math.abs((value(sample, "postgres_wraparound_ratio") ?? 0) * 2e9 - age)).toBeLessThan(50);
    const written = Number(await one(admin, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"));
    expect(value(sample, "postgres_wal_written_bytes_total")).toBeLessThanOrEqual(written);
    expect(value(sample, "postgres_wal_written_bytes_total")).toBeGreaterThan(written - 1_000_000);
  });

  test("names what is big, and sums up the rest", async () => {
    const sample = await run(server.url);
    const tables = labelled(sample, "postgres_relation_size_bytes", "relation");
    const pages = Number(
      await one(admin, "SELECT 8192 * sum(relpages) FROM pg_class WHERE relname IN ('toots', 'toots_pkey')"),
    );
    expect(tables.get("public.toots")).toBe(pages + 8192 * Number(await one(admin, toastPages)));
    const whole = labelled(sample, "postgres_database_size_bytes", "database").get("practice") ?? 0;
    expect([...tables.values()].reduce((sum, bytes) => sum + bytes, 0)).toBe(whole);
    expect(labelled(sample, "postgres_relation_file_bytes", "relation").get("public.toots")).toBe(
      Number(await one(admin, "SELECT pg_relation_size('toots')")),
    );
    expect(tables.size).toBeLessThanOrEqual(21);
  });

  test("asks the rare questions rarely, by the clock that never jumps", async () => {
    const [clock, memory] = [new FakeClock(), new Map()];
    const tables = async () =>
      labelled(await run(server.url, {}, { clock, memory }), "postgres_relation_size_bytes", "relation").size > 0;
    const files = async () =>
      labelled(await run(server.url, {}, { clock, memory }), "postgres_relation_file_bytes", "relation").size > 0;
    expect(await tables()).toBe(true);
    expect(await tables()).toBe(false);
    clock.jump(86_400 * 30);
    expect(await tables()).toBe(false);
    await clock.turn(3600);
    expect(await tables()).toBe(true);
    expect(await files()).toBe(false);
    await clock.turn(86_400);
    expect(await files()).toBe(true);
  });

  test("a role without pg_monitor learns what it may, and no zero for the rest", async () => {
    await admin.query("CREATE ROLE plain LOGIN PASSWORD 'plain'");
    const sample = await run(as(server.url, "plain:plain"), { capacity: "1 GB" });
    expect(sample.outcome).toBe("up");
    expect(sample.reason).toContain("not measured: write-ahead log, temporary files, connections: GRANT pg_monitor");
    expect(value(sample, "postgres_wal_bytes")).toBeUndefined();
    expect(value(sample, "postgres_connections_ratio")).toBeUndefined();
    expect(value(sample, "postgres_temp_bytes")).toBeUndefined();
    const databases = labelled(sample, "postgres_database_size_bytes", "database");
    expect(databases.get("practice")).toBe(Number(await one(admin, "SELECT pg_database_size('practice')")));
    expect(value(sample, "storage_used_bytes")).toBe([...databases.values()].reduce((sum, bytes) => sum + bytes, 0));
    expect(labelled(sample, "postgres_relation_size_bytes", "relation").size).toBeGreaterThan(0);
  });

  test("a database that we may not enter is not counted, and that is said", async () => {
    await admin.query("CREATE DATABASE private");
    await admin.query("REVOKE CONNECT ON DATABASE private FROM public");
    const sample = await run(server.url);
    expect(sample.outcome).toBe("up");
    expect(labelled(sample, "postgres_database_size_bytes", "database").has("private")).toBe(false);
    expect(sample.evidence).toContain("not counted, because our role may not CONNECT: private");
    await admin.query("DROP DATABASE private");
  });

  test("a locked table makes nobody wait", async () => {
    const timed = async () => {
      const began = performance.now();
      const sample = await run(server.url);
      return { sample, seconds: (performance.now() - began) / 1000 };
    };
    const unlocked = await timed();
    const locker = await connect(server.superuserUrl);
    try {
      await locker.query("BEGIN; LOCK TABLE toots IN ACCESS EXCLUSIVE MODE");
      const { sample, seconds } = await timed();
      // Who waits for the lock does so until its question is given up, after 4 s.
      expect(seconds - unlocked.seconds).toBeLessThan(4);
      expect(sample.outcome).toBe("up");
      expect(sample.reason).toBeUndefined();
      expect(labelled(sample, "postgres_relation_size_bytes", "relation").has("public.toots")).toBe(true);
      const files = labelled(sample, "postgres_relation_file_bytes", "relation");
      expect(files.has("public.toots")).toBe(false);
      expect(files.size).toBeGreaterThan(0);
    } finally {
      await locker.end();
    }
  });

  test("a slot that nobody reads is seen with what it keeps", async () => {
    await admin.query("SELECT pg_create_logical_replication_slot('forgotten', 'test_decoding')").catch(async () => {
      await admin.query("SELECT pg_create_physical_replication_slot('forgotten', true)");
    });
    try {
      await admin.query("INSERT INTO toots SELECT n, repeat('post ', 40) FROM generate_series(40001, 60000) n");
      const there = async () =>
        Number(
          await one(
            admin,
            "SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE slot_name = 'forgotten'",
          ),
        );
      // The server writes some of its own at any time; it never becomes less.
      const before = await there();
      const sample = await run(server.url, { capacity: "1 GB" });
      const kept = labelled(sample, "postgres_slot_retained_bytes", "slot").get("forgotten") ?? 0;
      expect(before).toBeGreaterThan(1_000_000);
      expect(kept).toBeGreaterThanOrEqual(before);
      expect(kept).toBeLessThanOrEqual(await there());
      expect(sample.evidence).toContain("slot forgotten: not active");
    } finally {
      await admin.query("SELECT pg_drop_replication_slot('forgotten')");
    }
  });

  test("a question that takes too long is given up, and the others are answered", async () => {
    await admin.query("CREATE ROLE slow LOGIN PASSWORD 'slow' IN ROLE pg_monitor");
    // A function of the same name that is found first: pg_ls_waldir never comes back.
    await admin.query("CREATE SCHEMA slow AUTHORIZATION slow");
    await admin.query(
      "CREATE FUNCTION slow.pg_ls_waldir(OUT size bigint) RETURNS SETOF bigint LANGUAGE sql AS $$ SELECT 1::bigint FROM pg_sleep(60) $$",
    );
    await admin.query("GRANT ALL ON SCHEMA slow TO slow; GRANT EXECUTE ON FUNCTION slow.pg_ls_waldir TO slow");
    await admin.query("ALTER ROLE slow SET search_path = slow, pg_catalog");
    const sample = await run(as(server.url, "slow:slow"), {}, { timeoutSeconds: 45 });
    expect(sample).toMatchObject({ outcome: "up", reason: "not measured: write-ahead log" });
    expect(sample.evidence).toContain("write-ahead log (too slow)");
    expect(value(sample, "postgres_wal_bytes")).toBeUndefined();
    // What is not known is no part of a sum.
    expect(value(sample, "storage_used_bytes")).toBeUndefined();
    expect(labelled(sample, "postgres_database_size_bytes", "database").size).toBeGreaterThan(0);
  });

  test("one that says all it thinks beside its answers is understood", async () => {
    await admin.query("CREATE ROLE talkative LOGIN PASSWORD 'talkative' IN ROLE pg_monitor");
    await admin.query("ALTER ROLE talkative SET client_min_messages = debug5");
    expect(await run(as(server.url, "talkative:talkative"))).toMatchObject({ outcome: "up" });
  });

  test("a wrong password is our failure, and is not shown", async () => {
    const sample = await run(as(server.url, "tidewatch:hunter2-wrong"));
    expect(sample).toMatchObject({ outcome: "unknown", reason: "PostgreSQL refused our user name or password" });
    expect(JSON.stringify(sample)).not.toContain("hunter2");
    expect(await run(as(server.url, "tidewatch"))).toMatchObject({
      outcome: "unknown",
      reason: "PostgreSQL wants a password: put it into the address",
    });
  });

  test("a database that is not there is our failure", async () => {
    expect(await run(server.url.replace(/practice$/, "elsewhere"))).toMatchObject({
      outcome: "unknown",
      reason: "PostgreSQL has no database of this name",
    });
  });

  test("a database that is closed to connections is down, in words, with the runbook of databases", async () => {
    await admin.query("CREATE DATABASE closed ALLOW_CONNECTIONS false");
    expect(await run(server.url.replace(/practice$/, "closed"))).toMatchObject({
      outcome: "down",
      reason: "takes no connections to this database (SQLSTATE 55000)",
      runbook: "database",
    });
  });

  test("encryption that the server does not offer is our failure", async () => {
    expect(await run(`${server.url}?sslmode=require`)).toMatchObject({
      outcome: "unknown",
      reason: expect.stringContaining("sslmode=disable"),
    });
  });

  test("no connection left for members is told, none left for us is not", async () => {
    await admin.query("CREATE ROLE guest LOGIN PASSWORD 'guest' IN ROLE pg_monitor CONNECTION LIMIT 1");
    const holding = await connect(as(server.url, "guest:guest"));
    expect(await run(as(server.url, "guest:guest"))).toMatchObject({
      outcome: "unknown",
      reason: "our role has no connection left: raise its CONNECTION LIMIT",
    });
    await holding.end();

    const crowd: pg.Client[] = [];
    try {
      await admin.query("CREATE ROLE crowd LOGIN PASSWORD 'crowd'");
      for (;;) crowd.push(await connect(as(server.url, "crowd:crowd")));
    } catch {
      expect(await run(server.url)).toMatchObject({
        outcome: "degraded",
        reason: "has no free connection left",
        explanation: { fr: expect.stringContaining("connexions") },
        runbook: "database-connections",
      });
    } finally {
      await Promise.all(crowd.map((client) => client.end()));
    }
  });

  test("it reads only, has its name, and leaves no connection behind", async () => {
    await run(server.url);
    await expect.poll(() => one(admin, sessionsOfOurs)).toBe(0);
    await admin.query("CREATE ROLE spied LOGIN PASSWORD 'spied' IN ROLE pg_monitor");
    await admin.query("CREATE TABLE spy (read_only text, name text)");
    // Found before the real one, it tells how it was asked.
    await admin.query("CREATE SCHEMA spied");
    await admin.query(
      "CREATE FUNCTION spied.pg_ls_waldir(OUT size bigint) RETURNS SETOF bigint LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'asked'; IF current_setting('transaction_read_only') = 'on' AND current_setting('lock_timeout') = '250ms' AND current_setting('statement_timeout') = '4s' AND current_setting('application_name') = 'tidewatch' THEN size := 4242; RETURN NEXT; END IF; END $$",
    );
    await admin.query("GRANT USAGE ON SCHEMA spied TO spied");
    await admin.query("ALTER ROLE spied SET search_path = spied, pg_catalog");
    expect(value(await run(as(server.url, "spied:spied")), "postgres_wal_bytes")).toBe(4242);
  });

  test("the practice database grows past its limit within seconds and shrinks again", async () => {
    const growth = await openDatabaseGrowth(server.superuserUrl);
    await using _growth = growth;
    const share = async () => value(await run(server.url, { capacity: "120 MB" }), "storage_used_ratio") ?? Number.NaN;
    const before = await growth.bytes();
    expect(await share()).toBeLessThan(0.8);
    await growth.growTo(114_000_000);
    expect(await growth.bytes()).toBeGreaterThanOrEqual(114_000_000);
    expect(await share()).toBeGreaterThan(0.92);
    await growth.shrink();
    expect(await growth.bytes()).toBeLessThan(before + 1_000_000);
    expect(await share()).toBeLessThan(0.8);
    await expect(growth.growTo(1e12)).rejects.toThrow("more than practice may use");
  });
});

test("over TLS it trusts the authority it was given, and no other", async () => {
  const authority = certificate({ name: "Our authority", authority: true });
  const { certPem, keyPem } = certificate({ name: "db", hosts: ["127.0.0.1"], by: authority });
  await using folder = await serverFolder({ "server.crt": certPem, "server.key": keyPem });
  await using server = await startPostgres({
    settings: ["ssl=on", `ssl_cert_file=${folder.path}/server.crt`, `ssl_key_file=${folder.path}/server.key`],
  });
  const ca = new Secret(authority.certPem);
  for (const mode of ["", "?sslmode=require", "?sslmode=verify-full"]) {
    expect(await run(`${server.url}${mode}`, { ca }), mode).toMatchObject({ outcome: "up" });
  }
  for (const mode of ["?sslmode=require", "?sslmode=verify-full"]) {
    expect(await run(`${server.url}${mode}`), mode).toMatchObject({
      outcome: "unknown",
      reason: expect.stringContaining("its certificate is not trusted"),
    });
  }
  expect(await run(`${server.url}?sslmode=no-verify`)).toMatchObject({ outcome: "up" });
});

test("a port where nothing listens is down, and the password stays hidden", async () => {
  const sample = await run(`postgres://tidewatch:hunter2@127.0.0.1:${await freePort()}/mastodon`);
  expect(sample).toMatchObject({ outcome: "down", reason: "refused the connection" });
  expect(JSON.stringify(sample)).not.toContain("hunter2");
});

test.each([
  ["HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
  ["garbage", "\u0000\u0001\u0002"],
  ["nothing and hangs up", ""],
])("a server that says %s is no crash and no success", async (_, words) => {
  await using server = await talking(words);
  const sample = await run(`postgres://tidewatch@127.0.0.1:${server.port}/mastodon`);
  expect(["down", "unknown"]).toContain(sample.outcome);
  expect(sample.reason).not.toContain("the check itself failed");
});

test.each([
  ["Kerberos", [0, 0, 0, 7]],
  ["a password from Windows", [0, 0, 0, 9]],
  ["a token of OAuth", [0, 0, 0, 10, ...Buffer.from("OAUTHBEARER\0\0")]],
])("a server that wants %s of our role is our failure", async (_, wish) => {
  await using server = await bytesServer(Buffer.from([0x52, 0, 0, 0, wish.length + 4, ...wish]));
  expect(await run(`postgres://tidewatch:secret@127.0.0.1:${server.port}/mastodon`)).toMatchObject({
    outcome: "unknown",
    reason: expect.stringContaining("sign in in a way that we do not know"),
  });
});

test("an error of a hundred kilobytes is an error like any other", async () => {
  const fields = Buffer.from(`SFATAL\0C53300\0M${"no! ".repeat(25_000)}\0\0`);
  const head = Buffer.from([0x45, 0, 0, 0, 0]);
  head.writeUInt32BE(fields.length + 4, 1);
  await using server = await bytesServer(Buffer.concat([head, fields]));
  expect(await run(`postgres://tidewatch:secret@127.0.0.1:${server.port}/mastodon`)).toMatchObject({
    outcome: "degraded",
    reason: "has no free connection left",
  });
});

test("a server that accepts and says nothing is down at the deadline, and at a shutdown is nothing", async () => {
  await using server = await talking(undefined);
  const url = `postgres://tidewatch@127.0.0.1:${server.port}/mastodon`;
  const clock = new FakeClock();
  const hanging = run(url, {}, { clock });
  await server.visited;
  await clock.turn(10);
  expect(await hanging).toMatchObject({ outcome: "down", reason: expect.stringContaining("in time") });

  const shutdown = new AbortController();
  const ended = run(url, {}, { signal: shutdown.signal });
  shutdown.abort(new Error("shutting down"));
  await expect(ended).rejects.toThrow("shutting down");
});

describe("the settings", () => {
  const parsed = (options: object) =>
    probe.options.parse({ url: new Secret("postgres://db.example/mastodon"), ...options });

  test("make a plan of what to buy", () => {
    const sizes = [{ name: "160 GB", capacity: "160 GB", monthly: 185 }];
    expect(probe.capacity?.(parsed({ capacity: "100 GB", sizes }), "growth")).toEqual({
      check: "growth",
      limitBytes: 100e9,
      usableFraction: 0.9,
      leadDays: 14,
      sizes: [{ name: "160 GB", bytes: 160e9, monthly: 185 }],
    });
    expect(probe.capacity?.(parsed({}), "growth")).toBeUndefined();
  });

  test("wake somebody before the host stops writes, never after", () => {
    const full = (probe.thresholds?.(parsed({ capacity: "100 GB" })) ?? []).find(({ id }) => id === "full");
    expect(full).toMatchObject({ metric: "storage_used_ratio", raiseAt: 0.88, clearAt: 0.85, urgency: "page" });
    const ids = (probe.thresholds?.(parsed({})) ?? []).map(({ id }) => id);
    expect(ids).not.toContain("full");
    expect(ids).toContain("wraparound");
  });

  test("point to runbooks that exist, each with its own name for the rule", async () => {
    const { access } = await import("node:fs/promises");
    const thresholds = probe.thresholds?.(parsed({ capacity: "100 GB" })) ?? [];
    expect(new Set(thresholds.map(({ id }) => id)).size).toBe(thresholds.length);
    for (const { runbook } of thresholds) {
      await access(new URL(`../../docs/runbooks/${runbook}.md`, import.meta.url));
    }
  });

  test.each(["mysql://u:hunter2@localhost/db", "hunter2", ""])("refuse the address %s without repeating it", (url) => {
    const result = probe.options.safeParse({ url: new Secret(url) });
    expect(result.success).toBe(false);
    expect(JSON.stringify(result.error)).not.toContain("hunter2");
  });
});

const sessionsOfOurs = "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'tidewatch'";
const toastPages = `SELECT coalesce(sum(relpages), 0) FROM pg_class
  WHERE oid = (SELECT reltoastrelid FROM pg_class WHERE relname = 'toots')
  OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = (SELECT reltoastrelid FROM pg_class WHERE relname = 'toots'))`;

const run = (
  url: string,
  options: Readonly<Record<string, unknown>> = {},
  settings: Parameters<typeof runProbe>[2] = {},
) => runProbe(probe, { url: new Secret(url), ...options }, settings);

const as = (url: string, login: string): string => url.replace(/\/\/[^@]*@/, `//${login}@`);

const value = (sample: Sample, metric: string): number | undefined =>
  sample.readings?.find((reading) => reading.metric === metric)?.value;

const labelled = (sample: Sample, metric: string, label: string): Map<string, number> =>
  new Map(
    (sample.readings ?? [])
      .filter((reading) => reading.metric === metric)
      .map((reading) => [reading.labels?.[label] ?? "", reading.value]),
  );

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on("error", () => {});
  await client.connect();
  return client;
}

async function one(client: pg.Client, sql: string): Promise<unknown> {
  const { rows } = await client.query<Record<string, unknown>>(sql);
  return Object.values(rows[0] ?? {})[0];
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
