/** Whether the wall clock was set, which the monotonic clock tells: it goes on as if nothing had happened. */
import type { Clock } from "../core/clock.ts";
import type { Store } from "../core/store/store.ts";

/** What a time service slews, and rounding, are less than this. */
const leastMilliseconds = 1000;

export class WallClock {
  readonly #clock: Clock;
  /** Wall time minus monotonic time when that was last looked at, milliseconds. */
  #frame: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#frame = this.#frameNow();
  }

  /** By how many milliseconds it was set since the last call; 0 when it was not. */
  moved(): number {
    const moved = this.#frameNow() - this.#frame;
    if (Math.abs(moved) < leastMilliseconds) return 0;
    this.#frame += moved;
    return Math.round(moved);
  }

  #frameNow(): number {
    return this.#clock.now().epochMilliseconds - this.#clock.monotonicSeconds() * 1000;
  }
}

/** When anything was measured last, by an earlier process; long ago when nothing was. A clock that says less was put back. */
export async function lastMeasured({ samples }: Pick<Store, "samples">): Promise<Temporal.Instant> {
  const moments = (await samples.latest()).map(({ at }) => at.epochMilliseconds);
  return Temporal.Instant.fromEpochMilliseconds(Math.max(0, ...moments));
}
