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

  constructor({ clock, busy = 32, underWay = 2000, patienceSeconds = 0.25 }: ConcurrencySettings) {
    this.#clock = clock;
    this.#busy = busy;
    this.#underWay = underWay;
    this.#patienceSeconds = patienceSeconds;
  }

  /** Runs `work` as soon as there is room, in the order of asking. Rejects when `signal` is aborted before. */
  async use<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(signal);
    const over = new AbortController();
    let taken = 1;
    const giveBack = () => {
      this.#busy += taken;
      taken = 0;
      this.#admit();
    };
    this.#clock.sleep(this.#patienceSeconds, over.signal).then(giveBack, () => {});
    try {
      return await work();
    } finally {
      over.abort(noLongerNeeded);
      this.#underWay += 1;
      giveBack();
    }
  }

  #enter(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
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
