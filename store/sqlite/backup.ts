/** Backup and restore: copies a store while it is in use, and makes a store of such a copy. Overwrites nothing. */
import { existsSync, statSync } from "node:fs";
import { link, mkdir, open, rename, rm, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { backup } from "node:sqlite";
import { errorCode } from "../../core/error-code.ts";
import { Refused } from "../../core/errors.ts";
import { Connection } from "./connection.ts";
import { checkBackup, damagedBackup, damagedStore, damageIn, restoring } from "./damage.ts";
import { lockStore } from "./lock.ts";
import { checkSchema, notAStore } from "./schema.ts";
import { damaged, notADatabase, sqliteCode, storeFailure } from "./sqlite-errors.ts";

/** All pages in one step: in smaller ones, every commit of another process would start the copy again. */
const allPages = 2 ** 31 - 1;

/** Copies the store in `file`, whether or not a Tidewatch is writing it. */
export async function backupStore(file: string, target: string): Promise<void> {
  if (!existsSync(file)) {
    throw new Refused(`there is no store at ${file}`, "Look at `store.sqlite` in the configuration: is it this one?");
  }
  using connection = openExisting(file, damagedStore);
  checkSchema(connection, file);
  await copyDatabase(connection, target);
}

/**
 * Makes the store `file` out of a backup.
 * @throws Refused when there is a store already, or the backup is none, is damaged or is of a newer version.
 */
export async function restoreStore(source: string, file: string): Promise<void> {
  const target = resolve(file);
  if (!statSync(source, { throwIfNoEntry: false })?.isFile()) {
    throw new Refused(`there is no file ${source}`, "Name a file that `backup` made.");
  }
  await mkdir(dirname(target), { recursive: true });
  using _lock = lockStore(target);
  if (existsSync(target)) {
    throw new Refused(
      `${target} exists; restore never overwrites a store`,
      "Stop Tidewatch, move that file (and those with -wal and -shm at the end) away, then restore again.",
    );
  }
  using connection = openExisting(source, damagedBackup);
  if (checkSchema(connection, source) === 0) throw notAStore(source);
  checkBackup(connection, source);
  // What a store that was moved away has left beside it belongs to that store, not to this one.
  for (const left of ["-wal", "-shm"]) await rm(`${target}${left}`, { force: true });
  await copyDatabase(connection, target);
}

function openExisting(file: string, damage: (file: string, fault: string) => Refused): Connection {
  try {
    const connection = new Connection(file, { readOnly: true });
    connection.tables();
    return connection;
  } catch (error) {
    if (sqliteCode(error) === notADatabase) throw notAStore(file);
    if (sqliteCode(error) === damaged) throw damage(file, "its schema cannot be read");
    throw storeFailure(error);
  }
}

/** Under another name until it is complete and on the disk; then it appears at once, or not at all. */
export async function copyDatabase(connection: Connection, target: string): Promise<void> {
  refuseExisting(target);
  const unfinished = `${target}.${process.pid}.unfinished`;
  try {
    const claimed = await open(unfinished, "wx", 0o600);
    await claimed.close();
    await backup(connection.database, unfinished, { rate: allPages });
    makeSingleFile(unfinished);
    const copy = await open(unfinished, "r+");
    await copy.sync();
    await copy.close();
    await appear(unfinished, target);
  } catch (error) {
    throw copyFailure(error, target);
  } finally {
    for (const left of ["", "-journal", "-wal", "-shm"]) await rm(`${unfinished}${left}`, { force: true });
  }
}

/**
 * Without a write-ahead log of its own, a copy can be read where nothing can be written, and leaves nothing beside it. One of
 * a damaged store would be found to be none on the day on which it is needed.
 */
function makeSingleFile(file: string): void {
  using copy = new Connection(file, { readOnly: false });
  copy.script("pragma journal_mode = delete");
  const fault = damageIn(copy);
  if (fault === undefined) return;
  throw new Refused(
    `what was copied is damaged (${fault}), and the copy was not kept`,
    `Keep the backups that you have. Stop Tidewatch, move its store away and ${restoring}.`,
  );
}

/** A link, unlike a rename, fails when somebody made the target meanwhile. */
async function appear(unfinished: string, target: string): Promise<void> {
  try {
    await link(unfinished, target);
    await unlink(unfinished);
  } catch (error) {
    refuseExisting(target);
    if (!["EPERM", "ENOTSUP", "ENOSYS"].includes(errorCode(error))) throw error;
    // A file system without links.
    await rename(unfinished, target);
  }
}

function refuseExisting(target: string): void {
  if (existsSync(target)) throw new Refused(`${target} exists already`, "Name a file that does not exist yet.");
}

function copyFailure(error: unknown, target: string): unknown {
  if (error instanceof Refused) return error;
  const failure = storeFailure(error);
  if (sqliteCode(error) === damaged || !(failure instanceof Error)) return failure;
  return new Refused(
    `${target} could not be written: ${failure.message}`,
    "See that its folder exists, may be written and has room.",
  );
}
