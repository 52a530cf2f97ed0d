import { readdir, readFile } from "node:fs/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../../../practice/servers/postgres.ts";
import { migrationForPostgres, statementForPostgres } from "../../../store/sqlite/postgres-dialect.ts";
import { allStatements } from "../../../store/sqlite/statements.ts";

const folder = new URL("../../../store/sqlite/", import.meta.url);

let server: PostgresServer;
let client: pg.Client;
beforeAll(async () => {
  server = await startPostgres();
  client = new pg.Client({ connectionString: server.superuserUrl });
  await client.connect();
  await client.query("create schema store; set search_path to store");
});
afterAll(async () => {
  await client?.end();
  await server?.[Symbol.asyncDispose]();
});

test("every migration, and then every statement of the store, is taken by PostgreSQL 18", async () => {
  expect((await client.query("show server_version")).rows[0]?.server_version).toMatch(/^18\./);
  for (const name of (await readdir(new URL("migrations/", folder))).sort()) {
    await client.query(migrationForPostgres(await readFile(new URL(`migrations/${name}`, folder), "utf8")));
  }
  await loadWholeStore();
  expect(allStatements().length).toBeGreaterThan(60);
  const refused: string[] = [];
  for (const [index, { text }] of allStatements().entries()) {
    await client
      .query(`prepare statement_${index} as ${statementForPostgres(text)}`)
      .catch((error: Error) => refused.push(`${error.message}: ${text}`));
  }
  expect(refused).toEqual([]);
});

test("migrations are numbered one after the other", async () => {
  const names = (await readdir(new URL("migrations/", folder))).sort();
  expect(names.map((name) => Number.parseInt(name, 10))).toEqual(names.map((_, index) => index + 1));
});

test("no statement goes past the list of them", async () => {
  const texts = /(\bstatement\(\s*)?["'`]\s*(?:select|insert|update|delete|with)\s[^"'`]*/gi;
  const passed: string[] = [];
  for (const name of await storeFiles()) {
    const source = await readFile(new URL(name, folder), "utf8");
    for (const [text, made] of source.matchAll(texts)) if (!made) passed.push(`${name}: ${text.slice(1)}`);
  }
  // What SQLite alone is asked.
  expect(passed).toEqual(["connection.ts: select name from sqlite_schema where type = "]);
});

const storeFiles = async () => (await readdir(folder)).filter((name) => name.endsWith(".ts"));

/** A statement is known once its module is loaded; the thread that reads is another program. */
async function loadWholeStore(): Promise<void> {
  for (const name of await storeFiles()) {
    if (name !== "reader-thread.ts") await import(new URL(name, folder).href);
  }
}
