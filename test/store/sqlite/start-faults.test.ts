/** What may have happened to the store's file before a start: each ends in a sentence that says what to do. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposableSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { Refused } from "../../../core/errors.ts";
import { restoreStore } from "../../../store/sqlite/backup.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";
import { until } from "../../helpers/program.ts";
import { sampleAt } from "../../helpers/store-contract/scene.ts";

const shell = (script: string, file: string) => execFileSync("sh", ["-c", script, "sh", file]);

/** A store that was closed as it should be. */
async function setup() {
  const folder = mkdtempDisposableSync(join(tmpdir(), "tidewatch-start-"));
  const file = join(folder.path, "tidewatch.db");
  {
    await using store = await openSqliteStore(file);
    await store.commit({ samples: Array.from({ length: 500 }, (_, index) => sampleAt(index)) });
  }
  return { folder: folder.path, file, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

async function refusal(file: string): Promise<string> {
  try {
    await using _ = await openSqliteStore(file);
  } catch (error) {
    if (error instanceof Refused) return `${error.message} | ${error.remedy}`.replaceAll(file, "FILE");
    throw error;
  }
  return expect.fail("it was not refused");
}

const damaged =
  /^FILE is damaged \(.+\) \| Move it away and restore the last backup with `.\/tidewatch restore FILE`\.$/;
const noStore =
  /^FILE is not a Tidewatch store \| .* If it was a store, it is damaged: move it away and restore the last backup/;

const matrix: readonly [name: string, script: string, sentence: RegExp][] = [
  ["emptied", 'truncate -s 0 "$1"', /^FILE is empty, but was a store: .* \| Move it away and restore the last backup/],
  ["cut to one page", 'truncate -s 1024 "$1"', damaged],
  ["cut in half", 'truncate -s $(($(stat -c %s "$1") / 2 / 1024 * 1024)) "$1"', damaged],
  ["cut within a page", 'truncate -s $(($(stat -c %s "$1") - 500)) "$1"', damaged],
  ["without its header", 'dd if=/dev/zero of="$1" bs=100 count=1 conv=notrunc status=none', noStore],
  ["without a page in its middle", 'dd if=/dev/zero of="$1" bs=1024 seek=20 count=1 conv=notrunc status=none', damaged],
  ["overwritten with a text", 'yes "organisation: {}" | head -c 5000 > "$1"', noStore],
  [
    "a folder",
    'rm "$1" && mkdir "$1"',
    /^the store FILE cannot be opened: it is a folder \| Name a file under `store.sqlite`/,
  ],
  [
    "gone",
    'rm "$1"',
    /^FILE is gone, but was a store: FILE.lock is left of it \| Put it back and restore the last backup/,
  ],
  [
    "in a circle of links",
    'rm "$1" "$1.lock" && ln -s tidewatch.db "$1"',
    /symbolic links on its path lead in a circle \| Mend/,
  ],
];

test.each(matrix)("a store that is %s", async (_name, script, sentence) => {
  using place = await setup();
  shell(script, place.file);
  expect(await refusal(place.file)).toMatch(sentence);
});

test("a store whose log was taken away after a kill", async () => {
  using place = await setup();
  const program = join(import.meta.dirname, "../../fixtures/store/commit-until-killed.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, place.file, "0"]);
  child.stdout.once("data", () => child.kill("SIGKILL"));
  await once(child, "exit");
  shell('mv "$1-wal" "$1.away"', place.file);
  expect(await refusal(place.file)).toMatch(
    /^FILE-wal is gone, and with it what was written last to FILE \| Put it back\. To go on without .* remove FILE-shm\./,
  );
  shell('mv "$1.away" "$1-wal"', place.file);
  await using store = await openSqliteStore(place.file);
  expect(await store.outbox.recent(1)).toHaveLength(1);
});

test("a database of another program, and one that is newer, are left as they are", async () => {
  using place = await setup();
  {
    using newer = new DatabaseSync(place.file);
    newer.exec("pragma user_version = 9001");
  }
  expect(await refusal(place.file)).toMatch(
    /^FILE was written by a newer Tidewatch: .* \| Start the newer version again/,
  );
  const other = join(place.folder, "other.db");
  {
    using recipes = new DatabaseSync(other);
    recipes.exec("create table recipe (name text)");
  }
  const before = readFileSync(other);
  expect(await refusal(other)).toMatch(noStore);
  expect(readFileSync(other).equals(before)).toBe(true);
});

test("a store that another program locks for itself alone", async () => {
  using place = await setup();
  using other = new DatabaseSync(place.file);
  other.exec("pragma locking_mode = exclusive; begin immediate; commit;");
  expect(await refusal(place.file)).toMatch(
    /^the store FILE cannot be opened: another program holds a lock on the store's file \| Find out which with `fuser`/,
  );
});

test("a store that this user may not touch, in a folder where he may", async () => {
  using place = await setup();
  shell('chmod 777 "$(dirname "$1")"; chmod 666 "$1.lock"; chmod 000 "$1"', place.file);
  const openIt = `
    import { openSqliteStore } from ${JSON.stringify(join(import.meta.dirname, "../../../store/sqlite/sqlite.ts"))};
    if (process.getuid() === 0) process.setuid(65534);
    await openSqliteStore(process.argv[1]).catch(({ message, remedy }) => console.log(message + " | " + remedy));`;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", openIt, place.file]).toString();
  expect(said).toMatch(
    /cannot be opened: the user that runs Tidewatch may not read and write it.* \| Change their owner/,
  );
});

/** A page in the middle of 72 MB of old samples. */
function damageLargeStore(file: string, { isKilled }: { readonly isKilled: boolean }): void {
  const fill = `
    const { DatabaseSync } = require("node:sqlite");
    const large = new DatabaseSync(process.argv[1]);
    large.exec("begin");
    const block = large.prepare("insert into block (id, body) values (?, zeroblob(9000))");
    for (let id = 0; id < 8000; id++) block.run(id);
    large.exec("commit; pragma wal_checkpoint(truncate); insert into audit (at, who, did) values (1, 'ana', 'looked')");
    if (${isKilled}) process.kill(process.pid, "SIGKILL");`;
  spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", "-e", fill, file]);
  shell('yes | dd of="$1" bs=1024 seek=40000 count=20 iflag=fullblock conv=notrunc status=none', file);
}

test("damage in a large store, where only its history is, is found soon after a kill", async () => {
  using place = await setup();
  damageLargeStore(place.file, { isKilled: true });
  await using store = await openSqliteStore(place.file);
  await until(() =>
    expect(store.selfTest()).rejects.toThrow(/is damaged .*: move it away and restore the last backup/),
  );
  await expect(store.commit({ samples: [sampleAt(1000)] })).rejects.toThrow(/is damaged/);
});

test("and after a clean end by whoever reads it", async () => {
  using place = await setup();
  damageLargeStore(place.file, { isKilled: false });
  await using store = await openSqliteStore(place.file);
  await store.commit({ samples: [sampleAt(1000)] });
  await store.selfTest();
  // Trims what is older than a month.
  await store.maintain(sampleAt(0).at).catch(() => {});
  await until(() =>
    expect(store.selfTest()).rejects.toThrow(/is damaged .*: move it away and restore the last backup/),
  );
});

test("what is restored, or begun anew, is opened", async () => {
  using place = await setup();
  const backup = join(place.folder, "backup.db");
  shell('cp "$1" "$(dirname "$1")/backup.db"; rm "$1"', place.file);
  await restoreStore(backup, place.file);
  await (await openSqliteStore(place.file))[Symbol.asyncDispose]();
  shell('rm "$1" "$1.lock"', place.file);
  await (await openSqliteStore(place.file))[Symbol.asyncDispose]();
});

test("what could not be begun is not taken for a store that was lost", async () => {
  using place = await setup();
  const fresh = join(place.folder, "fresh.db");
  await expect(openSqliteStore(fresh, { maxBytes: 4096 })).rejects.toThrow(/cannot be opened: the disk, .* is full/);
  await (await openSqliteStore(fresh))[Symbol.asyncDispose]();
});
