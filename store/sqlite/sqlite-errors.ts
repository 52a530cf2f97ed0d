/**
 * SQLite's errors as sentences, such as a full disk, a lock or damage, with what to do. Whatever SQLite says about its file
 * is a failure of the store; only what it says about values that were to be written is an error of ours.
 */
import { errorCode } from "../../core/error-code.ts";
import { Refused, StoreUnavailable } from "../../core/errors.ts";

/** What happened, and what to do. */
export interface Sentence {
  readonly what: string;
  readonly remedy: string;
  /** Nothing comes of trying again on the same connection. */
  readonly isBroken?: true;
}

export const busy = 5;
export const notWritable = 8;
export const ioError = 10;
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
  isBroken: true,
};
export const diskFailed: Sentence = {
  what: "the disk failed to read or write",
  remedy: "look for its errors with `dmesg`",
};
export const diskFull: Sentence = {
  what: "the disk, or the room left for the store, is full",
  remedy: "make room, and what waits is stored",
};

/** By SQLite's primary result code. */
const sentences: Readonly<Record<number, Sentence>> = {
  [busy]: locked,
  6: locked,
  7: { what: "there is no memory left", remedy: "see what else needs memory on this machine" },
  [notWritable]: {
    what: "the store's file or folder may not be written",
    remedy: "see that both belong to the user that runs Tidewatch, and that their disk is not read-only",
  },
  [ioError]: diskFailed,
  [damaged]: damage,
  13: diskFull,
  [cannotOpen]: {
    what: "SQLite cannot open the store's file or those beside it",
    remedy: "see that its folder exists and belongs to the user that runs Tidewatch",
  },
  [notADatabase]: damage,
};

/** What was to be written is too big, breaks a constraint, or is of the wrong type. */
const aboutValues: readonly number[] = [18, 19, 20, 25];

/** SQLite's primary result code; undefined when the error is none of SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  // Bytes that are missing at the end of the file (SQLITE_IOERR_SHORT_READ) are no fault of the disk.
  return error.errcode === 522 ? damaged : error.errcode % 256;
}

/** @returns undefined where the error is not one of the store's. */
export function sentenceOf(error: unknown): Sentence | undefined {
  if (error instanceof FileFailure) return error.sentence;
  if (error instanceof Refused) return sentenceOfRefusal(error);
  const code = sqliteCode(error);
  if (code !== undefined) {
    if (aboutValues.includes(code)) return undefined;
    // A table that is gone, say.
    return sentences[code] ?? { ...damage, what: `the store's file is not as it was: ${messageOf(error)}` };
  }
  // What Node.js says of a connection or a statement that is closed.
  if (errorCode(error) !== "ERR_INVALID_STATE") return undefined;
  return { what: "the store's file is not open", remedy: "it is opened again", isBroken: true };
}

/** The store cannot be used, and this is why. */
export class FileFailure extends StoreUnavailable {
  readonly sentence: Sentence;

  constructor(sentence: Sentence, cause?: unknown) {
    super(`${sentence.what}: ${sentence.remedy}`, { cause });
    this.sentence = sentence;
  }
}

/** The error as the callers of a store know it. */
export function storeFailure(error: unknown): unknown {
  const sentence = sentenceOf(error);
  return sentence === undefined || error instanceof FileFailure ? error : new FileFailure(sentence, error);
}

/** As `Refused` has it. */
export const asRemedy = (remedy: string): string => `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`;

function sentenceOfRefusal({ message, remedy }: Refused): Sentence {
  const inside = `${remedy.charAt(0).toLowerCase()}${remedy.slice(1).replace(/\.$/, "")}`;
  return { what: message, remedy: inside, isBroken: true };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
