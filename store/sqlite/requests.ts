/** Requests in the store: a command or a page writes one and waits; the recorder answers it, once. */
import { z } from "zod";
import type {
  AnsweredRequest,
  Request,
  RequestAnswer,
  RequestStore,
  StoredRequest,
} from "../../core/store/requests.ts";
import { allReadable, instant, json, numeric, type Row, text } from "./rows.ts";
import { all, type Driver, get, run, statement, type Transaction } from "./statements.ts";

const Answer = z.discriminatedUnion("state", [
  z.object({ state: z.literal("done"), result: z.unknown().optional() }),
  z.object({ state: z.literal("refused"), reason: z.string() }),
]);

const insert = statement("insert into request (at, who, what, detail) values (?, ?, ?, ?) returning id");
const waitingAfter = statement(
  "select id, at, who, what, detail from request where answered_at is null and id > ? order by id limit ?",
);
const setAnswer = statement("update request set answer = ?, answered_at = ? where id = ? and answered_at is null");
const answerOf = statement("select answer from request where id = ?");

export const requestStore = ({ read, write }: Driver): RequestStore => ({
  write: (request) => write(() => addRequest(request)),
  waiting: (after, limit) => read(() => readWaiting(after, limit)),
  answerTo: (id) => read(() => readAnswer(id)),
});

export function* answerRequests(answered: readonly AnsweredRequest[]): Transaction<void> {
  for (const { request, at, answer } of answered) {
    yield* run(setAnswer, JSON.stringify(answer), at.epochMilliseconds, request);
  }
}

function* addRequest({ at, who, what, detail }: Request): Transaction<number> {
  const row = yield* get(insert, at.epochMilliseconds, who, what, JSON.stringify(detail ?? null));
  if (!row) throw new Error("a request that was just written has no number");
  return numeric(row, "id");
}

function* readWaiting(after: number, limit: number): Transaction<readonly StoredRequest[]> {
  const found: StoredRequest[] = [];
  for (let last = after; found.length < limit; ) {
    const rows = yield* all(waitingAfter, last, limit);
    found.push(...allReadable(rows, requestFrom));
    const newest = rows.at(-1);
    if (!newest || rows.length < limit) break;
    last = numeric(newest, "id");
  }
  return found.slice(0, limit);
}

export const requestFrom = (row: Row): StoredRequest => ({
  id: numeric(row, "id"),
  at: instant(numeric(row, "at")),
  who: text(row, "who"),
  what: text(row, "what"),
  detail: json(row, "detail", z.unknown()),
});

function* readAnswer(id: number): Transaction<RequestAnswer | undefined> {
  const row = yield* get(answerOf, id);
  return row && row["answer"] !== null ? json(row, "answer", Answer) : undefined;
}
