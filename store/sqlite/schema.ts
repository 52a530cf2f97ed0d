/** The schema: runs the numbered migrations, and refuses a file whose schema this version cannot use. */
import { readdirSync, readFileSync } from "node:fs";
import { Refused } from "../../core/errors.ts";
import type { Connection } from "./connection.ts";
import { restoring } from "./damage.ts";
import { numeric } from "./rows.ts";

/** "Tide": marks our files among SQLite databases. */
const applicationId = 0x54696465;

interface Migration {
  readonly version: number;
  readonly sql: string;
}

const folder = new URL("./migrations/", import.meta.url);

function migrations(): readonly Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => ({ version: Number.parseInt(name, 10), sql: readFileSync(new URL(name, folder), "utf8") }));
}

/** The version that `migrate` ends with. */
export const newestSchema = (): number => migrations().at(-1)?.version ?? 0;

/** Refuses what is no store of ours, or one from the future. @returns the version it has; 0 for an empty file. */
export function checkSchema(connection: Connection, file: string): number {
  const version = pragma(connection, "user_version");
  const isNew = connection.tables().length === 0;
  if (pragma(connection, "application_id") !== applicationId && !isNew) throw notAStore(file);
  const newest = newestSchema();
  if (version > newest) {
    throw new Refused(
      `${file} was written by a newer Tidewatch: its schema is ${version}, this version knows schemas up to ${newest}`,
      "Start the newer version again, or restore a backup that was made before the update.",
    );
  }
  return version;
}

export function migrate(connection: Connection, from: number): void {
  for (const { version, sql } of migrations()) {
    if (version <= from) continue;
    connection.atomically(() => {
      connection.script(sql);
      connection.script(`pragma application_id = ${applicationId}; pragma user_version = ${version};`);
    });
  }
}

export function notAStore(file: string): Refused {
  return new Refused(
    `${file} is not a Tidewatch store`,
    "Name another file (the store's own is `store.sqlite` in the configuration). If it was a store, it is damaged: move it " +
      `away and ${restoring}.`,
  );
}

function pragma(connection: Connection, name: "user_version" | "application_id"): number {
  const [row] = connection.pragma(`pragma ${name}`);
  return row ? numeric(row, name) : 0;
}
