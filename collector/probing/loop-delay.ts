/**
 * Event loop delay during one run: how late this thread was while something was measured.
 * `perf_hooks.monitorEventLoopDelay` has one sum for all runs and records a block only at its next tick, when the run
 * that suffered from it is over; so each run has a window of its own here.
 */
import { performance } from "node:perf_hooks";

const tickMs = 10;

interface Window {
  worstMs: number;
}

export class LoopDelay {
  readonly #nowMs: () => number;
  readonly #windows = new Set<Window>();
  #due = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param nowMs by which clock. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** @returns ends the window: the worst delay in it, in seconds. Nothing ticks while no window is open. */
  watch(): () => number {
    if (this.#windows.size === 0) this.#arm();
    else this.#note();
    const window = { worstMs: 0 };
    this.#windows.add(window);
    return () => {
      this.#note();
      this.#windows.delete(window);
      if (this.#windows.size === 0) clearTimeout(this.#timer);
      return window.worstMs / 1000;
    };
  }

  #arm(): void {
    this.#due = this.#nowMs() + tickMs;
    this.#timer = setTimeout(() => {
      this.#note();
      this.#arm();
    }, tickMs).unref();
  }

  #note(): void {
    // Timers of Node are up to a millisecond late by nature.
    const late = this.#nowMs() - this.#due - 1;
    if (late > 0) for (const window of this.#windows) window.worstMs = Math.max(window.worstMs, late);
  }
}
