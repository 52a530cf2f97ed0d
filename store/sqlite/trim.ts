/** What is not kept for ever, and how long it is kept. Each call removes a little, so that nobody waits for it. */
import type { Connection } from "./connection.ts";
import { dayOf, hourOf, slotKey, slotOf } from "./keys.ts";
import { numeric } from "./rows.ts";
import { statement } from "./statements.ts";

const samplesDays = 30;
const answersMilliseconds = 30 * 86_400_000;
const hoursDays = 2 * 366;
/** A clock that is wrong for ten minutes must not cost the history of a month. */
const mostHoursAtOnce = 24;

const anyExpired = statement("select 1 as yes from used_token where expires < ? limit 1");
const removeExpired = statement("delete from used_token where expires < ?");
const anyOldAnswer = statement("select 1 as yes from request where answered_at < ? limit 1");
const removeOldAnswers = statement("delete from request where answered_at < ?");
const trimmed = (table: "block" | "hour" | "reading_hour") => ({
  oldest: statement(`select min(id) as id from ${table}`),
  remove: statement(`delete from ${table} where id < ?`),
});
const [blocks, hours, readingHours] = [trimmed("block"), trimmed("hour"), trimmed("reading_hour")];

export function trim(connection: Connection, now: number): void {
  const today = dayOf(hourOf(now));
  trimBefore(connection, blocks, (today - samplesDays) * 24);
  trimBefore(connection, hours, (today - hoursDays) * 24);
  trimBefore(connection, readingHours, (today - hoursDays) * 24);
  const expired = connection.get(anyExpired, now);
  if (expired) connection.run(removeExpired, now);
  const answered = now - answersMilliseconds;
  if (connection.get(anyOldAnswer, answered)) connection.run(removeOldAnswers, answered);
}

/** Whole hours, oldest first, each in its own short transaction. */
function trimBefore(connection: Connection, table: ReturnType<typeof trimmed>, hour: number): void {
  for (let hours = 0; hours < mostHoursAtOnce; hours++) {
    const row = connection.get(table.oldest);
    if (!row || row["id"] === null) return;
    const oldest = slotOf(numeric(row, "id"));
    if (oldest >= hour) return;
    connection.run(table.remove, slotKey(oldest + 1, 0));
  }
}
