/** Types of MySQL's values: numbers become numbers where they are exact; all others stay texts. */
import type { TypeCastField } from "mysql2";

const whole = new Set(["TINY", "SHORT", "INT24", "LONG", "LONGLONG", "YEAR"]);
const rounded = new Set(["FLOAT", "DOUBLE"]);

/** In place of mysql2's own parsing, which reads a number as far as its length says, also past the end. */
export function valueIn(field: TypeCastField): string | number | null {
  const text = field.buffer()?.toString() ?? null;
  if (text === null) return null;
  const number = Number(text);
  if (rounded.has(field.type) || (whole.has(field.type) && Number.isSafeInteger(number))) return number;
  return text;
}
