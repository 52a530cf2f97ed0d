/** A filter for the messages of a PostgreSQL (protocol 3), so that its client never gets one that would fill the memory or break it. */
import { NotMeasured } from "../../core/errors.ts";
import { mostDatabaseBytes } from "./guarded-socket.ts";
import { WholeMessages } from "./whole-messages.ts";

/** What a server may say to simple questions: sign-in, settings, results, errors, notices. */
const kinds = "RSKvZTDCEINA";
const headBytes = 5;
/** Our questions ask for six at most. */
const mostColumns = 100;
/** Texts of errors and notices may quote what they are about, and may say where it happened. */
const mostWords = 256 * 1024;
/** A salt, some random letters, a few names. */
const mostSignIn = 8 * 1024;

/** By its number: done, password, MD5. Those of SASL come in steps, each after the one before. */
const signIns = [0, 3, 5];
const saslSteps = [10, 11, 12];
/** Nobody is asked for the same password again and again. */
const mostSignIns = 8;

export const otherSignIn =
  "PostgreSQL wants our role to sign in in a way that we do not know: give it a password, and scram-sha-256 in pg_hba.conf";

export class PostgresGuard {
  readonly #messages = new WholeMessages({ headBytes, lengthOf });
  #signIns = 0;
  #saslSteps = 0;

  /** Throws for what is no answer of PostgreSQL. */
  *filter(bytes: Uint8Array): Generator<Buffer> {
    for (const message of this.#messages.completedBy(bytes)) {
      this.#check(String.fromCharCode(message.readUInt8(0)), message.subarray(headBytes));
      yield message;
    }
  }

  #check(kind: string, body: Buffer): void {
    if (kind === "R") this.#signIn(body);
    else if (kind === "E" || kind === "N") checkWords(body);
    else if (kind === "T") checkColumns(body.readInt16BE(0));
    else if (kind === "D") checkRow(body);
  }

  #signIn(body: Buffer): void {
    const way = body.readInt32BE(0);
    const isStep = saslSteps.includes(way);
    if (!isStep && !signIns.includes(way)) throw new NotMeasured(otherSignIn);
    if (isStep && way !== saslSteps[this.#saslSteps++]) throw notPostgres();
    if (++this.#signIns > mostSignIns || body.length > mostSignIn) throw notPostgres();
  }
}

/** @returns with the kind, which the length that is told does not count. */
function lengthOf(head: Buffer): number {
  const length = head.readUInt32BE(1);
  if (!kinds.includes(String.fromCharCode(head.readUInt8(0)))) throw notPostgres();
  if (length < 4 || length > mostDatabaseBytes) throw notPostgres();
  return length + 1;
}

/** Fields of a letter and a text that a zero ends, and after the last one another zero: without it pg reads for ever. */
function checkWords(body: Buffer): void {
  if (body.length > mostWords) throw notPostgres();
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at + 1);
    if (end < 0) throw notPostgres();
    at = end + 1;
  }
  if (at !== body.length - 1) throw notPostgres();
}

function checkColumns(columns: number): void {
  if (columns < 0 || columns > mostColumns) throw notPostgres();
}

/** Values with their lengths, -1 for none: another one below zero would lead back, to read the same again and again. */
function checkRow(body: Buffer): void {
  const columns = body.readInt16BE(0);
  checkColumns(columns);
  let at = 2;
  for (let column = 0; column < columns; column++) {
    const length = body.readInt32BE(at);
    if (length < -1) throw notPostgres();
    at += 4 + Math.max(0, length);
  }
  if (at !== body.length) throw notPostgres();
}

const notPostgres = () => new Error("no message of PostgreSQL");
