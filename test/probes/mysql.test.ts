/**
 * The mysql probe against a real MariaDB: what it holds, who may look, and what happens when it is full, gone or
 * something else.
 */
import { createConnection } from "mysql2/promise";
import { afterAll, expect, test } from "vitest";
import type { Sample } from "../../core/sample.ts";
import { Secret } from "../../core/secret.ts";
import { startMariadb } from "../../practice/servers/mariadb.ts";
import probe from "../../probes/mysql.ts";
import { certificate } from "../helpers/certificates.ts";
import { mariadb, mariadbTest, theMariadb } from "../helpers/mariadb-test.ts";
import { errorPacket, oldMysql } from "../helpers/old-mysql.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { serverFolder } from "../helpers/server-folder.ts";
import { tcpServer } from "../helpers/servers.ts";

afterAll(async () => {
  if ("server" in mariadb) await mariadb.server[Symbol.asyncDispose]();
});

const look = (url: string, more: object = {}) => runProbe(probe, { url: new Secret(url), ...more });

async function administrator() {
  const connection = await createConnection({ uri: theMariadb().superuserUrl });
  return {
    run: (sql: string) => connection.query(sql),
    async figure(sql: string) {
      const [rows] = await connection.query({ sql, rowsAsArray: true });
      const [first]: unknown[] = Array.isArray(rows) ? rows : [];
      return Number(Array.isArray(first) ? first[0] : Number.NaN);
    },
    [Symbol.asyncDispose]: () => connection.end(),
  };
}

const reading = (sample: Sample, metric: string, labels: Readonly<Record<string, string>> = {}) =>
  sample.readings?.find(
    (one) => one.metric === metric && Object.entries(labels).every(([name, value]) => one.labels?.[name] === value),
  )?.value;

mariadbTest("sizes are those of the files, without a right to any table", async () => {
  const { url } = theMariadb();
  await using admin = await administrator();
  await admin.run("create database if not exists `my-app`");
  await admin.run("create table if not exists `my-app`.posts (id int primary key auto_increment, body longblob)");
  const before = await look(url);
  await admin.run("insert into `my-app`.posts (body) select repeat('x', 60000) from seq_1_to_200").catch(async () => {
    for (let row = 0; row < 200; row++)
      await admin.run("insert into `my-app`.posts (body) values (repeat('x', 60000))");
  });
  const after = await look(url, { capacity: "100 MB" });
  expect(after).toMatchObject({ outcome: "up", readings: expect.anything() });
  expect(after.reason).toBeUndefined();
  const grown = (sample: Sample) => reading(sample, "mysql_database_size_bytes", { database: "my-app" }) ?? 0;
  const file = await admin.figure(
    "select allocated_size from information_schema.innodb_sys_tablespaces where name = 'my@002dapp/posts'",
  );
  expect(grown(after)).toBe(file);
  expect(grown(after) - grown(before)).toBeGreaterThan(200 * 60_000);
  const used = reading(after, "storage_used_bytes", { store: "mysql" }) ?? 0;
  expect(used - (reading(before, "storage_used_bytes") ?? 0)).toBe(grown(after) - grown(before));
  expect(reading(after, "storage_limit_bytes")).toBe(100_000_000);
  expect(reading(after, "mysql_log_bytes", { log: "redo" })).toBe(8 * 1024 * 1024);
  expect(reading(after, "mysql_log_bytes", { log: "binary" })).toBe(0);
  expect(after.phases).toMatchObject({ connect: expect.any(Number), processing: expect.any(Number) });
});

mariadbTest("connections are counted as the server counts them, and ours is gone afterwards", async () => {
  const { url } = theMariadb();
  await using admin = await administrator();
  const share = reading(await look(url), "mysql_connections_ratio") ?? 0;
  // Ours and the administrator's; one of the run before may still be on its way out.
  expect(share).toBeGreaterThanOrEqual(2 / 20);
  expect(share).toBeLessThanOrEqual(4 / 20);
  await expect
    .poll(() => admin.figure("select count(*) from information_schema.processlist where user = 'tidewatch'"))
    .toBe(0);
});

mariadbTest("a house that is full is degraded, and says so", async () => {
  const { url } = theMariadb();
  await using admin = await administrator();
  await admin.run("create user if not exists app@'127.0.0.1' identified by 'app'");
  await admin.run("set global max_connections = 10");
  const guests = await Promise.all(
    Array.from({ length: 12 }, () =>
      createConnection({ uri: url.replace(/\/\/.*@/, "//app:app@") }).catch(() => undefined),
    ),
  );
  try {
    expect(await look(url)).toMatchObject({
      outcome: "degraded",
      reason: "has no free connection left",
      explanation: { fr: expect.stringContaining("connexions") },
    });
  } finally {
    await Promise.all(guests.map((guest) => guest?.end()));
    await admin.run("set global max_connections = 20");
  }
});

mariadbTest("without PROCESS, what our user may see is estimated; without anything, nothing is measured", async () => {
  const { url } = theMariadb();
  await using admin = await administrator();
  await admin.run("create or replace user nosy@'127.0.0.1' identified by 'nosy'");
  const asNosy = url.replace(/\/\/.*@/, "//nosy:nosy@");
  const blind = await look(asNosy);
  expect(blind.reason).toMatch(/^not measured: .*sizes of .*GRANT PROCESS/);
  expect(reading(blind, "storage_used_bytes")).toBeUndefined();
  await admin.run("create database if not exists seen");
  await admin.run("create table if not exists seen.a (id int primary key)");
  await admin.run("grant select on seen.* to nosy@'127.0.0.1'");
  const sees = await look(asNosy);
  expect(reading(sees, "mysql_database_size_bytes", { database: "seen" })).toBeGreaterThan(0);
  expect(sees.evidence).toContain("sizes are estimates");
});

mariadbTest("it is a guest that can change nothing and waits for nothing", async () => {
  const { url } = theMariadb();
  await using admin = await administrator();
  await admin.run("set global general_log = 1, global log_output = 'TABLE'");
  await look(url);
  await admin.run("set global general_log = 0");
  const [rows] = await admin.run(
    "select convert(argument using utf8) as said from mysql.general_log where user_host like '%tidewatch%'",
  );
  const said = JSON.stringify(rows);
  expect(said).toContain("SET SESSION TRANSACTION READ ONLY");
  expect(said).toContain("max_statement_time = 4");
  expect(said).toContain("lock_wait_timeout = 1");
});

mariadbTest("a wrong password is our failure, and is never shown", async () => {
  const { port } = theMariadb();
  const sample = await look(`mysql://tidewatch:letmein-123@127.0.0.1:${port}`);
  expect(sample).toMatchObject({ outcome: "unknown", reason: "MySQL refused our user name or password" });
  expect(JSON.stringify(sample)).not.toContain("letmein");
});

mariadbTest.each([
  ["account lock", /^MySQL has locked our user: ALTER USER/],
  ["password expire", /^the password of our user has expired: /],
])("a user that the server has shut out (%s) is our failure, and no outage", async (fate, reason) => {
  await using admin = await administrator();
  await admin.run(`create or replace user shut@'127.0.0.1' identified by 'shut' ${fate}`);
  const sample = await look(theMariadb().url.replace(/\/\/.*@/, "//shut:shut@"));
  expect(sample).toMatchObject({ outcome: "unknown", reason: expect.stringMatching(reason) });
});

test.each([
  [3118, "has locked our user"],
  [4151, "has locked our user"],
  [1820, "has expired"],
  [1862, "has expired"],
  [1251, "use a password"],
  [1524, "use a password"],
])("a server that answers %i to our sign-in refuses us, and nobody else", async (number, reason) => {
  await using server = await tcpServer((socket) => void socket.end(errorPacket(number)));
  expect(await look(`mysql://a:b@127.0.0.1:${server.port}`)).toMatchObject({
    outcome: "unknown",
    reason: expect.stringContaining(reason),
  });
});

test("a server without room on its disk is down, in words, with the runbook of databases", async () => {
  await using server = await tcpServer((socket) => void socket.end(errorPacket(1021)));
  expect(await look(`mysql://a:b@127.0.0.1:${server.port}`)).toMatchObject({
    outcome: "down",
    reason: "has no room left on its disk (error 1021)",
    runbook: "database",
  });
});

test("a refusal is one, whatever the number under which it comes", async () => {
  await using server = await tcpServer((socket) => void socket.end(errorPacket(1130, 1)));
  expect(await look(`mysql://a:b@127.0.0.1:${server.port}`)).toMatchObject({
    outcome: "unknown",
    reason: expect.stringContaining("takes no connections from our address"),
  });
});

test("a server without a limit for questions is looked at all the same", async () => {
  const asked: string[] = [];
  await using server = await oldMysql(asked);
  const sample = await look(`mysql://a:b@127.0.0.1:${server.port}`);
  expect(asked).toContain("SET SESSION max_execution_time = 4000");
  expect(asked.length).toBeGreaterThan(5);
  expect(sample.reason).not.toContain("1193");
  expect(sample.outcome).not.toBe("down");
});

mariadbTest.each([
  ["skip-character-set-client-handshake", "character-set-server=latin1"],
  ["init_connect='SET NAMES latin1'"],
])("a name is read as it is written, though the server would rather speak Latin 1 (%s)", async (...settings) => {
  await using server = await startMariadb({ settings });
  const admin = await createConnection({ uri: server.superuserUrl });
  try {
    await admin.query("set names utf8mb4");
    await admin.query("create database `cafés`");
    await admin.query("create table `cafés`.a (id int primary key)");
    await admin.query("revoke process on *.* from tidewatch@'127.0.0.1'");
    await admin.query("grant select on `cafés`.* to tidewatch@'127.0.0.1'");
  } finally {
    await admin.end();
  }
  expect(reading(await look(server.url), "mysql_database_size_bytes", { database: "cafés" })).toBeGreaterThan(0);
});

mariadbTest("encryption that is asked for and not offered is said, not left out", async () => {
  const sample = await look(`${theMariadb().url}?ssl-mode=REQUIRED`);
  expect(sample).toMatchObject({ outcome: "unknown", reason: expect.stringContaining("no encrypted connections") });
});

/** A MariaDB that encrypts, with a certificate for this name from an authority of its own. */
async function certifiedFor(host: string) {
  const authority = certificate({ name: "Our authority", authority: true });
  const { certPem, keyPem } = certificate({ name: "db", hosts: [host], by: authority });
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await serverFolder({ "server.crt": certPem, "server.key": keyPem }));
  const settings = [`ssl-cert=${path}/server.crt`, `ssl-key=${path}/server.key`];
  const { url } = undo.use(await startMariadb({ settings }));
  const held = undo.move();
  return {
    at: (name: string) => url.replace("127.0.0.1", name),
    ca: new Secret(authority.certPem),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

mariadbTest.each([
  ["127.0.0.1", "localhost"],
  ["localhost", "127.0.0.1"],
])("over TLS it trusts the authority it was given, for %s and not for %s", async (certified, other) => {
  await using server = await certifiedFor(certified);
  const { ca } = server;
  expect(await look(server.at(certified), { ca })).toMatchObject({ outcome: "up" });
  expect(await look(`${server.at(certified)}?ssl-mode=VERIFY_IDENTITY`, { ca })).toMatchObject({ outcome: "up" });
  const distrusted = (code: string) => ({
    outcome: "unknown",
    reason: expect.stringContaining(`its certificate is not trusted (${code}`),
  });
  expect(await look(`${server.at(certified)}?ssl-mode=REQUIRED`)).toMatchObject(distrusted(""));
  expect(await look(server.at(other), { ca })).toMatchObject(distrusted("ERR_TLS_CERT_ALTNAME_INVALID"));
});

test("bytes that are no MySQL are an outage, whatever they are", async () => {
  const random = (length: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(length)));
  for (let round = 0; round < 60; round++) {
    const body = random(1 + (round % 80));
    const bytes = Buffer.concat([Buffer.of(body.length, 0, 0, 0, round % 2 ? 10 : 255), body.subarray(1)]);
    await using rude = await tcpServer((socket) => void socket.end(bytes));
    const sample = await look(`mysql://a:b@127.0.0.1:${rude.port}`);
    expect(["down", "unknown"], `${bytes.toString("hex")}: ${sample.reason}`).toContain(sample.outcome);
    expect(sample.reason, bytes.toString("hex")).not.toContain("the check itself failed");
  }
});

test("a web server is not taken for one", async () => {
  await using web = await tcpServer((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  expect((await look(`mysql://a:b@127.0.0.1:${web.port}`)).outcome).toBe("down");
});

test("an address of another kind is refused, without being repeated", () => {
  const { error } = probe.options.safeParse({ url: new Secret("postgres://a:geheim@b/c") });
  expect(error?.message).toContain("mysql://tidewatch:password@127.0.0.1:3306");
  expect(error?.message).not.toContain("geheim");
});
