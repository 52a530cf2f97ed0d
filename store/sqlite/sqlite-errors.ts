/**
 * SQLite's errors as sentences, such as a full disk, a lock or damage, with what to do. Whatever SQLite says about its file
 * is a failure of the store; only what it says about values that were to be written is an error of ours.
 */
import { z } from "zod";
import { errorCode } from "../../core/error-code.ts";
import { StoreUnavailable } from "../../core/errors.ts";

const SqliteError = z.object({ code: z.literal("ERR_SQLITE_ERROR"), errcode: z.number(), message: z.string() });

/** What happened, and what to do. */
export interface Sentence {
  readonly what: string;
  readonly remedy: string;
}

export const busy = 5;
export const damaged = 11;
export const cannotOpen = 14;
export const notADatabase = 26;

const locked: Sentence = {
  what: "another program holds a lock on the store's file",
  remedy: "find out which with `fuser`, and let it come to its end",
};
const damage: Sentence = {
  what: "the store's file is damaged",
  remedy: "stop Tidewatch, move the file away and restore the last backup with `./tidewatch restore FILE`",
};

/** By SQLite's primary result code. */
const sentences: Readonly<Record<number, Sentence>> = {
  [busy]: locked,
  6: locked,
  7: { what: "there is no memory left", remedy: "see what else needs memory on this machine" },
  8: {
    what: "the store's file or folder may not be written",
    remedy: "see that both belong to the user that runs Tidewatch, and that their disk is not read-only",
  },
  10: { what: "the disk failed to read or write", remedy: "look for its errors with `dmesg`" },
  [damaged]: damage,
  13: { what: "the disk, or the room left for the store, is full", remedy: "make room; what waits is stored then" },
  [cannotOpen]: {
    what: "SQLite could not open the store's file or those beside it",
    remedy: "see that its folder exists and belongs to the user that runs Tidewatch",
  },
  [notADatabase]: damage,
};

/** What was to be written is too big, breaks a constraint, or is of the wrong type. */
const aboutValues: readonly number[] = [18, 19, 20, 25];

/** SQLite's primary result code; undefined when the error is none of SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  const parsed = SqliteError.safeParse(error);
  return parsed.success ? parsed.data.errcode % 256 : undefined;
}

/** @returns undefined where the error is not one of the store's. */
export function sentenceOf(error: unknown): Sentence | undefined {
  const parsed = SqliteError.safeParse(error);
  if (parsed.success) {
    const code = parsed.data.errcode % 256;
    if (aboutValues.includes(code)) return undefined;
    return (
      sentences[code] ?? { what: `SQLite refuses the store's file: ${parsed.data.message}`, remedy: damage.remedy }
    );
  }
  // What Node.js says of a connection or a statement that is closed.
  if (errorCode(error) === "ERR_INVALID_STATE") {
    return { what: "the store's file is not open", remedy: "restart Tidewatch" };
  }
  return undefined;
}

/** The error as the callers of a store know it. */
export function storeFailure(error: unknown): unknown {
  const sentence = sentenceOf(error);
  return sentence === undefined ? error : unavailable(sentence, error);
}

export const unavailable = ({ what, remedy }: Sentence, cause?: unknown): StoreUnavailable =>
  new StoreUnavailable(`${what}: ${remedy}`, { cause });
