import { mkdtempDisposable, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { command as backup } from "../../commands/backup.ts";
import type { Command } from "../../commands/lib/command.ts";
import { command as restore } from "../../commands/restore.ts";
import { Refused } from "../../core/errors.ts";
import { backupStore, copyDatabase } from "../../store/sqlite/backup.ts";
import { openFile } from "../../store/sqlite/open.ts";
import { openSqliteStore, SqliteStore } from "../../store/sqlite/sqlite.ts";
import { after, sampleAt, web } from "../helpers/store-contract/scene.ts";

const configuration = `
organisation: { name: CoSocial, url: "https://cosocial.ca", timeZone: America/Vancouver }
store: { sqlite: ./data/tidewatch.db }
targets:
  - { id: mastodon, name: Mastodon, url: "https://cosocial.ca", checks: [{ id: web, probe: http, url: "https://cosocial.ca" }] }
`;

async function setup() {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-backup-"));
  await writeFile(join(folder.path, "tidewatch.yaml"), configuration);
  const written: string[] = [];
  const output = { write: (text: string) => written.push(text) };
  const run = (command: Command, file: string) =>
    command.run(
      { values: { config: "tidewatch.yaml" }, positionals: [file] },
      {
        env: {},
        cwd: folder.path,
        version: "0.0.0",
        stdout: output,
        stderr: output,
        signal: new AbortController().signal,
      },
    );
  return {
    folder: folder.path,
    store: join(folder.path, "data", "tidewatch.db"),
    copy: join(folder.path, "copy.db"),
    written,
    run,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function refusal(doing: Promise<unknown>): Promise<string> {
  return doing.then(
    () => expect.fail("it was not refused"),
    (error: unknown) => (error instanceof Refused ? `${error.message} | ${error.remedy}` : Promise.reject(error)),
  );
}

const everything = { from: after(-1e6), to: after(1e6), limit: 100_000 };

test("a copy that is made while samples come in is consistent, and restores to the same", async () => {
  await using place = await setup();
  {
    await using store = await openSqliteStore(place.store);
    await store.commit({ samples: Array.from({ length: 20_000 }, (_, index) => sampleAt(index)) });
    let goOn = true;
    const copying = place.run(backup, "copy.db").finally(() => {
      goOn = false;
    });
    let more = 0;
    for (; goOn; more++) {
      await store.commit({ samples: [sampleAt(30_000 + more), sampleAt(60_000 + more)] });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await copying).toBe(0);
    expect(more).toBeGreaterThan(0);
  }
  expect(place.written.join("")).toContain(`to ${place.copy}`);
  await rename(join(place.folder, "data"), join(place.folder, "old"));
  expect(await place.run(restore, "copy.db")).toBe(0);
  await using restored = await openSqliteStore(place.store);
  const samples = await restored.samples.list(web, everything);
  expect(samples.length).toBeGreaterThanOrEqual(20_000);
  expect(samples.length % 2).toBe(0);
  expect((await readdir(place.folder)).sort()).toEqual(["copy.db", "data", "old", "tidewatch.yaml"]);
});

test("a store backs itself up, and never overwrites", async () => {
  await using place = await setup();
  await using store = await openSqliteStore(place.store);
  await store.commit({ samples: [sampleAt(0)] });
  await backupStore(place.store, place.copy);
  await using copy = await openSqliteStore(place.copy);
  expect(await copy.samples.latest()).toEqual([sampleAt(0)]);
  expect(await refusal(backupStore(place.store, place.copy))).toContain("exists already | Name a file");
  expect(await refusal(place.run(backup, "copy.db"))).toContain("exists already");
  const inMemory = openFile(":memory:");
  await using memory = new SqliteStore(inMemory);
  await memory.commit({ samples: [sampleAt(0)] });
  await copyDatabase(inMemory.connection, join(place.folder, "memory.db"));
  await using fromMemory = await openSqliteStore(join(place.folder, "memory.db"));
  expect(await fromMemory.samples.latest()).toEqual([sampleAt(0)]);
});

test("a backup of nothing, or to nowhere, says so and leaves nothing", async () => {
  await using place = await setup();
  expect(await refusal(place.run(backup, "copy.db"))).toMatch(/there is no store at .* \| Look at `store.sqlite`/);
  await (await openSqliteStore(place.store))[Symbol.asyncDispose]();
  expect(await refusal(place.run(backup, "missing/copy.db"))).toMatch(
    /could not be written: .* \| See that its folder/,
  );
  expect((await readdir(place.folder)).sort()).toEqual(["data", "tidewatch.yaml"]);
});

test("a damaged store makes no backup", async () => {
  await using place = await setup();
  {
    await using store = await openSqliteStore(place.store);
    await store.commit({ samples: Array.from({ length: 500 }, (_, index) => sampleAt(index)) });
  }
  const bytes = await readFile(place.store);
  bytes.fill(0x5a, bytes.length - 4000, bytes.length - 1000);
  await writeFile(place.store, bytes);
  expect(await refusal(place.run(backup, "copy.db"))).toMatch(
    /what was copied is damaged \(.*\), and the copy was not kept \| Keep the backups that you have/,
  );
  bytes.fill(0x5a, 2000, 20_000);
  await writeFile(place.store, bytes);
  expect(await refusal(place.run(backup, "copy.db"))).toMatch(/is damaged .* \| Move it away and restore the last/);
  expect((await readdir(place.folder)).sort()).toEqual(["data", "tidewatch.yaml"]);
});

test("restore refuses a store that exists, in use or not", async () => {
  await using place = await setup();
  {
    await using _store = await openSqliteStore(place.store);
    await backupStore(place.store, place.copy);
    expect(await refusal(place.run(restore, "copy.db"))).toContain("is in use by another Tidewatch | Stop the other");
  }
  const before = await readFile(place.store);
  expect(await refusal(place.run(restore, "copy.db"))).toMatch(/exists; restore never overwrites .* \| Stop Tidewatch/);
  expect(await readFile(place.store)).toEqual(before);
});

test("restore refuses what is no backup, is newer, or is damaged", async () => {
  await using place = await setup();
  const file = (name: string) => join(place.folder, name);
  expect(await refusal(place.run(restore, "missing.db"))).toMatch(/there is no file .* \| Name a file/);
  expect(await refusal(place.run(restore, "data"))).toMatch(/there is no file .* \| Name a file/);
  await writeFile(file("text.db"), "not a database ".repeat(1000));
  expect(await refusal(place.run(restore, "text.db"))).toContain("is not a Tidewatch store");
  await writeFile(file("empty.db"), "");
  expect(await refusal(place.run(restore, "empty.db"))).toContain("is not a Tidewatch store");
  {
    await using store = await openSqliteStore(file("source.db"));
    await store.commit({ samples: Array.from({ length: 500 }, (_, index) => sampleAt(index)) });
    await backupStore(file("source.db"), file("newer.db"));
    await backupStore(file("source.db"), file("damaged.db"));
  }
  const newer = new DatabaseSync(file("newer.db"));
  newer.exec("pragma user_version = 9001");
  newer.close();
  expect(await refusal(place.run(restore, "newer.db"))).toContain("was written by a newer Tidewatch");
  const bytes = await readFile(file("damaged.db"));
  bytes.fill(0x5a, 8192, 12_000);
  await writeFile(file("damaged.db"), bytes);
  expect(await refusal(place.run(restore, "damaged.db"))).toMatch(/damaged/);
  await expect(readFile(place.store)).rejects.toThrow("ENOENT");
});
