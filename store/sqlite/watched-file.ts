/**
 * The store's file while it is open: the connection that writes, and whether the file is still what was left of it. It can
 * be closed and opened again, and then nothing that stands in its log is lost or gets into another file.
 */
import { statSync } from "node:fs";
import { Refused } from "../../core/errors.ts";
import { Connection } from "./connection.ts";
import { checkDamage, restoring } from "./damage.ts";
import { type FileChange, FileStamps } from "./file-stamps.ts";
import { checkSchema } from "./schema.ts";
import { FileFailure } from "./sqlite-errors.ts";

interface Connections {
  /** While it is open, closing the writer leaves the log as it is. */
  readonly holder: Connection;
  readonly writer: Connection;
}

export class WatchedFile implements Disposable {
  readonly path: string;
  readonly #prepare: (connection: Connection) => void;
  readonly #stamps: FileStamps;
  #open: Connections | undefined;
  #isUnread = false;

  /** @param prepare makes a connection ready to write. */
  constructor(path: string, prepare: (connection: Connection) => void) {
    this.path = path;
    this.#prepare = prepare;
    this.#stamps = new FileStamps(path);
  }

  get connection(): Connection {
    if (this.#open) return this.#open.writer;
    throw new FileFailure({ what: `the store ${this.path} is not open`, remedy: "it is opened again" });
  }

  /** There is reason to look through all of it for damage, and it was too large for that when it was opened. */
  get isUnread(): boolean {
    return this.#isUnread;
  }

  /** What happened to it, but by us, since it was opened or left. */
  change(): FileChange | undefined {
    return this.#stamps.change();
  }

  /**
   * @param isSuspect it was not closed as it should be, or something happened to it.
   * @throws Refused, or an error of SQLite; then the file and its log are as they were.
   */
  open({ isNew = false, isSuspect }: { readonly isNew?: boolean; readonly isSuspect: boolean }): void {
    using connections = new DisposableStack();
    const holder = connections.use(new Connection(this.path, { readOnly: true }));
    this.#isUnread = !(isNew || examine(holder, this.path)) && isSuspect;
    const writer = connections.use(new WatchedConnection(this.path, this.#stamps));
    this.#prepare(writer);
    // Only from its first look at the log on it is one of those who have it open.
    holder.tables();
    connections.move();
    this.#stamps.begin();
    this.#open = { holder, writer };
  }

  /** What the log holds goes into the file, wherever that is by now. @returns whether all of it did. */
  emptyLog(): boolean {
    try {
      const [row] = this.connection.pragma("pragma wal_checkpoint(truncate)");
      return row?.["busy"] === 0;
    } catch {
      return false;
    }
  }

  /** @param keepLog the file is not to be touched: what the log holds stays there, beside it. */
  close({ keepLog }: { readonly keepLog: boolean }): void {
    if (!this.#open) return;
    const { holder, writer } = this.#open;
    this.#open = undefined;
    for (const connection of keepLog ? [writer, holder] : [holder, writer]) connection[Symbol.dispose]();
    this.#stamps.leave();
  }

  [Symbol.dispose](): void {
    const change = this.change();
    if (change === "gone" || change === "exchanged") this.emptyLog();
    this.close({ keepLog: change === "written" });
  }
}

/** Refuses to write to a file that somebody else changed, and knows what is changed by us. */
class WatchedConnection extends Connection {
  readonly #stamps: FileStamps;

  constructor(path: string, stamps: FileStamps) {
    super(path, { readOnly: false });
    this.#stamps = stamps;
  }

  override atomically<Result>(work: () => Result): Result {
    const change = this.#stamps.change();
    if (change)
      throw new FileFailure({ what: "the store's file was changed by somebody else", remedy: "it is opened again" });
    const result = super.atomically(work);
    this.#stamps.note();
    return result;
  }
}

/** @returns whether all of it was read. */
function examine(connection: Connection, path: string): boolean {
  if (statSync(path).size === 0) throw new Refused(`${path} is empty`, `Move it away and ${restoring}.`);
  checkSchema(connection, path);
  const isRead = checkDamage(connection, path);
  connection.script("pragma cache_size = 16; pragma shrink_memory;");
  return isRead;
}
