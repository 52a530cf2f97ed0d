/** Recognises a damaged file, by SQLite's quick check, before a store is opened from it or restored from it. */
import { statSync } from "node:fs";
import { Refused } from "../../core/errors.ts";
import type { Connection } from "./connection.ts";

/** Files up to this size are read through after an unclean end; of larger ones only the tables that cannot be derived. */
const smallFileBytes = 64 * 1024 * 1024;
const preciousTables = ["series", "transition", "verdict", "incident", "incident_update", "notice", "signing_key"];
/** The whole file; the check ends after this many faults. */
const everything = 5;

/**
 * A kill leaves SQLite's file whole; a disk or a machine that failed may not, and reading every page would take minutes.
 * @throws Refused when the file is damaged.
 */
export function checkAfterUncleanEnd(connection: Connection, file: string): void {
  const isSmall = statSync(file).size <= smallFileBytes;
  const fault = faultIn(connection, isSmall ? [everything] : preciousTables);
  if (fault !== undefined) throw damagedStore(file, fault);
}

/** @throws Refused when the backup is damaged. */
export function checkBackup(connection: Connection, file: string): void {
  const fault = faultIn(connection, [everything]);
  if (fault !== undefined) throw damagedBackup(file, fault);
}

function faultIn(connection: Connection, checks: readonly (string | number)[]): string | undefined {
  return checks
    .flatMap((check) => connection.pragma(`pragma quick_check(${check})`))
    .map((row) => String(Object.values(row)[0]))
    .find((answer) => answer !== "ok");
}

export const damagedStore = (file: string, fault: string): Refused =>
  new Refused(
    `${file} is damaged (${fault})`,
    "Move it away and restore the last backup with `./tidewatch restore FILE`.",
  );

export const damagedBackup = (file: string, fault: string): Refused =>
  new Refused(`${file} is damaged (${fault})`, "Restore another backup.");
