/** What happens to the store's file while it is open: each fault is said, nothing is lost, and it is used again when it is whole. */
import { execFileSync } from "node:child_process";
import { linkSync, mkdtempDisposableSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { StoreUnavailable } from "../../../core/errors.ts";
import { backupStore } from "../../../store/sqlite/backup.ts";
import { openFile } from "../../../store/sqlite/open.ts";
import { openSqliteStore, SqliteStore } from "../../../store/sqlite/sqlite.ts";
import { until } from "../../helpers/program.ts";
import { after, noticeOf, sampleAt } from "../../helpers/store-contract/scene.ts";

/** By another process: who closes a file ends the locks that its own process has on it. */
const shell = (script: string, ...files: readonly string[]) => execFileSync("sh", ["-c", script, "sh", ...files]);

async function setup() {
  const folder = mkdtempDisposableSync(join(tmpdir(), "tidewatch-faults-"));
  const data = join(folder.path, "data");
  const file = join(data, "tidewatch.db");
  {
    // Some of it in the file itself, some in its log.
    await using first = await openSqliteStore(file);
    await first.commit({ samples: Array.from({ length: 200 }, (_, index) => sampleAt(index)) });
  }
  const store = await openSqliteStore(file);
  let stored = 200;
  const commit = async () => {
    const id = stored;
    await store.commit({ samples: [sampleAt(id)], notices: [noticeOf(`notice-${id}`)] });
    stored++;
  };
  for (let more = 0; more < 5; more++) await commit();
  await store.selfTest();
  return {
    folder: folder.path,
    data,
    file,
    store,
    commit,
    /** What a store in this file has to hold. */
    async expectWhole(at: string = file): Promise<void> {
      await using again = await openSqliteStore(at);
      expect(await again.samples.since(after(-1))).toHaveLength(stored);
      expect(await again.outbox.recent(1e6)).toHaveLength(stored - 200);
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

type World = Awaited<ReturnType<typeof setup>>;

const saved = (folder: string) => join(folder, "saved");

/** Nothing is taken for stored, and in the end this is why. */
async function expectFault({ store, commit }: World, sentence: RegExp): Promise<void> {
  await until(async () => {
    const error = await commit().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(String(error)).toMatch(sentence);
  });
  await expect(store.selfTest()).rejects.toThrow(sentence);
  await expect(store.requests.waiting(0, 1)).rejects.toThrow(sentence);
}

/** As the recorder does: it tries again until the store takes it. */
const goesOn = async ({ store, commit }: World) => {
  await until(commit);
  await commit();
  await until(() => store.selfTest());
};

const damages: readonly [name: string, script: string, sentence: RegExp][] = [
  ["emptied", 'truncate -s 0 "$1"', /tidewatch.db is empty: move it away and restore the last backup/],
  ["cut to one page", 'truncate -s 1024 "$1"', /is damaged .*: move it away and restore the last backup/],
  ["cut in half", 'truncate -s $(($(stat -c %s "$1") / 2)) "$1"', /is damaged .*: move it away and restore/],
  ["overwritten from its beginning", 'yes | head -c 20000 | dd of="$1" conv=notrunc status=none', /is damaged/],
  [
    "overwritten in the middle",
    'yes | dd of="$1" bs=1024 seek=20 count=4 conv=notrunc iflag=fullblock status=none',
    /is damaged .*: move it away and restore/,
  ],
  [
    "overwritten with a page of zeros",
    'dd if=/dev/zero of="$1" bs=1024 seek=3 count=1 conv=notrunc status=none',
    /is damaged/,
  ],
];

test.each(damages)(
  "a file that was %s is said, and used again when it is as it was",
  async (_name, script, sentence) => {
    await using world = await setup();
    const { file, folder } = world;
    shell('cp "$1" "$2"', file, saved(folder));
    shell(script, file);
    await expectFault(world, sentence);
    shell('cat "$2" > "$1"', file, saved(folder));
    await goesOn(world);
    await world.store[Symbol.asyncDispose]();
    await world.expectWhole();
  },
);

test("damage stays as it was found, also at the end", async () => {
  await using world = await setup();
  const { file } = world;
  shell('truncate -s 4096 "$1"', file);
  const log = statSync(`${file}-wal`).size;
  await expectFault(world, /is damaged/);
  await world.store[Symbol.asyncDispose]();
  expect(statSync(file).size).toBe(4096);
  expect(statSync(`${file}-wal`).size).toBe(log);
  await expect(openSqliteStore(file)).rejects.toThrow(/is damaged/);
});

test("a log whose end was cut off is not gone on with", async () => {
  await using world = await setup();
  shell('truncate -s 0 "$1"', `${world.file}-wal`);
  await expectFault(world, /does not hold what was last written to it: put it back as it was; or restart Tidewatch/);
});

test("an older state that was put in its place is not gone on with", async () => {
  await using world = await setup();
  const { file, folder, commit } = world;
  await backupStore(file, saved(folder));
  await commit();
  shell('cat "$2" > "$1"; rm "$1-wal"', file, saved(folder));
  await expectFault(world, /does not hold what was last written to it/);
});

const moves: readonly [name: string, away: (world: World) => void, back: (world: World) => void, sentence: RegExp][] = [
  [
    "moved away",
    ({ file, folder }) => renameSync(file, saved(folder)),
    ({ file, folder }) => renameSync(saved(folder), file),
    /tidewatch.db is gone: put it back, and Tidewatch goes on with it; or stop Tidewatch and restore the last backup/,
  ],
  [
    "deleted",
    ({ file, folder }) => {
      linkSync(file, saved(folder));
      rmSync(file);
    },
    ({ file, folder }) => renameSync(saved(folder), file),
    /is gone/,
  ],
  [
    "moved away with its folder",
    ({ data, folder }) => renameSync(data, saved(folder)),
    ({ data, folder }) => renameSync(saved(folder), data),
    /is gone/,
  ],
  [
    "exchanged for another store",
    ({ file, folder }) => {
      renameSync(file, saved(folder));
      new DatabaseSync(file).exec("create table recipe (name text); insert into recipe values ('bread')");
    },
    ({ file, folder }) => renameSync(saved(folder), file),
    /another file lies where .* was: put the store back, and Tidewatch goes on with it; or restart/,
  ],
];

test.each(moves)(
  "a file that was %s is said, and gone on with when it is back",
  async (_name, away, back, sentence) => {
    await using world = await setup();
    away(world);
    await expectFault(world, sentence);
    back(world);
    await goesOn(world);
    await world.store[Symbol.asyncDispose]();
    await world.expectWhole();
  },
);

test("what lies in its place stays as it is, and the file that was moved has everything", async () => {
  await using world = await setup();
  const { file, folder } = world;
  renameSync(file, saved(folder));
  {
    using other = new DatabaseSync(file);
    other.exec("create table recipe (name text); insert into recipe values ('bread')");
  }
  await expectFault(world, /another file lies where/);
  await world.store[Symbol.asyncDispose]();
  {
    using other = new DatabaseSync(file);
    expect(other.prepare("select * from recipe").all()).toEqual([{ name: "bread" }]);
    expect(other.prepare("pragma integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  }
  await world.expectWhole(saved(folder));
});

test.each(["-wal", "-shm"])("nothing is lost when the file with %s is taken away", async (end) => {
  await using world = await setup();
  rmSync(`${world.file}${end}`);
  await goesOn(world);
  await world.store[Symbol.asyncDispose]();
  await world.expectWhole();
});

test("a table that another program dropped is a failure of the store, whatever is to be written", async () => {
  await using world = await setup();
  new DatabaseSync(world.file).exec("drop table notice");
  const commit = () => world.commit().catch((failure: unknown) => failure);
  await until(async () => expect(String(await commit())).toMatch(/no such table: notice.*: .*restore/));
  expect(await commit()).toBeInstanceOf(StoreUnavailable);
});

test("a lock of another program is waited for", async () => {
  await using world = await setup();
  using other = new DatabaseSync(world.file);
  other.exec("begin immediate");
  await expect(world.commit()).rejects.toThrow(/another program holds a lock on the store's file: find out which/);
  other.exec("rollback");
  await goesOn(world);
});

test("what another program writes the right way is no fault", async () => {
  await using world = await setup();
  using other = new DatabaseSync(world.file);
  other.exec("insert into audit (at, who, did) values (1, 'ana', 'looked'); pragma wal_checkpoint(truncate)");
  await goesOn(world);
  other.exec("vacuum; pragma wal_checkpoint(truncate)");
  await goesOn(world);
  other.close();
  await world.store[Symbol.asyncDispose]();
  await world.expectWhole();
});

test("its test of itself opens and leaves nothing but one row", async () => {
  await using world = await setup();
  const { store, file } = world;
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  for (let times = 0; times < 50; times++) await store.selfTest();
  expect(open()).toBeLessThan(before + 5);
  await store[Symbol.asyncDispose]();
  using database = new DatabaseSync(file);
  expect(database.prepare("select count(*) as rows from progress where name = 'self_test'").get()).toEqual({ rows: 1 });
  for (let times = 0; times < 3; times++) await expect(store.selfTest()).rejects.toThrow(/is closed/);
  await expect(store.samples.latest()).rejects.toThrow(StoreUnavailable);
});

test("its test of itself finds what is taken and not kept", async () => {
  await using world = await setup();
  const other = join(world.folder, "other.db");
  await (await openSqliteStore(other))[Symbol.asyncDispose]();
  const kept = openFile(`${world.file}2`);
  await using store = new SqliteStore({ ...kept, connection: kept.connection, path: other });
  await store.commit({ samples: [sampleAt(0)] });
  await expect(store.selfTest()).rejects.toThrow(/what was written to .*other.db is not found there/);
});
