/** Why the store's file cannot be opened, as a sentence that says what to do: lost, emptied, damaged, locked, not ours. */
import { accessSync, closeSync, constants, existsSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { codeOrName, errorCode } from "../../core/error-code.ts";
import { Refused } from "../../core/errors.ts";
import { damagedStore, restoring } from "./damage.ts";
import { notAStore } from "./schema.ts";
import {
  asRemedy,
  cannotOpen,
  damaged,
  diskFailed,
  diskFull,
  ioError,
  notADatabase,
  notWritable,
  type Sentence,
  sentenceOf,
  sqliteCode,
} from "./sqlite-errors.ts";

const orAnother = "or name another file under `store.sqlite`";
const forbidden: Sentence = {
  what: "the user that runs Tidewatch may not read and write it, or not its folder",
  remedy: `change their owner or rights, ${orAnother}`,
};

const noFolder: Sentence = {
  what: "a part of its path is a file and no folder",
  remedy: `move that away, ${orAnother}`,
};

/** By the code of the operating system. */
const reasons: Readonly<Record<string, Sentence>> = {
  EACCES: forbidden,
  EPERM: forbidden,
  EISDIR: { what: "it is a folder", remedy: "name a file under `store.sqlite`" },
  ENOTDIR: noFolder,
  // A folder is to be made where there is a file.
  EEXIST: noFolder,
  ELOOP: { what: "symbolic links on its path lead in a circle", remedy: `mend them, ${orAnother}` },
  EROFS: { what: "its disk is mounted read-only", remedy: "find out why with `dmesg`, and mount it for writing" },
  ENOSPC: diskFull,
  EDQUOT: diskFull,
  EIO: diskFailed,
};

/** The files beside it tell of a store. @throws Refused where its file or its log is gone, or the file was emptied. */
export function refuseLost(file: string): void {
  if (existsSync(`${file}-shm`) && !existsSync(`${file}-wal`)) {
    throw new Refused(
      `${file}-wal is gone, and with it what was written last to ${file}`,
      `Put it back. To go on without what was in it, remove ${file}-shm.`,
    );
  }
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  const left = [".lock", "-wal", "-shm"].map((end) => `${file}${end}`).filter((path) => existsSync(path));
  if ((size ?? 0) > 0 || left.length === 0) return;
  const [lost, act] = size === undefined ? ["gone", "Put it back"] : ["empty", "Move it away"];
  throw new Refused(
    `${file} is ${lost}, but was a store: ${left.join(" and ")} ${left.length > 1 ? "are" : "is"} left of it`,
    `${act} and ${restoring}. To begin with an empty store instead, remove all that is left of the old one.`,
  );
}

/** An error while it was opened, as it is told. */
export function refusalOf(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error instanceof Refused) return error;
  const code = sqliteCode(error);
  if (code === notADatabase) return notAStore(file);
  if (code === damaged) return damagedStore(file, error.message);
  const isSystem = "syscall" in error;
  const reason = isSystem ? reasons[errorCode(error)] : code === undefined ? undefined : whyNot(code, file);
  const { what, remedy } = reason ?? sentenceOf(error) ?? unknownReason(error);
  // What it holds is not what was written: a text where a number was, a block that ends too early.
  if (code === undefined && !isSystem) return damagedStore(file, `what it holds cannot be read: ${error.message}`);
  return new Refused(`the store ${file} cannot be opened: ${what}`, asRemedy(remedy));
}

const unknownReason = (error: unknown): Sentence => ({
  what: `the operating system says ${codeOrName(error)}`,
  remedy: `mend that, ${orAnother}`,
});

/** SQLite says that it cannot open or write it, the operating system says why. */
function whyNot(code: number, file: string): Sentence | undefined {
  if (![cannotOpen, notWritable, ioError].includes(code)) return undefined;
  try {
    closeSync(openSync(file, "r+"));
    accessSync(dirname(file), constants.W_OK);
    return undefined;
  } catch (error) {
    return reasons[errorCode(error)];
  }
}
