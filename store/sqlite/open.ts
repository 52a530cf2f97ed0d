/** Opens the SQLite file: makes what is missing, and refuses with a sentence what cannot be used. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Refused } from "../../core/errors.ts";
import { Connection } from "./connection.ts";
import { lockStore } from "./lock.ts";
import { refusalOf, refuseLost } from "./open-refusals.ts";
import { checkSchema, migrate, newestSchema } from "./schema.ts";
import { WatchedFile } from "./watched-file.ts";

export interface OpenedFile extends Disposable {
  /** Absolute, or ":memory:". */
  readonly path: string;
  readonly connection: Connection;
  /** A file that is written: it can fail, and be opened again. */
  readonly watched?: WatchedFile;
}

interface Limits {
  readonly maxBytes?: number | undefined;
}

/**
 * A commit of one second touches few rows: small pages write fewer bytes for them (docs/decisions/002-storage.md).
 */
const pageBytes = 1024;

export function openFile(path: string, limits: Limits = {}): OpenedFile {
  if (path === ":memory:") return openMemory(limits);
  const file = resolve(path);
  let isNew = false;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
    refuseLost(file);
    isNew = makeFile(file);
    const isSuspect = (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
    using resources = new DisposableStack();
    resources.use(lockStore(file));
    const watched = resources.use(new WatchedFile(file, (connection) => prepare(connection, file, limits)));
    watched.open({ isNew, isSuspect });
    const kept = resources.move();
    return {
      path: file,
      watched,
      get connection() {
        return watched.connection;
      },
      [Symbol.dispose]: () => kept.dispose(),
    };
  } catch (error) {
    if (isNew) remove(file);
    throw refusalOf(error, file);
  }
}

function openMemory(limits: Limits): OpenedFile {
  const path = ":memory:";
  const connection = new Connection(path, { readOnly: false });
  prepare(connection, path, limits);
  return { path, connection, [Symbol.dispose]: () => connection[Symbol.dispose]() };
}

/** Beside a Tidewatch that writes it, without its lock. @throws Refused when there is nothing to read. */
export function openFileToRead(path: string): OpenedFile {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new Refused(`there is no store at ${file}`, "Start Tidewatch with this configuration first; it makes one.");
  }
  using resources = new DisposableStack();
  try {
    const connection = resources.use(new Connection(file, { readOnly: true }));
    if (checkSchema(connection, file) < newestSchema()) {
      throw new Refused(
        `${file} is of an older Tidewatch`,
        "Start this version with it once; that brings it up to date.",
      );
    }
    const kept = resources.move();
    return { connection, path: file, [Symbol.dispose]: () => kept.dispose() };
  } catch (error) {
    throw refusalOf(error, file);
  }
}

function prepare(connection: Connection, file: string, { maxBytes }: Limits): void {
  connection.script(`pragma page_size = ${pageBytes};`);
  const version = checkSchema(connection, file);
  connection.script(`
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma journal_size_limit = 8388608;
    pragma cache_size = -8192;
    pragma wal_autocheckpoint = 4000;
  `);
  if (maxBytes !== undefined) connection.script(`pragma max_page_count = ${Math.floor(maxBytes / pageBytes)};`);
  migrate(connection, version);
}

/**
 * The file holds keys that sign links: for its owner only. SQLite gives its side files the same rights.
 * @returns whether there was none, or nothing in it.
 */
function makeFile(file: string): boolean {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size !== undefined) return size === 0;
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
  return true;
}

/** What could not be made whole is not to be taken for a store that was lost. */
function remove(file: string): void {
  for (const end of ["-wal", "-shm", "", ".lock"]) rmSync(`${file}${end}`, { force: true });
}
