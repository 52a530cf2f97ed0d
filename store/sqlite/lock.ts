/**
 * The lock on the store's file: one program at a time writes it. The lock is the operating system's, so it ends with the
 * process, however that ends.
 */
import { Refused } from "../../core/errors.ts";
import { Connection } from "./connection.ts";
import { busy, sqliteCode } from "./sqlite-errors.ts";

/** Held until disposed. Readers, and `backup`, need no lock. */
export function lockStore(file: string): Disposable {
  const connection = new Connection(`${file}.lock`, { readOnly: false });
  try {
    connection.script("pragma journal_mode = memory; pragma busy_timeout = 0; begin exclusive;");
    return connection;
  } catch (error) {
    connection[Symbol.dispose]();
    if (sqliteCode(error) !== busy) throw error;
    throw new Refused(
      `${file} is in use by another Tidewatch`,
      "Stop the other one first, or give this one its own file under `store.sqlite`.",
    );
  }
}
