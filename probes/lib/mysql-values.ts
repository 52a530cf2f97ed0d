/** How values of MySQL are read: numbers as numbers where they are exact; all others stay texts. */
import type { TypeCastField } from "mysql2";

const numbers = new Set(["TINY", "SHORT", "INT24", "LONG", "LONGLONG", "YEAR", "FLOAT", "DOUBLE"]);

/** In place of the ways of mysql2, which goes through a number as long as its length says, whatever there is. */
export function valueIn(field: TypeCastField): string | number | null {
  const text = field.buffer()?.toString() ?? null;
  if (text === null || !numbers.has(field.type)) return text;
  const number = Number(text);
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? text : number;
}
