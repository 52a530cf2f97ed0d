/**
 * Notices that the store's file is no longer the one that was opened, as it was left: gone, exchanged, written by somebody
 * else, or without the files beside it. SQLite goes on in each of these cases, and what it writes is lost.
 */
import { type BigIntStats, statSync } from "node:fs";

export type FileChange =
  | "gone"
  | "exchanged"
  /** It, or its log, is not as we left it. */
  | "written"
  /** It is as it was, but its log or the index of that is not: what is in the log is known to our connection only. */
  | "beside";

interface Stamps {
  readonly file: BigIntStats | undefined;
  /** The write-ahead log. */
  readonly log: BigIntStats | undefined;
  /** The index of the log, shared by all who have the file open. */
  readonly index: BigIntStats | undefined;
}

export class FileStamps {
  readonly #path: string;
  #noted: Stamps | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** From now on it is watched, as it is. */
  begin(): void {
    this.#noted = stampsOf(this.#path);
  }

  /** We have it open no more: what happens to it from now on is told from how it is now. */
  leave(): void {
    const now = stampsOf(this.#path);
    if (isSame(now.file, this.#noted?.file)) this.#noted = now;
  }

  /** After we wrote. What happened to the file meanwhile is found all the same: it is another one, or is too small. */
  note(): void {
    const [before, now] = [this.#noted?.file, stampsOf(this.#path)];
    if (before && now.file && isSame(now.file, before) && now.file.size >= before.size) this.#noted = now;
  }

  /** Since it was noted last. */
  change(): FileChange | undefined {
    if (!this.#noted) return undefined;
    const { file, log, index } = this.#noted;
    const now = stampsOf(this.#path);
    if (!now.file) return "gone";
    if (!isSame(now.file, file)) return "exchanged";
    if (now.file.size !== file?.size || now.file.mtimeNs !== file.mtimeNs) return "written";
    if (log && now.log && isSame(now.log, log) && now.log.size < log.size) return "written";
    if ((log && !isSame(now.log, log)) || (index && !isSame(now.index, index))) return "beside";
    return undefined;
  }
}

function stampsOf(path: string): Stamps {
  return { file: stampOf(path), log: stampOf(`${path}-wal`), index: stampOf(`${path}-shm`) };
}

/** Never by opening it: whoever closes a file ends all locks that its process has on it. */
function stampOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    // A folder on its way may not be entered any more, or is no folder.
    return undefined;
  }
}

const isSame = (one: BigIntStats | undefined, other: BigIntStats | undefined) =>
  one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
