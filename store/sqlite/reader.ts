/** Asks for reads that may take long: of a file in a thread with its own read-only connection, of memory at once. */
import { MessageChannel, Worker } from "node:worker_threads";
import type { Connection } from "./connection.ts";
import { reads } from "./reads.ts";

type Reads = typeof reads;
export type ReadName = keyof Reads;
export type Question<Name extends ReadName> = Parameters<Reads[Name]>[1];
export type Answer<Name extends ReadName> = ReturnType<Reads[Name]>;

/** What the thread begins with. */
export interface ThreadData {
  readonly file: string;
}

/** What the thread sends back. */
export type Reply<Name extends ReadName> = { readonly answer: Answer<Name> } | { readonly failure: unknown };

type ReadTable = {
  readonly [Name in ReadName]: (connection: Connection, question: Question<Name>) => Answer<Name>;
};

export interface Reader extends AsyncDisposable {
  ask<Name extends ReadName>(name: Name, question: Question<Name>): Promise<Answer<Name>>;
}

/** One read of one moment. */
export function answer<Name extends ReadName>(
  connection: Connection,
  name: Name,
  question: Question<Name>,
): Answer<Name> {
  const table: ReadTable = reads;
  return connection.snapshot(() => table[name](connection, question));
}

export function memoryReader(connection: Connection): Reader {
  return {
    async ask(name, question) {
      return answer(connection, name, question);
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Packing an hour makes much that is soon forgotten: collected often, it never piles up. */
const resourceLimits = { maxYoungGenerationSizeMb: 12 };

/** The thread starts with the first question. */
export class FileReader implements Reader {
  readonly #file: string;
  #worker: Worker | undefined;
  #waiting = new Set<(error: unknown) => void>();
  #closed = false;

  constructor(file: string) {
    this.#file = file;
  }

  async ask<Name extends ReadName>(name: Name, question: Question<Name>): Promise<Answer<Name>> {
    if (this.#closed) throw new Error("the store is closed");
    this.#worker ??= this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<Answer<Name>>();
    const { port1, port2 } = new MessageChannel();
    this.#waiting.add(reject);
    port1.once("message", (reply: Reply<Name>) => {
      if ("failure" in reply) reject(reply.failure);
      else resolve(reply.answer);
    });
    this.#worker.postMessage({ name, question, port: port2 }, [port2]);
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

  /** The next question starts another thread. */
  #lost(worker: Worker, error: unknown): void {
    if (this.#worker === worker) this.#worker = undefined;
    this.#fail(error);
  }

  #fail(error: unknown): void {
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}
