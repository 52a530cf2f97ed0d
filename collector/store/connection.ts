/** One connection to the SQLite file: bound parameters, remembered statements, transactions that leave nothing behind. */
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";

export type Parameter = number | bigint | string | Uint8Array | null;
export type Row = Readonly<Record<string, SQLOutputValue>>;

export class Connection implements Disposable {
  readonly database: DatabaseSync;
  readonly #queries = new Map<string, StatementSync>();
  readonly #commands = new Map<string, StatementSync>();

  constructor(file: string, options: { readonly readOnly: boolean }) {
    // The program waits while SQLite does: rather fail soon and try again later.
    this.database = new DatabaseSync(file, { readOnly: options.readOnly, timeout: options.readOnly ? 2000 : 250 });
  }

  all(sql: string, ...parameters: readonly Parameter[]): readonly Row[] {
    return this.#query(sql).all(...parameters.map(bound));
  }

  get(sql: string, ...parameters: readonly Parameter[]): Row | undefined {
    return this.#query(sql).get(...parameters.map(bound));
  }

  each(sql: string, ...parameters: readonly Parameter[]): Iterable<Row> {
    return this.#query(sql).iterate(...parameters.map(bound));
  }

  /** @returns how many rows it changed. */
  run(sql: string, ...parameters: readonly Parameter[]): number {
    let statement = this.#commands.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      // Keys of samples are larger than a JS number can hold, and the last one is part of every result.
      statement.setReadBigInts(true);
      this.#commands.set(sql, statement);
    }
    return Number(statement.run(...parameters.map(bound)).changes);
  }

  /** For scripts of many statements, and pragmas. */
  script(sql: string): void {
    this.database.exec(sql);
  }

  /** All of `work` or nothing of it. */
  transaction<Result>(work: () => Result): Result {
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

  #query(sql: string): StatementSync {
    let statement = this.#queries.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.#queries.set(sql, statement);
    }
    return statement;
  }
}

/** A JS number is bound as REAL, and then arithmetic in SQL is floating-point arithmetic: whole numbers go as BigInt. */
function bound(parameter: Parameter): Parameter {
  return typeof parameter === "number" && Number.isSafeInteger(parameter) ? BigInt(parameter) : parameter;
}

export function numeric(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === "number") return value;
  throw new TypeError(`column ${column} holds no number`);
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === "string") return value;
  throw new TypeError(`column ${column} holds no text`);
}

export function blob(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`column ${column} holds no bytes`);
}

export const maybeNumeric = (row: Row, column: string) => (row[column] === null ? undefined : numeric(row, column));
export const maybeText = (row: Row, column: string) => (row[column] === null ? undefined : text(row, column));
export const maybeBlob = (row: Row, column: string) => (row[column] === null ? undefined : blob(row, column));
