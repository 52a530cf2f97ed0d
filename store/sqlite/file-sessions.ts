/**
 * The session with the store's file. When the file fails while it is open, it is opened again as soon as it is whole and
 * holds what was last written to it; until then nobody reads or writes, and is told why (docs/decisions/014-store-failures.md).
 */
import { randomInt } from "node:crypto";
import { Refused } from "../../core/errors.ts";
import { damagedStore, restoring } from "./damage.ts";
import type { FileChange } from "./file-stamps.ts";
import type { OpenedFile } from "./open.ts";
import { refusalOf } from "./open-refusals.ts";
import { FileReader, type Query, type QueryName, type QueryResult } from "./reader.ts";
import { readTest, readTestAnew, writeTest } from "./self-test.ts";
import { beginSession, isSameState, type Session } from "./session.ts";
import { FileFailure, type Sentence, sentenceOf } from "./sqlite-errors.ts";
import type { Transaction } from "./statements.ts";
import type { WatchedFile } from "./watched-file.ts";

/** Why the file cannot be used. */
interface Refusal {
  readonly failure: FileFailure;
  /** For as long as the file stays as it is. */
  readonly lasts: boolean;
}

export class FileSessions implements AsyncDisposable {
  readonly #opened: OpenedFile;
  #session: Session | undefined;
  /** The newest one: what the file has to hold when it is opened again. */
  #last: Session;
  #refusal: Refusal | undefined;
  /** After what SQLite said, nothing comes of using the connection any more. */
  #isBroken = false;
  #isLogEmpty = false;
  #isClosed = false;
  #reopening: Promise<void> | undefined;
  /** Reads a large file for damage. */
  #checker: FileReader | undefined;

  constructor(opened: OpenedFile) {
    this.#opened = opened;
    this.#last = beginSession(opened.connection, opened.path);
    this.#use(this.#last);
  }

  /** @throws FileFailure while the file cannot be used. */
  current(): Session {
    const { watched, path } = this.#opened;
    if (this.#isClosed)
      throw new FileFailure({ what: `the store ${path} is closed`, remedy: "nothing opens it again" });
    if (watched && !this.#reopening) this.#look(watched);
    if (this.#session) return this.#session;
    throw this.#refusal?.failure ?? new FileFailure({ what: `${path} is not open`, ...again });
  }

  read<Result>(work: () => Transaction<Result>): Result {
    const session = this.current();
    try {
      return session.connection.perform(work());
    } catch (error) {
      throw this.failed(error, session);
    }
  }

  /** All of it or nothing. */
  write<Result>(work: (session: Session) => Transaction<Result>): Result {
    const session = this.current();
    try {
      return session.connection.transaction(() => work(session));
    } catch (error) {
      throw this.undone(error, session);
    }
  }

  async ask<Name extends QueryName>(name: Name, query: Query<Name>): Promise<QueryResult<Name>> {
    const session = this.current();
    try {
      return await session.reader.ask(name, query);
    } catch (error) {
      throw this.failed(error, session);
    }
  }

  /** @throws FileFailure where whoever opens the file next does not find what was written now. */
  async test(): Promise<void> {
    const written = randomInt(2 ** 47);
    const session = this.write(function* (session) {
      yield* writeTest(written);
      return session;
    });
    session.test.value = written;
    if (this.#readTest(session) === written) return;
    const lost: Sentence = { what: `what was written to ${this.#opened.path} is not found there`, ...again };
    throw this.failed(new FileFailure({ ...lost, isBroken: true }), session);
  }

  #readTest(session: Session): number | undefined {
    const { path } = this.#opened;
    try {
      return path === ":memory:" ? readTest(session.connection) : readTestAnew(path);
    } catch (error) {
      throw this.failed(error, session);
    }
  }

  /** Forgets what a transaction gave out that was rolled back, such as ids. @returns the error to be thrown. */
  undone(error: unknown, session: Session): unknown {
    const failure = this.failed(error, session);
    if (!session.connection.database.isOpen) return failure;
    try {
      session.ids.reload();
      session.derivation.reload();
      return failure;
    } catch (cause) {
      const unreadable: Sentence = { what: `the store cannot be read: ${cause}`, ...again, isBroken: true };
      return this.failed(new FileFailure(unreadable, cause), session);
    }
  }

  /** @returns the error as the callers of a store know it. */
  failed(error: unknown, session: Session): unknown {
    const sentence = sentenceOf(error);
    if (!sentence) return error;
    const failure = error instanceof FileFailure ? error : new FileFailure(sentence, error);
    if (sentence.isBroken && session === this.#session) {
      this.#isBroken = true;
      this.#refusal = { failure, lasts: false };
    }
    return failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#reopening;
    await this.#endReading();
    this.#opened[Symbol.dispose]();
  }

  /** Whether the file is still ours and as it was left; opens it again where that may help. */
  #look(watched: WatchedFile): void {
    const change = watched.change();
    if (change === "gone" || change === "exchanged") {
      // Our connection has the file, wherever it is by now: what its log holds must not get into another one.
      if (this.#session && !this.#isLogEmpty) this.#isLogEmpty = watched.emptyLog();
      throw new FileFailure(changes[change](watched.path));
    }
    if (this.#session && !change && !this.#isBroken) return;
    if (!this.#session && !change && this.#refusal?.lasts) return;
    if (change && this.#session)
      this.#refusal = { failure: new FileFailure(changes[change](watched.path)), lasts: false };
    // What was in a log that lies nowhere any more, only our connection knows. Any other log stays as it is.
    const keepLog = change !== "beside" || this.#isBroken;
    this.#reopening = this.#close(watched, keepLog)
      .then(() => this.#reopen(watched))
      .finally(() => {
        this.#reopening = undefined;
      });
  }

  async #close(watched: WatchedFile, keepLog: boolean): Promise<void> {
    const reading = this.#endReading();
    this.#session = undefined;
    await reading;
    watched.close({ keepLog });
  }

  async #endReading(): Promise<void> {
    await Promise.all([this.#session?.reader[Symbol.asyncDispose](), this.#checker?.[Symbol.asyncDispose]()]);
  }

  #reopen(watched: WatchedFile): void {
    const { path } = watched;
    try {
      watched.open({ isSuspect: true });
      const session = beginSession(watched.connection, path);
      if (!isSameState(session, this.#last)) throw new Refused(...anotherState(path));
      this.#use(session);
    } catch (error) {
      watched.close({ keepLog: true });
      const sentence = sentenceOf(error);
      const lasts = sentence ? sentence.isBroken === true : !(error instanceof Error && "syscall" in error);
      const refused = sentenceOf(refusalOf(error, path)) ?? { what: `${path} cannot be opened: ${error}`, ...again };
      this.#refusal = { failure: new FileFailure(refused, error), lasts };
    }
  }

  #use(session: Session): void {
    const { watched } = this.#opened;
    this.#session = session;
    this.#last = session;
    this.#refusal = undefined;
    this.#isBroken = false;
    this.#isLogEmpty = false;
    if (watched?.isUnread) void this.#readWhole(session, watched);
  }

  /** A large file, in a thread of its own. */
  async #readWhole(session: Session, watched: WatchedFile): Promise<void> {
    const checker = new FileReader(watched.path);
    this.#checker = checker;
    // What else may fail there shows where the file is used.
    const fault = await checker.ask("damage", {}).catch(() => undefined);
    await checker[Symbol.asyncDispose]();
    const sentence = fault === undefined ? undefined : sentenceOf(damagedStore(watched.path, fault));
    if (!sentence || session !== this.#session) return;
    this.#refusal = { failure: new FileFailure(sentence), lasts: true };
    this.#reopening = this.#close(watched, true).finally(() => {
      this.#reopening = undefined;
    });
  }
}

const again = { remedy: "it is opened again" };

const changes: Readonly<Record<FileChange, (path: string) => Sentence>> = {
  gone: (path) => ({
    what: `${path} is gone`,
    remedy: `put it back, and Tidewatch goes on with it; or stop Tidewatch and ${restoring}`,
  }),
  exchanged: (path) => ({
    what: `another file lies where ${path} was`,
    remedy:
      "put the store back, and Tidewatch goes on with it; or restart Tidewatch, if it is to go on with the other file",
  }),
  written: (path) => ({ what: `${path} was changed by somebody else`, ...again }),
  beside: (path) => ({ what: `${path}-wal or ${path}-shm was taken away`, ...again }),
};

const anotherState = (path: string): [message: string, remedy: string] => [
  `${path} does not hold what was last written to it`,
  "Put it back as it was; or restart Tidewatch, if it is to go on with what the file holds.",
];
