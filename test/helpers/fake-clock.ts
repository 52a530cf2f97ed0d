/** A clock that only moves when a test turns it. */
import type { Clock } from "../../core/clock.ts";

interface Sleeper {
  readonly seconds: number;
  readonly until: number;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  #wall: Temporal.Instant;
  #monotonic = 0;
  #sleepers: Sleeper[] = [];
  readonly #settled: () => Promise<void>;

  /** @param settled called before time goes on: resolves when all that was begun has come to a wait. */
  constructor(start = "2026-11-23T12:00:00Z", settled: () => Promise<void> = settledPromises) {
    this.#wall = Temporal.Instant.from(start);
    this.#settled = settled;
  }

  now(): Temporal.Instant {
    return this.#wall;
  }

  monotonicSeconds(): number {
    return this.#monotonic;
  }

  sleep(seconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      };
      // A simulated month sleeps a million times with one signal.
      const wake = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      const sleeper = { seconds, until: this.#monotonic + seconds, wake };
      this.#sleepers.push(sleeper);
      signal.addEventListener("abort", abort);
    });
  }

  /** How many sleep that asked for so many seconds: a loop that does is done with its turn. */
  sleeping(seconds: number): number {
    return this.#sleepers.filter((sleeper) => sleeper.seconds === seconds).length;
  }

  /** Moves on, waking whoever's time has come, each at its own moment and in order. */
  async turn(seconds: number): Promise<void> {
    const end = this.#monotonic + seconds;
    for (;;) {
      await this.#settled();
      const next = this.#sleepers.toSorted((a, b) => a.until - b.until)[0];
      if (!next || next.until > end) break;
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#moveTo(next.until);
      next.wake();
    }
    this.#moveTo(end);
  }

  /** The wall clock is set to another time; the monotonic one goes on as if nothing had happened. */
  jump(seconds: number): void {
    this.#wall = this.#wall.add({ milliseconds: Math.round(seconds * 1000) });
  }

  #moveTo(monotonic: number): void {
    const milliseconds = Math.max(0, Math.round((monotonic - this.#monotonic) * 1000));
    this.#monotonic = Math.max(this.#monotonic, monotonic);
    this.#wall = this.#wall.add({ milliseconds });
  }
}

/** Lets promises that are already resolved run before time goes on. */
async function settledPromises(): Promise<void> {
  for (let round = 0; round < 20; round++) await new Promise<void>((resolve) => setImmediate(resolve));
}
