/** Opens the SQLite file: makes what is missing, and refuses with a sentence what cannot be used. */
import { accessSync, chmodSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Refused } from "../../core/errors.ts";
import { Connection } from "./connection.ts";
import { checkAfterUncleanEnd, damagedStore } from "./damage.ts";
import { lockStore } from "./lock.ts";
import { checkSchema, migrate, newestSchema, notAStore } from "./schema.ts";
import { cannotOpen, damaged, notADatabase, sqliteCode, storeFailure } from "./sqlite-errors.ts";

export interface OpenedFile extends Disposable {
  readonly connection: Connection;
  /** Absolute, or ":memory:". */
  readonly file: string;
}

/**
 * A commit of one second touches few rows: small pages write fewer bytes for them (docs/decisions/002-storage.md).
 */
const pageBytes = 1024;

export function openFile(path: string, limits: { readonly maxBytes?: number | undefined } = {}): OpenedFile {
  const file = path === ":memory:" ? path : resolve(path);
  using resources = new DisposableStack();
  try {
    if (file !== ":memory:") {
      makeFile(file);
      resources.use(lockStore(file));
    }
    const unclean = existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0;
    const connection = resources.use(new Connection(file, { readOnly: false }));
    prepare(connection, file, limits.maxBytes);
    if (unclean) checkAfterUncleanEnd(connection, file);
    const kept = resources.move();
    return { connection, file, [Symbol.dispose]: () => kept.dispose() };
  } catch (error) {
    throw refusal(error, file);
  }
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
    return { connection, file, [Symbol.dispose]: () => kept.dispose() };
  } catch (error) {
    throw refusal(error, file);
  }
}

function prepare(connection: Connection, file: string, maxBytes: number | undefined): void {
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

/** The file holds keys that sign links: for its owner only. SQLite gives its side files the same rights. */
function makeFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
  if (existsSync(file)) return;
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
}

function refusal(error: unknown, file: string): unknown {
  const code = sqliteCode(error);
  if (code === notADatabase) return notAStore(file);
  if (code === damaged) return damagedStore(file, error instanceof Error ? error.message : "unreadable");
  const failure = storeFailure(error);
  if (!(failure instanceof Error) || failure instanceof Refused) return failure;
  if (failure === error && !("syscall" in failure)) return error;
  const why = code === cannotOpen ? whyItCannotBeOpened(file) : failure.message;
  return new Refused(
    `the store ${file} cannot be opened: ${why}`,
    "See that its folder exists, belongs to the user that runs Tidewatch and has room, or name another under `store.sqlite`.",
  );
}

/** SQLite only says that it cannot. */
function whyItCannotBeOpened(file: string): string {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) return "it is a folder";
  const may = constants.R_OK | constants.W_OK;
  if (existsSync(file) && !allows(file, may)) return "this user may not read and write it";
  // The lock and SQLite's own files lie beside it.
  if (!allows(dirname(file), may)) return "this user may not write in its folder";
  return "SQLite gives no reason";
}

function allows(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
