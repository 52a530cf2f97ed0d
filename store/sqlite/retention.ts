/**
 * Deletes old samples, old hours, expired tokens and old answers, and says how long each is kept. Each call deletes a little,
 * so that no commit has to wait for it.
 */
import type { Connection } from "./connection.ts";
import { numeric } from "./rows.ts";
import { dayOf, hourOf, slotKey, slotOf } from "./slot-keys.ts";
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
const prunable = (table: "block" | "hour" | "reading_hour") => ({
  oldest: statement(`select min(id) as id from ${table}`),
  remove: statement(`delete from ${table} where id < ?`),
});
const [blocks, hours, readingHours] = [prunable("block"), prunable("hour"), prunable("reading_hour")];

export function deleteOldRows(connection: Connection, now: number): void {
  const today = dayOf(hourOf(now));
  deleteBefore(connection, blocks, (today - samplesDays) * 24);
  deleteBefore(connection, hours, (today - hoursDays) * 24);
  deleteBefore(connection, readingHours, (today - hoursDays) * 24);
  const expired = connection.get(anyExpired, now);
  if (expired) connection.atomically(() => connection.run(removeExpired, now));
  const answered = now - answersMilliseconds;
  const old = connection.get(anyOldAnswer, answered);
  if (old) connection.atomically(() => connection.run(removeOldAnswers, answered));
}

/** Whole hours, oldest first, each in its own short transaction. */
function deleteBefore(connection: Connection, table: ReturnType<typeof prunable>, hour: number): void {
  for (let hours = 0; hours < mostHoursAtOnce; hours++) {
    const row = connection.get(table.oldest);
    if (!row || row["id"] === null) return;
    const oldest = slotOf(numeric(row, "id"));
    if (oldest >= hour) return;
    connection.atomically(() => connection.run(table.remove, slotKey(oldest + 1, 0)));
  }
}
