/** A wakeable sleep: the wait of a loop between two turns, which a wake-up ends early. */
import type { Clock } from "./clock.ts";

/** The reason of a wait that nobody needs any more; one for all, because making one takes longer than the abort. */
export const noLongerNeeded = new Error("no longer needed");

export class WakeableSleep {
  #waking = new AbortController();

  /** Ends the sleep that goes on now, or else the next one before it begins. */
  wake(): void {
    this.#waking.abort(noLongerNeeded);
  }

  /** Resolves after `seconds`, or as soon as it is woken or `signal` is aborted. Never rejects. */
  async sleep(clock: Clock, seconds: number, signal: AbortSignal): Promise<void> {
    await clock.sleep(seconds, AbortSignal.any([this.#waking.signal, signal])).catch(() => {});
    this.#waking = new AbortController();
  }
}
