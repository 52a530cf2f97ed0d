/** A store as its contract looks into it: with what it derives and keeps for itself, which no part asks for. */
import { openFile } from "../../../collector/store/open.ts";
import { SqliteStore } from "../../../collector/store/sqlite.ts";
import type { Store } from "../../../core/store/store.ts";

export interface StoreToTest extends Store {
  /** Whole hours (UTC) or days (UTC) that begin in the span; the running one included. */
  readonly rollups: SqliteStore["rollups"];
  /** When the next pending notice of this channel is due, or its lease ends. */
  nextDueAt(channel: string): Promise<Temporal.Instant | undefined>;
}

export async function sqliteStoreToTest(file: string): Promise<StoreToTest> {
  const opened = openFile(file);
  const due = "select min(due_at) as at from notice where channel = ? and state in ('pending', 'sending')";
  return Object.assign(new SqliteStore(opened), {
    async nextDueAt(channel: string) {
      const at = opened.connection.database.prepare(due).get(channel)?.["at"];
      return typeof at === "number" ? Temporal.Instant.fromEpochMilliseconds(at) : undefined;
    },
  });
}
