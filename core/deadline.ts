/** Deadlines (timeouts): work races against the clock, ends by an abort signal, and a deadline is told from a shutdown. */
import type { Clock } from "./clock.ts";
import { noLongerNeeded } from "./wake-up.ts";

/** The reason of a deadline, as `AbortSignal.timeout` has it. Any other reason means: stop, nobody wants to know. */
export const deadlinePassed = (): DOMException => new DOMException("the time for this check is over", "TimeoutError");

export const isDeadline = (reason: unknown): boolean => reason instanceof Error && reason.name === "TimeoutError";

/** Settles like `promise`, or rejects with the signal's reason as soon as it is aborted; the rest is nobody's problem. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

interface TimeLimit {
  readonly seconds: number;
  readonly clock: Clock;
  /** Ends the race early, with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Settles like `work`, or like `late` as soon as the time is over. Work that goes on after that is left behind: whatever
 * it still says is of no interest.
 */
export async function withinTime<T, Late>(
  work: Promise<T>,
  { seconds, clock, signal }: TimeLimit,
  late: () => Late | Promise<Late>,
): Promise<T | Late> {
  const settled = new AbortController();
  const race = Promise.race([work, clock.sleep(seconds, settled.signal).then(late)]);
  try {
    return await (signal ? orAborted(race, signal) : race);
  } finally {
    settled.abort(noLongerNeeded);
  }
}
