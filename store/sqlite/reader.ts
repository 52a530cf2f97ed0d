/** Sends queries that may take long to a thread with its own connection; a store in memory answers them at once. */
import { MessageChannel, Worker } from "node:worker_threads";
import type { Connection } from "./connection.ts";
import { queries } from "./reader-queries.ts";

type Queries = typeof queries;
export type QueryName = keyof Queries;
export type Query<Name extends QueryName> = Parameters<Queries[Name]>[1];
export type QueryResult<Name extends QueryName> = ReturnType<Queries[Name]>;

/** What the thread begins with. */
export interface ThreadData {
  readonly file: string;
}

/** What the thread sends back. */
export type Reply<Name extends QueryName> = { readonly answer: QueryResult<Name> } | { readonly failure: unknown };

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
    if (this.#closed) throw new Error("the store is closed");
    this.#worker ??= this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<QueryResult<Name>>();
    const { port1, port2 } = new MessageChannel();
    this.#waiting.add(reject);
    port1.once("message", (reply: Reply<Name>) => {
      if ("failure" in reply) reject(reply.failure);
      else resolve(reply.answer);
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
    this.#fail(new Error("the store was closed"));
  }

  #start(): Worker {
    const workerData: ThreadData = { file: this.#file };
    const worker = new Worker(new URL("./reader-thread.ts", import.meta.url), { workerData, resourceLimits });
    worker.unref();
    worker.once("error", (error) => this.#lost(worker, error));
    worker.once("exit", () => this.#lost(worker, new Error("the reading thread of the store ended")));
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
