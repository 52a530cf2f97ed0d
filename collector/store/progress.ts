/** How far hours and days are derived, as the file knows it. */
import { type Connection, numeric } from "./connection.ts";
import { dayOf, slotKey } from "./keys.ts";

/** Hours before this one have rows; undefined before the first sample. */
export const derivedUntil = (connection: Connection) => read(connection, "derived_until");

/** Counts the steps of derivation: with it a reader sees that rows have changed. */
export const stepsOf = (connection: Connection) => read(connection, "steps") ?? 0;

export function writeProgress(connection: Connection, name: "derived_until" | "steps", value: number): void {
  connection.run(
    "insert into progress (name, value) values (?, ?) on conflict do update set value = excluded.value",
    name,
    value,
  );
}

/** A day has the right row once it is over, derived, and nothing came late. */
export function isDerivedDay(connection: Connection, day: number, series: number, until: number): boolean {
  if (day >= dayOf(until)) return false;
  return connection.get("select 1 as yes from stale_day where id = ?", slotKey(day, series)) === undefined;
}

function read(connection: Connection, name: "derived_until" | "steps"): number | undefined {
  const row = connection.get("select value from progress where name = ?", name);
  return row && numeric(row, "value");
}
