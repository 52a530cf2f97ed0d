/** Takes requests out of the inbox in order and has each one answered by the handler of its kind. */
import type { Log } from "../../core/log.ts";
import { type Changes, mergeChanges } from "../../core/store/changes.ts";
import type { RequestAnswer, RequestStore, StoredRequest } from "../../core/store/requests.ts";

/** What is answered to one kind of request, and what is to be written with the answer. */
export type RequestHandler = (request: StoredRequest) => {
  readonly answer: RequestAnswer;
  readonly changes?: Changes;
};

/** By what is asked for. */
export type RequestHandlers = Readonly<Record<string, RequestHandler>>;

/** A request that was taken, with everything that one transaction is to write for it. */
export interface TakenRequest {
  readonly request: number;
  readonly decided: Changes;
}

const mostAtOnce = 100;

export class RequestAnswers {
  readonly #store: RequestStore;
  readonly #handlers: RequestHandlers;
  readonly #log: Log;
  /** All up to this one were taken by this process. After a restart those that have no answer yet are taken again. */
  #taken = 0;

  constructor(store: RequestStore, handlers: RequestHandlers, log: Log) {
    this.#store = store;
    this.#handlers = handlers;
    this.#log = log;
  }

  async take(now: Temporal.Instant): Promise<readonly TakenRequest[]> {
    const waiting = await this.#store.waiting(this.#taken, mostAtOnce);
    return waiting.map((request) => {
      this.#taken = request.id;
      const { answer, changes = {} } = this.#handle(request);
      return { request: request.id, decided: mergeChanges([changes, answered(request.id, now, answer)]) };
    });
  }

  #handle(request: StoredRequest): ReturnType<RequestHandler> {
    const { what } = request;
    const handler = Object.hasOwn(this.#handlers, what) ? this.#handlers[what] : undefined;
    if (!handler) return refused(`nobody here can do "${what}"`);
    try {
      return handler(request);
    } catch (error) {
      this.#log.error("a request could not be answered", { what, error });
      return refused("it failed, and nothing was changed");
    }
  }
}

/** For a request whose changes the store would not take. */
export const refusedByStore = (request: number, at: Temporal.Instant): Changes =>
  answered(request, at, { state: "refused", reason: "it could not be stored, and nothing was changed" });

const answered = (request: number, at: Temporal.Instant, answer: RequestAnswer): Changes => ({
  answers: [{ request, at, answer }],
});

const refused = (reason: string): ReturnType<RequestHandler> => ({ answer: { state: "refused", reason } });
