/** The clock, handed in as an argument: instants for history, monotonic seconds for durations. Tests turn a fake one. */

export interface Clock {
  /** Wall time. It may jump; never subtract two of them to get a duration. */
  now(): Temporal.Instant;
  /** Seconds since an arbitrary start; never goes back, whatever happens to the wall clock. */
  monotonicSeconds(): number;
  /** Resolves after `seconds`; rejects with the signal's reason when it is aborted. */
  sleep(seconds: number, signal: AbortSignal): Promise<void>;
}

/** To the millisecond: Temporal itself refuses parts of a second. @param seconds negative for earlier. */
export const secondsAfter = (at: Temporal.Instant, seconds: number): Temporal.Instant =>
  at.add({ milliseconds: Math.round(seconds * 1000) });

/** Never less than 0: the wall clock may have been put back between the two. */
export const secondsBetween = (from: Temporal.Instant, to: Temporal.Instant): number =>
  Math.max(0, (to.epochMilliseconds - from.epochMilliseconds) / 1000);

/** @param milliseconds since the epoch, of which parts may come from a wall clock's arithmetic. */
export const instant = (milliseconds: number): Temporal.Instant =>
  Temporal.Instant.fromEpochMilliseconds(Math.floor(milliseconds));

/** The last moment there is. */
export const farFuture: Temporal.Instant = instant(8.64e15);
