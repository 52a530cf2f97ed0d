/**
 * The concurrency limit: how many check runs may be busy at once. Busy means using this machine: a run that has waited for
 * the network for a while makes room for another one, so that many targets that do not answer keep no other check waiting.
 */

import type { Clock } from "../../core/clock.ts";
import { noLongerNeeded } from "../../core/wake-up.ts";

export interface ConcurrencySettings {
  readonly clock: Clock;
  /** Runs that may be busy at once (32). */
  readonly busy?: number;
  /** Runs that may be under way at once, waiting ones included (2,000). */
  readonly underWay?: number;
  /** Seconds after which a run counts as waiting (0.25). */
  readonly patienceSeconds?: number;
}

export class ConcurrencyLimit {
  readonly #clock: Clock;
  readonly #patienceSeconds: number;
  #busy: number;
  #underWay: number;
  readonly #queue: (() => void)[] = [];
  /** Each use has one of its own: a signal for all would look through the listeners of all, whenever one comes or goes. */
  readonly #ends = new Set<AbortController>();
  #ended: { readonly reason: unknown } | undefined;

  constructor({ clock, busy = 32, underWay = 2000, patienceSeconds = 0.25 }: ConcurrencySettings) {
    this.#clock = clock;
    this.#busy = busy;
    this.#underWay = underWay;
    this.#patienceSeconds = patienceSeconds;
  }

  /**
   * Runs `work` as soon as there is room, in the order of asking. Rejects when all ends before.
   * @param work gets a signal of its own, which is aborted when all ends, and when it is over.
   */
  async use<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#ended) throw this.#ended.reason;
    const end = new AbortController();
    this.#ends.add(end);
    try {
      await this.#enter(end.signal);
      return await this.#work(end.signal, work);
    } finally {
      end.abort(noLongerNeeded);
      this.#ends.delete(end);
    }
  }

  /** Sends away who waits, and tells those under way to end. */
  end(reason: unknown): void {
    this.#ended = { reason };
    for (const end of this.#ends) end.abort(reason);
  }

  async #work<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    let taken = 1;
    const giveBack = () => {
      this.#busy += taken;
      taken = 0;
      this.#admit();
    };
    this.#clock.sleep(this.#patienceSeconds, signal).then(giveBack, () => {});
    try {
      return await work(signal);
    } finally {
      this.#underWay += 1;
      giveBack();
    }
  }

  #enter(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        const place = this.#queue.indexOf(enter);
        if (place >= 0) this.#queue.splice(place, 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#queue.push(enter);
      this.#admit();
    });
  }

  #admit(): void {
    while (this.#busy > 0 && this.#underWay > 0) {
      const enter = this.#queue.shift();
      if (!enter) return;
      this.#busy -= 1;
      this.#underWay -= 1;
      enter();
    }
  }
}
