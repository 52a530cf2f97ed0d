/** SQLite's errors as sentences, such as a full disk or a lock: what a person can mend is told apart from our own bugs. */
import { z } from "zod";
import { StoreUnavailable } from "../../core/errors.ts";

const SqliteError = z.object({ code: z.literal("ERR_SQLITE_ERROR"), errcode: z.number() });

/** By SQLite's primary result code. */
const sentences: Readonly<Record<number, string>> = {
  5: "somebody else holds a lock on the store",
  6: "somebody else holds a lock on the store",
  7: "there is no memory left",
  8: "the store's file or folder may not be written",
  10: "the disk failed to read or write",
  11: "the store's file is damaged",
  13: "the disk, or the room left for the store, is full",
  14: "the store's file cannot be opened",
  26: "the store's file is damaged",
};

export const notADatabase = 26;
export const damaged = 11;
export const cannotOpen = 14;

/** SQLite's primary result code; undefined when the error is none of SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  const parsed = SqliteError.safeParse(error);
  return parsed.success ? parsed.data.errcode % 256 : undefined;
}

/** The error as the callers of a store know it. */
export function storeFailure(error: unknown): unknown {
  const code = sqliteCode(error);
  const sentence = code === undefined ? undefined : sentences[code];
  return sentence === undefined ? error : new StoreUnavailable(sentence, { cause: error });
}
