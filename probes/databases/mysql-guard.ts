/** A filter for the packets of a MySQL, so that its client never gets one that would fill the memory or break it. */
import { mostDatabaseBytes } from "./guarded-socket.ts";
import { WholeMessages } from "./whole-messages.ts";

const headBytes = 4;

interface Expected {
  /** Packets in all. */
  readonly most?: number;
  /** Whether the greeting came before, on the socket that is encrypted now. */
  readonly greeted?: boolean;
}

export class MysqlGuard {
  readonly #messages: WholeMessages;
  #isFirst: boolean;

  constructor({ most, greeted = false }: Expected = {}) {
    this.#messages = new WholeMessages({ headBytes, lengthOf }, most);
    this.#isFirst = !greeted;
  }

  /** Throws for what is no answer of MySQL. */
  *filter(bytes: Uint8Array): Generator<Buffer> {
    for (const packet of this.#messages.completedBy(bytes)) {
      // MariaDB may refuse us under number 1, and mysql2 would not take that for the first word.
      if (this.#isFirst) packet.writeUInt8(0, 3);
      this.#isFirst = false;
      yield packet;
    }
  }
}

function lengthOf(head: Buffer): number {
  const length = head.readUIntLE(0, 3);
  if (length > mostDatabaseBytes) throw new Error("no packet of MySQL");
  return headBytes + length;
}
