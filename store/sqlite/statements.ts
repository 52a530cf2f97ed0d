/**
 * SQL statements that are yielded, not called: the same transaction runs on SQLite and on PostgreSQL.
 *
 * A transaction is a generator: `const row = yield* get(byId, id)`. Whoever drives it answers each statement that it
 * yields and resumes it with the rows. SQLite's driver does so in a plain loop without a pause (connection.ts), so that
 * a transaction there is one synchronous piece of work; a driver for PostgreSQL will await each answer. A transaction may
 * be run again from its beginning when it was rolled back: what it calls, such as the functions that find the words for
 * notices, is pure, and what it remembers outside of the store is forgotten when it is undone.
 *
 * Every text is a `Statement`, made once where its module is loaded. So all of them are known, and a test has PostgreSQL
 * prepare each one (test/store/sqlite/postgres.test.ts). Where the engines differ: upsert with `on conflict`, values in
 * order (`?`, never `?1`), `noLimit`, a new number by `returning id`, the smaller of two by `case`. No window functions, no
 * JSON operators: arithmetic stays in TypeScript.
 */
import type { Row, SqlValue } from "./rows.ts";

const known: Statement[] = [];

/** One text with `?` where its values go. Made where a module is loaded, never while the store runs. */
export class Statement {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    known.push(this);
  }

  get text(): string {
    return this.#text;
  }
}

export const statement = (text: string) => new Statement(text);

/** Of the modules that are loaded. */
export const allStatements = (): readonly Statement[] => known;

export interface Question {
  readonly statement: Statement;
  readonly values: readonly SqlValue[];
  /** Its rows, or how many it changed. */
  readonly wants: "rows" | "count";
}

export interface Answer {
  readonly rows: readonly Row[];
  readonly changed: number;
}

export type Transaction<Result> = Generator<Question, Result, Answer>;

export function* all(statement: Statement, ...values: readonly SqlValue[]): Transaction<readonly Row[]> {
  return (yield { statement, values, wants: "rows" }).rows;
}

/** The first row. */
export function* get(statement: Statement, ...values: readonly SqlValue[]): Transaction<Row | undefined> {
  return (yield { statement, values, wants: "rows" }).rows[0];
}

/** @returns how many rows it changed. */
export function* run(statement: Statement, ...values: readonly SqlValue[]): Transaction<number> {
  return (yield { statement, values, wants: "count" }).changed;
}

/** `limit ?` where there is none, in words that both engines take. */
export const noLimit = Number.MAX_SAFE_INTEGER;

/** Whoever drives transactions to their end; each is called to make one, and called again when it has to be run again. */
export interface Driver {
  /** Only reads. */
  read<Result>(work: () => Transaction<Result>): Promise<Result>;
  /** All of it or nothing; durable when it resolves. */
  write<Result>(work: () => Transaction<Result>): Promise<Result>;
}
