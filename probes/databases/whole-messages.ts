/**
 * Cuts what a database says into whole messages. Each is a piece of memory of its own, so that no length told inside of
 * it can make its reader read bytes of another.
 */

export interface Shape {
  /** Bytes from which the length can be told. */
  readonly headBytes: number;
  /** Of the whole message, its head included; throws when there can be no such message. */
  lengthOf(head: Buffer): number;
}

/** Rows, columns and notices that there may be in all. */
const mostMessages = 20_000;

export class WholeMessages {
  readonly #shape: Shape;
  readonly #most: number;
  #pieces: Uint8Array[] = [];
  #have = 0;
  #wanted: number;
  #isHeadRead = false;
  #messages = 0;

  constructor(shape: Shape, most = mostMessages) {
    this.#shape = shape;
    this.#most = most;
    this.#wanted = shape.headBytes;
  }

  /** Those that these bytes complete. */
  *completedBy(bytes: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.#wanted - this.#have);
      this.#pieces.push(piece);
      this.#have += piece.length;
      at += piece.length;
      if (this.#have < this.#wanted) return;
      if (!this.#isHeadRead) this.#begin();
      if (this.#have === this.#wanted) yield this.#end();
    }
  }

  #begin(): void {
    if (++this.#messages > this.#most) throw new Error("no end of messages");
    this.#wanted = this.#shape.lengthOf(Buffer.concat(this.#pieces));
    this.#isHeadRead = true;
  }

  #end(): Buffer {
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#have = 0;
    this.#wanted = this.#shape.headBytes;
    this.#isHeadRead = false;
    return whole;
  }
}
