/** How far hourly and daily rollups are derived, as the file records it. */
import type { Connection } from "./connection.ts";
import { numeric } from "./rows.ts";
import { dayOf, slotKey } from "./slot-keys.ts";
import { run, statement, type Transaction } from "./statements.ts";

const upsert = statement(
  "insert into progress (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
);
const byName = statement("select value from progress where name = ?");
const isStale = statement("select 1 as yes from stale_day where id = ?");

/** Hours before this one have rows; undefined before the first sample. */
export const derivedUntil = (connection: Connection) => read(connection, "derived_until");

/** Counts the steps of derivation: with it a reader sees that rows have changed. */
export const stepsOf = (connection: Connection) => read(connection, "steps") ?? 0;

export function* writeProgress(name: "derived_until" | "steps", value: number): Transaction<void> {
  yield* run(upsert, name, value);
}

/** A day has the right row once it is over, derived, and nothing came late. */
export function isDerivedDay(connection: Connection, day: number, series: number, until: number): boolean {
  if (day >= dayOf(until)) return false;
  return connection.get(isStale, slotKey(day, series)) === undefined;
}

function read(connection: Connection, name: "derived_until" | "steps"): number | undefined {
  const row = connection.get(byName, name);
  return row && numeric(row, "value");
}
