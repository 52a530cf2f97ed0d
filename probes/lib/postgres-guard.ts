/** Reads along what a PostgreSQL says (protocol 3), so that its client never gets what would fill the memory or make it stumble. */

/** What a server may say to simple questions: sign-in, settings, results, errors, notices. */
const kinds = Buffer.from("RSKvZTDCEINA");
const signIn = 0x52;
/** The longest way to sign in that we know (SCRAM) takes four. */
const mostSignIns = 8;
const headBytes = 5;

export class PostgresGuard {
  readonly #mostBytes: number;
  /** Of a message that has not come to its end. */
  readonly #head = Buffer.alloc(headBytes);
  #headLength = 0;
  #bodyLeft = 0;
  #signIns = 0;

  /** @param mostBytes of one message. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Throws for what is no answer of PostgreSQL. */
  look(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#bodyLeft > 0) {
        const here = Math.min(this.#bodyLeft, bytes.length - at);
        this.#bodyLeft -= here;
        at += here;
        continue;
      }
      this.#head[this.#headLength++] = bytes[at++] ?? 0;
      if (this.#headLength === headBytes) this.#begin(this.#head.readUInt8(0), this.#head.readUInt32BE(1));
    }
  }

  /** @param length of all but the kind, itself included. */
  #begin(kind: number, length: number): void {
    if (!kinds.includes(kind) || length < 4 || length > this.#mostBytes) throw new Error("no message of PostgreSQL");
    if (kind === signIn && ++this.#signIns > mostSignIns) throw new Error("no end of signing in");
    this.#headLength = 0;
    this.#bodyLeft = length - 4;
  }
}
