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

const closed = () => new FileFailure({ what: "the store is closed", remedy: "nothing is read any more" });

/** Packing an hour makes much garbage: a small young generation is collected often, so that memory stays low. */
const resourceLimits = { maxYoungGenerationSizeMb: 12 };

/** The thread starts with the first query. */
export class FileReader implements Reader {
  readonly #file: string;
  #worker: Worker | undefined;
  #waiting = new Set<(error: unknown) => void>();
  #closed = false;

  constructor(file: string) {
    this.#file = file;
  }

  async ask<Name extends QueryName>(name: Name, query: Query<Name>): Promise<QueryResult<Name>> {
    if (this.#closed) throw closed();
    this.#worker ??= this.#start();
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
    this.#fail(closed());
  }

  #start(): Worker {
    const workerData: ThreadData = { file: this.#file };
    const worker = new Worker(new URL("./reader-thread.ts", import.meta.url), { workerData, resourceLimits });
    worker.unref();
    const remedy = "the next one who reads starts another";
    const lost = (cause?: unknown) => new FileFailure({ what: "the reading thread of the store ended", remedy }, cause);
    worker.once("error", (error) => this.#lost(worker, lost(error)));
    worker.once("exit", () => this.#lost(worker, lost()));
    return worker;
  }

  /** The next query starts another thread. */
  #lost(worker: Worker, error: unknown): void {
    if (this.#worker === worker) this.#worker = undefined;
    this.#fail(error);
  }

  #fail(error: unknown): void {
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}
