/** A store as its contract looks into it: with what it derives and keeps for itself, which no part asks for. */

import type { Store } from "../../../core/store/store.ts";
import { type OpenedFile, openFile } from "../../../store/sqlite/open.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite.ts";

export interface StoreToTest extends Store {
  /** How often it runs each transaction: twice where it rolls the first one back. */
  readonly attempts: number;
  /** Whole hours (UTC) or days (UTC) that begin in the span; the running one included. */
  readonly rollups: SqliteStore["rollups"];
  /** When the next pending notice of this channel is due, or its lease ends. */
  nextDueAt(channel: string): Promise<Temporal.Instant | undefined>;
}

export const sqliteStoreToTest = async (file: string): Promise<StoreToTest> => storeOn(openFile(file), 1);

export function storeOn(opened: OpenedFile, attempts: number): StoreToTest {
  const due = "select min(due_at) as at from notice where channel = ? and state in ('pending', 'sending')";
  return Object.assign(new SqliteStore(opened), {
    attempts,
    async nextDueAt(channel: string) {
      const at = opened.connection.database.prepare(due).get(channel)?.["at"];
      return typeof at === "number" ? Temporal.Instant.fromEpochMilliseconds(at) : undefined;
    },
  });
}
