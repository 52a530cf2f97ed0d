/**
 * Slots: a few deliveries of a channel begin at once, next is whoever reads the fewest of those on their way. So one
 * mailbox that hangs keeps no other reader waiting, and a mail server meets no crowd.
 */
export interface Slot extends Disposable {
  /** It takes long: somebody else may begin in its place, while it goes on. */
  release(): void;
}

export class SendingSlots {
  #free: number;
  #waiting: { readonly reader: string; readonly begin: () => void }[] = [];
  /** How many are on their way to each, those that take long included. */
  readonly #onTheirWay = new Map<string, number>();

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async take(reader: string): Promise<Slot> {
    await new Promise<void>((resolve) => {
      this.#waiting.push({ reader, begin: resolve });
      this.#next();
    });
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      this.#free++;
      this.#next();
    };
    return {
      release,
      [Symbol.dispose]: () => {
        this.#count(reader, -1);
        release();
      },
    };
  }

  #next(): void {
    if (this.#free === 0) return;
    const [first, ...others] = this.#waiting;
    if (!first) return;
    const next = others.reduce(
      (least, one) => (this.#busy(one.reader) < this.#busy(least.reader) ? one : least),
      first,
    );
    this.#waiting = this.#waiting.filter((one) => one !== next);
    this.#free--;
    this.#count(next.reader, 1);
    next.begin();
  }

  #busy(reader: string): number {
    return this.#onTheirWay.get(reader) ?? 0;
  }

  #count(reader: string, change: 1 | -1): void {
    const count = this.#busy(reader) + change;
    if (count === 0) this.#onTheirWay.delete(reader);
    else this.#onTheirWay.set(reader, count);
  }
}
