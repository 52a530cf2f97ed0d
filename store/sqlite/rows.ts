/**
 * Rows of a database, and their columns read as the type that they must have: number, text, one of several words, JSON, bytes,
 * moment. A row that this version cannot read, because a newer one wrote it, keeps none of the others from being read.
 */
import type { z } from "zod";

/** What can be bound to a statement and what can be in a column. */
export type SqlValue = number | bigint | string | Uint8Array | null;
export type Row = Readonly<Record<string, SqlValue>>;

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

export function oneOf<Word extends string>(row: Row, column: string, words: readonly Word[]): Word {
  const value = text(row, column);
  const word = words.find((one) => one === value);
  if (word === undefined) throw new TypeError(`column ${column} holds "${value}", which this version does not know`);
  return word;
}

export function json<Schema extends z.ZodType>(row: Row, column: string, schema: Schema): z.output<Schema> {
  const written = text(row, column);
  try {
    return schema.parse(JSON.parse(written));
  } catch (cause) {
    throw new TypeError(`column ${column} holds what this version cannot read`, { cause });
  }
}

/** undefined where this version cannot read it; strange-rows.ts lists those. */
export function readable<Read>(row: Row, read: (row: Row) => Read): Read | undefined {
  try {
    return read(row);
  } catch {
    return undefined;
  }
}

/** Each by itself: what cannot be read stays where it is, and all others go on. */
export const allReadable = <Read extends object>(rows: readonly Row[], read: (row: Row) => Read): readonly Read[] =>
  rows.flatMap((row) => readable(row, read) ?? []);

export const maybeNumeric = (row: Row, column: string) => (row[column] === null ? undefined : numeric(row, column));
export const maybeText = (row: Row, column: string) => (row[column] === null ? undefined : text(row, column));
export const maybeBlob = (row: Row, column: string) => (row[column] === null ? undefined : blob(row, column));

export const instant = (milliseconds: number) => Temporal.Instant.fromEpochMilliseconds(milliseconds);
