/** Sends queries that may take long to a thread with its own connection; a store in memory answers them at once. */
import { MessageChannel, Worker } from "node:worker_threads";
import type { Connection } from "./connection.ts";
import { queries } from "./reader-queries.ts";
import { FileFailure, type Sentence } from "./sqlite-errors.ts";

type Queries = typeof queries;
export type QueryName = keyof Queries;
export type Query<Name extends QueryName> = Parameters<Queries[Name]>[1];
export type QueryResult<Name extends QueryName> = ReturnType<Queries[Name]>;

/** What the thread begins with. */
export interface ThreadData {
  readonly file: string;
}

/** What the thread sends back. */
export type Reply<Name extends QueryName> =
  | { readonly answer: QueryResult<Name> }
  /** What SQLite means by an error does not get from one thread to another with it. */
  | { readonly failure: unknown; readonly sentence: Sentence | undefined };

type QueryTable = {
  readonly [Name in QueryName]: (connection: Connection, query: Query<Name>) => QueryResult<Name>;
};

export interface Reader extends AsyncDisposable {
  ask<Name extends QueryName>(name: Name, query: Query<Name>): Promise<QueryResult<Name>>;
}

/** Runs one query on one snapshot of the file. */
export function answer<Name extends QueryName>(
  connection: Connection,
  name: Name,
  query: Query<Name>,
): QueryResult<Name> {
  const table: QueryTable = queries;
  return connection.snapshot(() => table[name](connection, query));
}

export function memoryReader(connection: Connection): Reader {
  return {
    async ask(name, query) {
      return answer(connection, name, query);
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Packing an hour makes much garbage: a small young generation is collected often, so that memory stays low. */
const resourceLimits = { maxYoungGenerationSizeMb: 12 };
/** A thread takes 20 MB, and most of the time nobody asks it anything. */
const idleSeconds = 30;

/** The thread starts with the first query, and ends when there was none for a while. */
export class FileReader implements Reader {
  readonly #file: string;
  #thread: ReadingThread | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(file: string) {
    this.#file = file;
  }

  async ask<Name extends QueryName>(name: Name, query: Query<Name>): Promise<QueryResult<Name>> {
    if (this.#closed) throw closed();
    clearTimeout(this.#idle);
    const thread = this.#thread?.isRunning ? this.#thread : new ReadingThread(this.#file);
    this.#thread = thread;
    try {
      return await thread.ask(name, query);
    } finally {
      clearTimeout(this.#idle);
      if (thread.isIdle) this.#idle = setTimeout(() => void thread.end(ended()), idleSeconds * 1000).unref();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    await this.#thread?.end(closed());
  }
}

class ReadingThread {
  readonly #worker: Worker;
  readonly #waiting = new Set<(error: unknown) => void>();
  /** Why it is to end. */
  #reason: FileFailure | undefined;
  #isRunning = true;

  constructor(file: string) {
    const workerData: ThreadData = { file };
    this.#worker = new Worker(new URL("./reader-thread.ts", import.meta.url), { workerData, resourceLimits });
    this.#worker.unref();
    this.#worker.once("error", (error) => this.#lost(ended(error)));
    this.#worker.once("exit", () => this.#lost(this.#reason ?? ended()));
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0;
  }

  async ask<Name extends QueryName>(name: Name, query: Query<Name>): Promise<QueryResult<Name>> {
    const { promise, resolve, reject } = Promise.withResolvers<QueryResult<Name>>();
    const { port1, port2 } = new MessageChannel();
    this.#waiting.add(reject);
    port1.once("message", (reply: Reply<Name>) => {
      if ("answer" in reply) resolve(reply.answer);
      else reject(reply.sentence ? new FileFailure(reply.sentence, reply.failure) : reply.failure);
    });
    this.#worker.postMessage({ name, query, port: port2 }, [port2]);
    try {
      return await promise;
    } finally {
      this.#waiting.delete(reject);
      port1.close();
    }
  }

  /** @param reason what those are told who still wait. */
  async end(reason: FileFailure): Promise<void> {
    this.#reason = reason;
    this.#isRunning = false;
    await this.#worker.terminate();
  }

  #lost(reason: FileFailure): void {
    this.#isRunning = false;
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }
}

const closed = () => new FileFailure({ what: "the store is closed", remedy: "nothing is read any more" });
const ended = (cause?: unknown) =>
  new FileFailure(
    { what: "the reading thread of the store ended", remedy: "the next one who reads starts another" },
    cause,
  );
