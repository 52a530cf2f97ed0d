/** Recognises a damaged file, by SQLite's quick check, before a store is opened from it or restored from it. */
import { statSync } from "node:fs";
import { Refused } from "../../core/errors.ts";
import type { Connection } from "./connection.ts";
import { text } from "./rows.ts";

/** So much is read in a fraction of a second, also from a slow disk. */
const smallFileBytes = 64 * 1024 * 1024;
/** The check of a whole file ends there. */
const firstFault = 1;
/** What makes a file large: old samples, and what can be derived again. */
const largeTables = ["block", "hour", "day", "reading_hour", "reading_day"];

/** The end of a sentence that says what to do. */
export const restoring = "restore the last backup with `./tidewatch restore FILE`";

/**
 * Disks and machines fail in silence, also after a clean end: looked for at every opening. Of a large file only the tables
 * that cannot be derived; where there is reason to, the rest is read once it runs.
 * @returns whether all was read.
 * @throws Refused when the file is damaged.
 */
export function checkDamage(connection: Connection, file: string): boolean {
  const isSmall = statSync(file).size <= smallFileBytes;
  const fault = isSmall ? faultIn(connection, [firstFault]) : faultIn(connection, smallTables(connection));
  if (fault !== undefined) throw damagedStore(file, fault);
  return isSmall;
}

/** The whole file. @returns what is damaged. */
export const damageIn = (connection: Connection): string | undefined => faultIn(connection, [firstFault]);

/** @throws Refused when the backup is damaged. */
export function checkBackup(connection: Connection, file: string): void {
  const fault = damageIn(connection);
  if (fault !== undefined) throw damagedBackup(file, fault);
}

function smallTables(connection: Connection): readonly string[] {
  const tables = connection.tables();
  return tables.filter((table) => !largeTables.includes(table));
}

function faultIn(connection: Connection, checks: readonly (string | number)[]): string | undefined {
  const answers = checks.flatMap((check) => connection.pragma(`pragma quick_check(${check})`));
  const fault = answers.map((row) => text(row, "quick_check")).find((answer) => answer !== "ok");
  // The line before it says in which of several databases it is.
  return fault?.split("\n").at(-1);
}

export const damagedStore = (file: string, fault: string): Refused =>
  new Refused(`${file} is damaged (${fault})`, `Move it away and ${restoring}.`);

export const damagedBackup = (file: string, fault: string): Refused =>
  new Refused(`${file} is damaged (${fault})`, "Restore another backup.");
