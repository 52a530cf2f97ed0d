/** Rows of a database, and their columns read as the type that they must have: number, text, bytes, moment. */

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

export const maybeNumeric = (row: Row, column: string) => (row[column] === null ? undefined : numeric(row, column));
export const maybeText = (row: Row, column: string) => (row[column] === null ? undefined : text(row, column));
export const maybeBlob = (row: Row, column: string) => (row[column] === null ? undefined : blob(row, column));

export const instant = (milliseconds: number) => Temporal.Instant.fromEpochMilliseconds(milliseconds);
