/**
 * Requests: a command, a link or a page cannot write what the recorder judges, so it writes down what it wants done. The
 * recorder answers in the transaction of what follows from it, and whoever asked waits for that answer.
 */
import type { Clock } from "../clock.ts";

export interface Request {
  readonly at: Temporal.Instant;
  /** Who asks, as the audit log would name them. */
  readonly who: string;
  /** Which kind of request, such as `acknowledge`; each kind has one handler. */
  readonly what: string;
  /** What the handler has to know, as JSON. It comes from outside: the handler parses it. */
  readonly detail: unknown;
}

export interface StoredRequest extends Request {
  /** Counts up in the order in which they came. */
  readonly id: number;
}

export type RequestAnswer =
  | { readonly state: "done"; readonly result?: unknown }
  /** Nothing was changed. */
  | { readonly state: "refused"; readonly reason: string };

/** Ignored when the request is answered already, or there is none. */
export interface AnsweredRequest {
  readonly request: number;
  readonly at: Temporal.Instant;
  readonly answer: RequestAnswer;
}

export interface RequestStore {
  /** Durable when it resolves. @returns its number. */
  write(request: Request): Promise<number>;
  /** Those with a number above `after` that nobody has answered, in the order in which they came. */
  waiting(after: number, limit: number): Promise<readonly StoredRequest[]>;
  /** undefined while it waits. Answers are kept for 30 days. */
  answerTo(id: number): Promise<RequestAnswer | undefined>;
}

const lookEverySeconds = 0.2;

/** Writes a request and waits for its answer. Rejects with the reason of the signal, and may then be answered all the same. */
export async function ask(
  store: { readonly requests: RequestStore },
  request: Request,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<RequestAnswer> {
  const id = await store.requests.write(request);
  for (;;) {
    const answer = await store.requests.answerTo(id);
    if (answer) return answer;
    await clock.sleep(lookEverySeconds, signal);
  }
}
