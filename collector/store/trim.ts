/** What is not kept for ever, and how long it is kept. Each call removes a little, so that nobody waits for it. */
import { type Connection, numeric } from "./connection.ts";
import { dayOf, hourOf, slotKey, slotOf } from "./keys.ts";

const samplesDays = 30;
const hoursDays = 2 * 366;
/** A clock that is wrong for ten minutes must not cost the history of a month. */
const mostHoursAtOnce = 24;

export function trim(connection: Connection, now: number): void {
  const today = dayOf(hourOf(now));
  trimBefore(connection, "block", (today - samplesDays) * 24);
  trimBefore(connection, "hour", (today - hoursDays) * 24);
  trimBefore(connection, "reading_hour", (today - hoursDays) * 24);
  const expired = connection.get("select 1 as yes from used_token where expires < ? limit 1", now);
  if (expired) connection.run("delete from used_token where expires < ?", now);
}

/** Whole hours, oldest first, each in its own short transaction. */
function trimBefore(connection: Connection, table: "block" | "hour" | "reading_hour", hour: number): void {
  for (let trimmed = 0; trimmed < mostHoursAtOnce; trimmed++) {
    const row = connection.get(`select min(id) as id from ${table}`);
    if (!row || row["id"] === null) return;
    const oldest = slotOf(numeric(row, "id"));
    if (oldest >= hour) return;
    connection.run(`delete from ${table} where id < ?`, slotKey(oldest + 1, 0));
  }
}
