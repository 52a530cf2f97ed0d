/** One connection to the SQLite file: prepared statements, bound values, transactions that are whole or rolled back. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Row, type SqlValue, text } from "./rows.ts";
import type { Answer, Question, Statement, Transaction } from "./statements.ts";

export class Connection implements Disposable {
  readonly database: DatabaseSync;
  readonly #queries = new Map<Statement, StatementSync>();
  readonly #commands = new Map<Statement, StatementSync>();

  constructor(file: string, options: { readonly readOnly: boolean }) {
    // The program waits while SQLite does: rather fail soon and try again later.
    this.database = new DatabaseSync(file, { readOnly: options.readOnly, timeout: options.readOnly ? 2000 : 250 });
  }

  all(statement: Statement, ...values: readonly SqlValue[]): readonly Row[] {
    return this.#query(statement).all(...values.map(bound));
  }

  get(statement: Statement, ...values: readonly SqlValue[]): Row | undefined {
    return this.#query(statement).get(...values.map(bound));
  }

  each(statement: Statement, ...values: readonly SqlValue[]): Iterable<Row> {
    return this.#query(statement).iterate(...values.map(bound));
  }

  /** @returns how many rows it changed. */
  run(statement: Statement, ...values: readonly SqlValue[]): number {
    let command = this.#commands.get(statement);
    if (!command) {
      command = this.database.prepare(statement.text);
      // Keys of samples are larger than a JS number can hold, and the last one is part of every result.
      command.setReadBigInts(true);
      this.#commands.set(statement, command);
    }
    return Number(command.run(...values.map(bound)).changes);
  }

  /** For scripts of many statements, and pragmas that answer nothing. */
  script(sql: string): void {
    this.database.exec(sql);
  }

  /** A question that only SQLite understands. */
  pragma(text: `pragma ${string}`): readonly Row[] {
    return this.database.prepare(text).all();
  }

  /** The names of all tables; throws where the file is no database. */
  tables(): readonly string[] {
    const rows = this.database.prepare("select name from sqlite_schema where type = 'table'").all();
    return rows.map((row) => text(row, "name"));
  }

  /** Drives a transaction to its end: every statement it yields is answered at once. */
  perform<Result>(work: Transaction<Result>): Result {
    let step = work.next();
    while (!step.done) step = work.next(this.#answer(step.value));
    return step.value;
  }

  /** All of `work` or nothing of it, in one synchronous piece. */
  transaction<Result>(work: () => Transaction<Result>): Result {
    return this.atomically(() => this.perform(work()));
  }

  /** As `transaction`, for what only SQLite does. */
  atomically<Result>(work: () => Result): Result {
    this.script("begin immediate");
    try {
      const result = work();
      this.script("commit");
      return result;
    } catch (error) {
      // SQLite itself ends the transaction on some errors (a full disk).
      if (this.database.isTransaction) this.script("rollback");
      throw error;
    }
  }

  /** Several reads of the same moment. */
  snapshot<Result>(work: () => Result): Result {
    if (this.database.isTransaction) return work();
    this.script("begin");
    try {
      return work();
    } finally {
      if (this.database.isTransaction) this.script("commit");
    }
  }

  [Symbol.dispose](): void {
    this.#queries.clear();
    this.#commands.clear();
    if (this.database.isOpen) this.database.close();
  }

  #query(statement: Statement): StatementSync {
    let query = this.#queries.get(statement);
    if (!query) {
      query = this.database.prepare(statement.text);
      this.#queries.set(statement, query);
    }
    return query;
  }

  #answer({ statement, values, wants }: Question): Answer {
    if (wants === "count") return { rows: noRows, changed: this.run(statement, ...values) };
    return { rows: this.all(statement, ...values), changed: 0 };
  }
}

const noRows: readonly Row[] = [];

/** A JS number is bound as REAL, and then arithmetic in SQL is floating-point arithmetic: whole numbers go as BigInt. */
function bound(value: SqlValue): SqlValue {
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
}
